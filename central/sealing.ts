import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from "node:crypto";

const nonceBytes = 12;
const tagBytes = 16;
const version = 1;

/** Seals personal columns: AES-256-GCM, fresh nonce per value, bound to the row it belongs to. */
export interface Sealer {
  /** `place` names the column and the row's unchanging clear columns: a sealed value cannot be moved. */
  seal(place: readonly unknown[], text: string): Buffer;
  /** @throws Error when the value is damaged, moved, or sealed with another key. */
  open(place: readonly unknown[], sealed: Uint8Array): string;
}

/** A sealer with one key of 32 bytes. Layout: version, nonce (12), ciphertext, tag (16). */
export function sealerWith(secret: Buffer): Sealer {
  const key = createSecretKey(secret);
  return {
    seal(place, text) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      cipher.setAAD(Buffer.from(JSON.stringify(place), "utf8"));
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([Buffer.from([version]), nonce, body, cipher.getAuthTag()]);
    },
    open(place, sealed) {
      const bytes = Buffer.from(sealed);
      if (bytes[0] !== version || bytes.length < 1 + nonceBytes + tagBytes) {
        throw new Error("A sealed value is damaged.");
      }
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(1, 1 + nonceBytes));
      decipher.setAAD(Buffer.from(JSON.stringify(place), "utf8"));
      decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
      const body = bytes.subarray(1 + nonceBytes, bytes.length - tagBytes);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
    },
  };
}
