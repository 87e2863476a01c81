import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { z } from "zod";
import type { CodeKeys } from "../contract/code-keys.ts";
import type { placeCode } from "../contract/places.ts";
import { placeCodeText, placeMessage, type SignedPlaceCode } from "../contract/signed-code.ts";

/** Signs the codes of this installation; the same key after every start, because it comes from the key file. */
export interface CodeSigner {
  readonly publicKeys: CodeKeys;
  /** The code of a place; the same text each time. `base` is the centre's public address, `issuedAt` in ms. */
  placeCode(
    base: string,
    place: { readonly checkpointId: string; readonly number: number; readonly issuedAt: number },
  ): z.infer<typeof placeCode>;
  /** Whether this installation signed it; null when the key is not one of its. */
  signed(code: SignedPlaceCode): boolean | null;
}

/** DER of an Ed25519 private key up to its 32 bytes (RFC 8410, section 7). */
const privateKeyHead = Buffer.from("302e020100300506032b657004220420", "hex");
const kidLength = 8;

/** @param seed 32 secret bytes */
export function codeSigner(seed: Buffer): CodeSigner {
  const privateKey = createPrivateKey({ key: Buffer.concat([privateKeyHead, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey);
  const x = rawPublicKey(publicKey);
  const kid = createHash("sha256").update(Buffer.from(x, "base64url")).digest("hex").slice(0, kidLength);
  return {
    publicKeys: { set_version: 1, keys: [{ kid, kty: "OKP", crv: "Ed25519", x, use: "place_code", state: "active" }] },
    placeCode(base, { checkpointId, number, issuedAt }) {
      const issuedOn = new Date(issuedAt).toISOString().slice(0, 10);
      const message = placeMessage({ kid, checkpointId, issuedOn, number });
      const text = placeCodeText(base, message, sign(null, message, privateKey));
      return { text, kid, number, issued_on: issuedOn };
    },
    signed(code) {
      return code.kid === kid ? verify(null, code.message, publicKey, code.signature) : null;
    },
  };
}

function rawPublicKey(publicKey: KeyObject): string {
  const { x } = publicKey.export({ format: "jwk" });
  if (x === undefined) throw new Error("An Ed25519 key has an x.");
  return x;
}
