import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import type { CodeKeys } from "../contract/code-keys.ts";
import { placeCodeText, placeMessage } from "../contract/signed-code.ts";

/** Signs the codes of this installation; the same key after every start, because it comes from the key file. */
export interface CodeSigner {
  readonly publicKeys: Pick<CodeKeys, "keys">;
  /** The code of a place registered at `createdAt` (ms); the same text each time. `base` is the centre's public address. */
  placeCode(base: string, checkpointId: string, createdAt: number): { text: string; kid: string };
}

/** DER of an Ed25519 private key up to its 32 bytes (RFC 8410, section 7). */
const privateKeyHead = Buffer.from("302e020100300506032b657004220420", "hex");
const kidLength = 8;

/** @param seed 32 secret bytes */
export function codeSigner(seed: Buffer): CodeSigner {
  const privateKey = createPrivateKey({ key: Buffer.concat([privateKeyHead, seed]), format: "der", type: "pkcs8" });
  const x = rawPublicKey(privateKey);
  const kid = createHash("sha256").update(Buffer.from(x, "base64url")).digest("hex").slice(0, kidLength);
  return {
    publicKeys: { keys: [{ kid, kty: "OKP", crv: "Ed25519", x, use: "place_code", state: "active" }] },
    placeCode(base, checkpointId, createdAt) {
      const issuedOn = new Date(createdAt).toISOString().slice(0, 10);
      const message = placeMessage({ kid, checkpointId, issuedOn });
      return { text: placeCodeText(base, message, sign(null, message, privateKey)), kid };
    },
  };
}

function rawPublicKey(privateKey: KeyObject): string {
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  if (x === undefined) throw new Error("An Ed25519 key has an x.");
  return x;
}
