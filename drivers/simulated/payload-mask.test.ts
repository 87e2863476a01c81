import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createChoices, maskPayload } from "./payload-mask.ts";

const mask = (payload: Uint8Array | string, choicesOf = createChoices()): Buffer =>
  Buffer.from(maskPayload(Buffer.from(payload), choicesOf));
/** What a mask keeps: case, kind and length in UTF-8 of every character, and everything that is no letter or digit. */
const shape = (text: string): string[] =>
  Array.from(text, (character) => {
    const length = Buffer.byteLength(character);
    if (/\p{Lu}/u.test(character)) return `upper ${length}`;
    if (/\p{L}/u.test(character)) return `lower ${length}`;
    return /\d/.test(character) ? "digit" : /\p{M}/u.test(character) ? `mark ${length}` : character;
  });
const CARD = "079098000001|024123456|Nguyễn Thị Hồng ĐÀO|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021\r\n";

describe("an invented payload", () => {
  test("has the shape of the real one, and nothing else of it", () => {
    const masked = mask(CARD).toString("utf8");
    expect(shape(masked)).toEqual(shape(CARD));
    for (const part of CARD.split(/[|, \r\n]/).filter((word) => word.length > 5)) expect(masked).not.toContain(part);
  });

  test("is the same for the same payload of one recording, and another in another", () => {
    const choicesOf = createChoices();
    expect(mask(CARD, choicesOf)).toEqual(mask(CARD, choicesOf));
    expect(mask(CARD)).not.toEqual(mask(CARD, choicesOf));
  });

  test("tells nothing of another card: what one letter became, it becomes nowhere else", () => {
    const choicesOf = createChoices();
    const nines = mask(`${"9".repeat(400)}A`, choicesOf).toString();
    const others = mask(`${"9".repeat(400)}B`, choicesOf).toString();
    const same = Array.from(nines).filter((digit, at) => digit === others[at]).length;
    // Four hundred digits agree by chance in forty places; a table of letters would let all agree.
    expect(same).toBeLessThan(120);
    expect(new Set(nines.slice(0, 400)).size).toBe(10);
  });

  test("keeps the symbology's own bytes in front", () => {
    for (const start of ["]Q1", "\x02]Q2\\000026", "\\000026", "\0]E0"]) {
      expect(mask(`${start}079098000001`).toString("latin1")).toMatch(/^.*\d{12}$/s);
      expect(mask(`${start}079098000001`).toString("latin1").startsWith(start)).toBe(true);
    }
  });

  test("has letters of their own for text that is not composed, in a code page, or Nôm", () => {
    const decomposed = "Nguyễn Thị".normalize("NFD");
    expect(shape(mask(decomposed).toString())).toEqual(shape(decomposed));
    const codePage = Buffer.from("T\xcaN: \xd0\xc0O", "latin1");
    const masked = mask(codePage);
    expect(Array.from(masked, (byte) => byte >= 0x80)).toEqual(Array.from(codePage, (byte) => byte >= 0x80));
    expect(masked).not.toEqual(codePage);
    expect(Buffer.byteLength(mask("𡨸喃").toString())).toBe(7);
  });

  test("of any bytes at all is as long, and no end byte comes or goes", () => {
    const isEnd = (byte: number): boolean => byte < 0x20;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
        const masked = mask(payload);
        expect(Array.from(masked, (byte) => (isEnd(byte) ? byte : -1))).toEqual(
          Array.from(payload, (byte) => (isEnd(byte) ? byte : -1)),
        );
      }),
      { numRuns: 1000 },
    );
  });
});
