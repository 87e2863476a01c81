import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { expect, test } from "vitest";
import type { CodeKeys } from "../contract/code-keys.ts";
import { placeCodeText, placeMessage, readPlaceCode } from "../contract/signed-code.ts";
import { checkpointId } from "../testing/drafts.ts";
import { checkPlaceCode } from "./place-check.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const kid = "00ab12ff";
const keys: CodeKeys["keys"] = [keyOf(privateKey, kid)];

function keyOf(key: KeyObject, id: string): CodeKeys["keys"][number] {
  const { x = "" } = createPublicKey(key).export({ format: "jwk" });
  return { kid: id, kty: "OKP", crv: "Ed25519", x, use: "place_code", state: "retired" };
}

function code(change: { number?: number; kid?: string; checkpointId?: string } = {}, key = privateKey): string {
  const message = placeMessage({ kid, checkpointId, issuedOn: "2026-11-21", number: 1, ...change });
  return placeCodeText("https://qr.example.vn", message, sign(null, message, key));
}

const own = { id: checkpointId, codeNumber: 3 };

test("of this place: the current code and the earlier ones; a key that retired still tells", () => {
  expect(checkPlaceCode(code({ number: 3 }), keys, own)).toBe("own");
  expect(checkPlaceCode(code({ number: 2 }), keys, own)).toBe("outdated");
  expect(checkPlaceCode(code(), keys, own)).toBe("outdated");
  expect(checkPlaceCode(code(), keys, { ...own, codeNumber: null })).toBe("own");
});

test("of another place: genuine, whatever its number", () => {
  expect(checkPlaceCode(code(), keys, { ...own, id: "01900000-0000-7000-8000-0000000000ff" })).toBe("genuine");
  expect(checkPlaceCode(code(), keys, null)).toBe("genuine");
});

test("forged: another's signature under a known key, and every letter changed", () => {
  const other = generateKeyPairSync("ed25519").privateKey;
  expect(checkPlaceCode(code({ number: 3 }, other), keys, own)).toBe("forged");
  for (const number of [1, 3]) {
    const text = code({ number });
    // Behind version and key id, which lead to other answers.
    for (let at = text.indexOf("/TQP/") + 5 + 8; at < text.length - 1; at += 1) {
      const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
      // A number that no code of this form has is a damaged code.
      const awaited = readPlaceCode(changed) === "damaged" ? "unchecked" : "forged";
      expect(checkPlaceCode(changed, keys, own), `letter ${at}`).toBe(awaited);
    }
  }
});

test("cannot tell: no keys yet, an unknown key, half a code, no code", () => {
  expect(checkPlaceCode(code(), null, own)).toBe("unchecked");
  expect(checkPlaceCode(code({ kid: "ffffffff" }), keys, own)).toBe("unchecked");
  expect(checkPlaceCode(code().slice(0, -4), keys, own)).toBe("unchecked");
  expect(checkPlaceCode("https://example.com", keys, own)).toBe("unchecked");
});
