import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";

/**
 * What guards the private part of the device key, weakest first:
 * - `file`: the station key, a file (0400) of the data folder;
 * - `systemd-credential`: a secret that the service manager gives to this service only, by
 *   `LoadCredentialEncrypted=tram-device-seal`, which `systemd-creds encrypt` binds to the machine's TPM.
 */
export const keyBackends = ["file", "systemd-credential"] as const;
export type KeyBackend = (typeof keyBackends)[number];

/** Name of the systemd credential. */
export const credentialName = "tram-device-seal";

const leastSecretBytes = 16;

/** What may be there to seal with at this start. */
export interface SealingSecrets {
  /** Key of the station for this purpose; it is always part of the seal. */
  readonly station: KeyObject;
  /** `$CREDENTIALS_DIRECTORY` */
  readonly credentialsDirectory: string | undefined;
}

/** The AES-256-GCM key of a backend, or null when its secret was not given to this start. */
export function sealingKey(backend: KeyBackend, secrets: SealingSecrets): KeyObject | null {
  const secret = secretOf(backend, secrets);
  if (secret === null) return null;
  const material = Buffer.concat([secrets.station.export(), secret]);
  return createSecretKey(Buffer.from(hkdfSync("sha256", material, "tram-qr", `device-key/${backend}`, 32)));
}

/** The strongest backend that this start can use. */
export function strongestBackend(secrets: SealingSecrets): KeyBackend {
  return keyBackends.findLast((backend) => secretOf(backend, secrets) !== null) ?? "file";
}

function secretOf(backend: KeyBackend, { credentialsDirectory }: SealingSecrets): Uint8Array | null {
  switch (backend) {
    case "file":
      return new Uint8Array();
    case "systemd-credential":
      return credentialsDirectory === undefined ? null : credentialIn(credentialsDirectory);
  }
}

function credentialIn(folder: string): Uint8Array | null {
  try {
    const secret = readFileSync(path.join(folder, credentialName));
    return secret.length >= leastSecretBytes ? secret : null;
  } catch {
    return null;
  }
}
