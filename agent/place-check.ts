import { createPublicKey, verify } from "node:crypto";
import type { CodeKeys } from "../contract/code-keys.ts";
import { readPlaceCode } from "../contract/signed-code.ts";

/** What this machine can say of a place's code without asking anybody. */
export type PlaceCheck =
  /** Signed by the centre, of the place this machine serves, and of its current poster. */
  | "own"
  /** Signed by the centre, of this place, and of an earlier poster. */
  | "outdated"
  /** Signed by the centre, of another place: whether its poster is current is not known here. */
  | "genuine"
  | "forged"
  /** The key is not among those known here, or none is. */
  | "unchecked";

/** The place this machine serves and the number of its current code; null where the centre never told. */
export interface OwnPlace {
  readonly id: string;
  readonly codeNumber: number | null;
}

/** Checks the text of a place code against the keys the centre told. */
export function checkPlaceCode(text: string, keys: CodeKeys["keys"] | null, own: OwnPlace | null): PlaceCheck {
  const code = readPlaceCode(text);
  if (code === null || code === "damaged") return "unchecked";
  const key = keys?.find(({ kid, use }) => kid === code.kid && use === "place_code");
  if (key === undefined) return "unchecked";
  const { kty, crv, x } = key;
  const publicKey = createPublicKey({ key: { kty, crv, x }, format: "jwk" });
  if (!verify(null, code.message, publicKey, code.signature)) return "forged";
  if (code.checkpointId !== own?.id) return "genuine";
  return own.codeNumber !== null && code.number < own.codeNumber ? "outdated" : "own";
}
