import { generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { mostPlaceCodes, placeCodeText, placeMessage, readPlaceCode } from "./signed-code.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const base = "https://qr.example.vn/";
const place = {
  kid: "00ab12ff",
  checkpointId: "01900000-0000-7000-8000-000000000001",
  issuedOn: "2026-11-21",
  number: 1,
};
const textOf = (content: typeof place): string => {
  const message = placeMessage(content);
  return placeCodeText(base, message, sign(null, message, privateKey));
};

test("a place code reads back as what was signed, in the letters of the dense QR mode", () => {
  fc.assert(
    fc.property(
      fc.uuid(),
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: 1, max: mostPlaceCodes }),
      (checkpointId, day, key, number) => {
        const content = {
          kid: key.toString(16).padStart(8, "0"),
          checkpointId,
          issuedOn: new Date(Date.UTC(2020, 0, 1) + day * 86_400_000).toISOString().slice(0, 10),
          number,
        };
        const text = textOf(content);
        expect(text).toMatch(/^[0-9A-Z $%*+\-./:]+$/);
        const read = readPlaceCode(text);
        if (read === null || read === "damaged") throw new Error("it is a place code");
        expect(read).toMatchObject(content);
        expect(verify(null, read.message, publicKey, read.signature)).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

test.each([1, 2, 65535])("no letter can be changed, dropped or added unseen: issue %i", (number) => {
  const text = textOf({ ...place, number });
  const from = text.indexOf("/TQP/") + 5;
  const passes = (changed: string): boolean => {
    const read = readPlaceCode(changed);
    return read !== null && read !== "damaged" && verify(null, read.message, publicKey, read.signature);
  };
  expect(passes(text)).toBe(true);
  expect(passes(text.toLowerCase())).toBe(true);
  for (let at = from; at < text.length; at++) {
    const other = text[at] === "A" ? "B" : "A";
    expect(passes(text.slice(0, at) + other + text.slice(at + 1)), `letter ${at}`).toBe(false);
    expect(readPlaceCode(text.slice(0, at)), `cut at ${at}`).toBe("damaged");
  }
  expect(readPlaceCode(`${text}A`)).toBe("damaged");
});

test("other texts are no place codes, and none throws", () => {
  for (const text of ["", "https://example.com", "079098000001|x", "TQP/ABC", "https://x/TQP"]) {
    expect(readPlaceCode(text), text).toBeNull();
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      readPlaceCode(text);
      readPlaceCode(`https://a/TQP/${text}`);
    }),
  );
});
