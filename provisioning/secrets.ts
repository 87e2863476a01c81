import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  randomFillSync,
} from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { AgentError } from "./agent-error.ts";
import { writeDurably } from "./durable-file.ts";
import type { OwnerKey } from "./owner-key.ts";

/** What guards the station key: a file that only its user may read. */
export const keyBackend = "file";

/**
 * The keys of one station, all derived from one random master key of 32 bytes, and the owner's public one. They are key
 * objects, because Node wraps raw bytes anew at every use, which costs more than the sealing itself; threads may be
 * given them.
 */
export interface StationKeys {
  /** Says which station key this is and nothing else of it. */
  readonly fingerprint: string;
  /** AES-256-GCM key of journal rows of schema 1, which had no data keys. */
  readonly rows: KeyObject;
  /** AES-256-GCM key that wraps the journal's data keys, see `agent/journal/data-keys.ts`. */
  readonly wraps: KeyObject;
  /** HMAC key of the person column. */
  readonly persons: KeyObject;
  /** AES-256-GCM key of the staff credential file. */
  readonly duty: KeyObject;
  /** Key of the receipts for carried entries. */
  readonly receipts: KeyObject;
  /** What the device key is sealed with, alone or with a stronger secret: `key-sealing.ts`. */
  readonly device: KeyObject;
  /** Null when the owner has configured none. */
  readonly owner: OwnerKey | null;
}

/**
 * Reads the station's master key, or makes it (mode 0400) when `mayCreate`. A key is never made beside a journal
 * that already holds rows: that would turn unsent entries into noise.
 *
 * @throws AgentError `key.missing`, `key.damaged`
 */
export function loadStationKeys(file: string, mayCreate: boolean, owner: OwnerKey | null = null): StationKeys {
  if (!existsSync(file)) {
    if (!mayCreate) {
      throw new AgentError(
        "key.missing",
        `The key ${file} is missing but the journal beside it holds rows; put the key file back from your backup, or read the rows out with "tram journal recover" and the owner's private key; nothing was changed.`,
      );
    }
    writeDurably(file, randomBytes(32), 0o400);
  }
  const master = readFileSync(file);
  if (master.length !== 32) {
    throw new AgentError(
      "key.damaged",
      `The key ${file} is damaged (${master.length} bytes instead of 32); put it back from your backup, or read the rows out with "tram journal recover" and the owner's private key; nothing was changed.`,
    );
  }
  const derive = (purpose: string) => createSecretKey(Buffer.from(hkdfSync("sha256", master, "tram-qr", purpose, 32)));
  return {
    fingerprint: derive("fingerprint").export().toString("hex").slice(0, 16),
    rows: derive("journal-rows"),
    wraps: derive("journal-data-keys"),
    persons: derive("journal-persons"),
    duty: derive("duty-file"),
    receipts: derive("carry-receipts"),
    device: derive("device-key"),
    owner,
  };
}

const nonceBytes = 12;
const tagBytes = 16;
const nonces = Buffer.alloc(256 * nonceBytes);
let noncesTaken = nonces.length;

/** Random and used once. Asking the system for many at a time costs a tenth of asking for each. */
function freshNonce(): Uint8Array {
  if (noncesTaken === nonces.length) {
    randomFillSync(nonces);
    noncesTaken = 0;
  }
  noncesTaken += nonceBytes;
  return nonces.subarray(noncesTaken - nonceBytes, noncesTaken);
}

/** AES-256-GCM with a fresh random nonce: nonce (12 bytes), tag (16), ciphertext. `aad` binds it to its place. */
export function seal(key: KeyObject, plain: Uint8Array, aad: string): Uint8Array {
  const nonce = freshNonce();
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(aad, "utf8"));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** The reverse of {@link seal}; null when the key, the place or a single bit differs. */
export function unseal(key: KeyObject, sealed: Uint8Array, aad: string): Uint8Array | null {
  if (sealed.length < nonceBytes + tagBytes) return null;
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(aad, "utf8"));
  decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
  } catch {
    return null;
  }
}
