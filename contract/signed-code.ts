/**
 * Codes the centre issues and signs, so that every machine can check them without a network: one URL in capital letters
 * (a QR symbol holds those in its denser alphanumeric mode; ISO/IEC 18004) that any telephone can open.
 *
 *     BASE/TQP/ + base32 (RFC 4648, no padding) of: version (1 byte), key id (4), place id (16),
 *     day of issue (2, days since 2020-01-01), in version 2 number of issue (2), Ed25519 signature (64; RFC 8032)
 *
 * The first code of a place is written in version 1, all later ones in version 2: one code has one text.
 */
export interface PlaceCode {
  /** Eight hexadecimal digits. */
  readonly kid: string;
  readonly checkpointId: string;
  /** ISO date. */
  readonly issuedOn: string;
  /** 1 for the first code of the place, raised by each new one. */
  readonly number: number;
}

/** A place code as read: what it says, and what must be checked before believing it. */
export interface SignedPlaceCode extends PlaceCode {
  /** What was signed. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Bytes before the signature, by version. */
const contentBytes = new Map([
  [1, 1 + 4 + 16 + 2],
  [2, 1 + 4 + 16 + 2 + 2],
]);
const signatureBytes = 64;
const purpose = Uint8Array.from("tram-qr place code\0", (letter) => letter.charCodeAt(0));
/** The number has two bytes. */
export const mostPlaceCodes = 0xffff;
const epochMs = Date.UTC(2020, 0, 1);
const dayMs = 86_400_000;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const shape = /^https?:\/\/[^/\s]{1,253}(?:\/[^\s]{0,100})?\/TQP\/([A-Z2-7]*)$/i;

/** What the centre signs for a place; the first words keep it apart from anything else the key signs. */
export function placeMessage({ kid, checkpointId, issuedOn, number }: PlaceCode): Uint8Array {
  const version = number === 1 ? 1 : 2;
  const content = new Uint8Array(contentBytes.get(version) ?? 0);
  content[0] = version;
  content.set(fromHex(kid), 1);
  content.set(fromHex(checkpointId.replaceAll("-", "")), 5);
  const day = Math.floor((Date.parse(issuedOn) - epochMs) / dayMs);
  content.set([day >> 8, day & 0xff], 21);
  if (version === 2) content.set([number >> 8, number & 0xff], 23);
  return withPurpose(content);
}

/** The text of a place's QR code; `base` is the public address of the centre. */
export function placeCodeText(base: string, message: Uint8Array, signature: Uint8Array): string {
  const content = message.subarray(purpose.length);
  const bytes = new Uint8Array(content.length + signatureBytes);
  bytes.set(content);
  bytes.set(signature, content.length);
  return `${base.replace(/\/$/, "").toUpperCase()}/TQP/${toBase32(bytes)}`;
}

/**
 * Reads a scanned text: null when it is no place code of ours, `damaged` when it began as one. Says nothing about the
 * signature.
 */
export function readPlaceCode(text: string): SignedPlaceCode | "damaged" | null {
  const found = shape.exec(text);
  if (found === null) return null;
  const bytes = fromBase32((found[1] ?? "").toUpperCase());
  const length = bytes === null ? undefined : contentBytes.get(bytes[0] ?? 0);
  if (bytes === null || length === undefined || bytes.length !== length + signatureBytes) return "damaged";
  const content = bytes.subarray(0, length);
  const number = content[0] === 1 ? 1 : ((content[23] ?? 0) << 8) | (content[24] ?? 0);
  if (content[0] === 2 && number < 2) return "damaged";
  const id = toHex(content.subarray(5, 21));
  const day = ((content[21] ?? 0) << 8) | (content[22] ?? 0);
  return {
    kid: toHex(content.subarray(1, 5)),
    checkpointId: [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join("-"),
    issuedOn: new Date(epochMs + day * dayMs).toISOString().slice(0, 10),
    number,
    message: withPurpose(content),
    signature: bytes.subarray(length),
  };
}

function withPurpose(content: Uint8Array): Uint8Array {
  const message = new Uint8Array(purpose.length + content.length);
  message.set(purpose);
  message.set(content, purpose.length);
  return message;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function toBase32(bytes: Uint8Array): string {
  let bits = 0;
  let held = 0;
  let text = "";
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    held += 8;
    for (; held >= 5; held -= 5) text += alphabet[(bits >> (held - 5)) & 31];
    bits &= 31;
  }
  return held > 0 ? text + alphabet[(bits << (5 - held)) & 31] : text;
}

/** Null when the text is not what the bytes would be written as: one code has one text. */
function fromBase32(text: string): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    bits = (bits << 5) | alphabet.indexOf(letter);
    held += 5;
    if (held >= 8) {
      held -= 8;
      bytes[at++] = bits >> held;
      bits &= (1 << held) - 1;
    }
  }
  return bits === 0 && text.length === Math.ceil((bytes.length * 8) / 5) ? bytes : null;
}
