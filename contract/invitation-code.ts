/**
 * The text an owner's page shows as a QR code and a machine's own reader scans: which centre, and a secret that stands for
 * one place, once, for ten minutes. It is no address, so that a telephone that scans it sends the secret nowhere.
 *
 *     TQE1.BASE.SECRET     BASE: address of the centre, SECRET: 32 letters of base32 (RFC 4648), 160 bits
 */
export interface Invitation {
  /** Address of the centre without a slash at the end, scheme and host in small letters. */
  readonly base: string;
  readonly secret: string;
}

const shape = /^TQE1\.(https?:\/\/[\w.:[\]-]{1,253})((?:\/[\w.~%-]+)*)\/?\.([A-Z2-7]{32})$/i;

/** Capital letters where the address has no path: a QR symbol holds those in its denser mode (ISO/IEC 18004). */
export function invitationText({ base, secret }: Invitation): string {
  const plain = base.replace(/\/$/, "");
  return `TQE1.${/^https?:\/\/[^/]+$/i.test(plain) ? plain.toUpperCase() : plain}.${secret}`;
}

/** Null when it is no invitation, `damaged` when it began as one. */
export function readInvitation(text: string): Invitation | "damaged" | null {
  if (!/^TQE1\./i.test(text)) return null;
  const [, host, path = "", secret] = shape.exec(text) ?? [];
  if (host === undefined || secret === undefined) return "damaged";
  return { base: host.toLowerCase() + path, secret: secret.toUpperCase() };
}
