import { describe, expect, test } from "vitest";
import { maskName, maskNumber } from "../../central/masking.ts";
import type { Code } from "./code.ts";
import { displayText, maskedPerson, personKey } from "./person.ts";
import { recognise } from "./recognise.ts";
import { SAMPLES } from "./samples.ts";

const read = (text: string): Code => recognise(new TextEncoder().encode(text), { today: "2025-06-01" })[0] as Code;

describe("one key for one person", () => {
  test("whichever code carries the citizen number", () => {
    expect(personKey(read(SAMPLES.S1))).toBe("citizen:079098000001");
    expect(personKey(read("079098000001"))).toBe("citizen:079098000001");
    expect(personKey(read(SAMPLES.S7.replace("001093000017", "079098000001")))).toBe("citizen:079098000001");
  });

  test("whichever form of insurance card carries the number", () => {
    expect(personKey(read(SAMPLES.S5))).toBe("bhyt:0100000002");
    expect(personKey(read("DN4790100000002"))).toBe("bhyt:0100000002");
    expect(personKey(read("0100000002"))).toBe("bhyt:0100000002");
    expect(personKey(read(SAMPLES.S4))).toBe("bhyt:DN479GA70000007");
  });

  test("a masked personal QR by its QID, an old number by itself", () => {
    expect(personKey(read(SAMPLES.S7.replace("001093000017", "******000017")))).toBe("qid:162900000000000001");
    expect(personKey(read("024123456"))).toBe("old-id:024123456");
  });

  test("nobody behind places, labels and damage", () => {
    for (const text of [SAMPLES.S8, SAMPLES.S9, SAMPLES.S10, "3-7992739871", SAMPLES.S1.slice(0, 40), "?"]) {
      expect(personKey(read(text))).toBeNull();
    }
  });
});

describe("what a shared screen shows", () => {
  test("first letters and the given name, both ends of the number", () => {
    expect(maskedPerson(read(SAMPLES.S2))).toEqual({ name: "N••••• T•• Mẫu", number: "034•••••0012" });
    expect(maskedPerson(read(SAMPLES.S1))).toEqual({ name: "N••••• V•• A", number: "079•••••0001" });
    expect(maskedPerson(read(SAMPLES.S8))).toEqual({ name: null, number: null });
  });

  test("what the owner starred stays hidden", () => {
    const code = read("******017|NGUYEN VAN MAU|1987-**-**|0|162900000000000001|");
    expect(maskedPerson(code)).toEqual({ name: "N••••• V•• MAU", number: "••••••017" });
  });

  test("a damaged card shows what could be read", () => {
    expect(maskedPerson(read(SAMPLES.S2.replace("05022001", "31022001")))).toEqual({
      name: "N••••• T•• Mẫu",
      number: "034•••••0012",
    });
  });

  test("bidi controls, zero-width characters and line ends do not reach the screen", () => {
    expect(displayText("A\u202eB\u2066C\u200bD\ufeff\r\nE")).toBe("ABCD E");
    expect(maskedPerson(read(SAMPLES.S2.replace("Mẫu|", "\u202eMẫu|"))).name).toBe("N••••• T•• Mẫu");
  });
});

describe("the station and the centre mask by one table", () => {
  const number = (value: string): Code => ({
    kind: "number",
    form: "old-id",
    fields: { value },
    warnings: [],
    repairs: [],
  });
  test.each(["079098000001", "DN4790100000002", "012345678", "0100000004", "1234567", "12", "A B 1 2 3 4 5 6 7 8"])(
    "number %s",
    (value) => {
      expect(maskedPerson(number(value)).number).toBe(maskNumber(value));
    },
  );
  test.each(["Nguyễn Thị Mẫu", "HƯƠNG", "Y", "NGUYỄN  VĂN  A", "H'Hen Niê", " Trần Mẫu "])("name %s", (fullName) => {
    const code = read(SAMPLES.S2);
    if (code.kind !== "cccd") throw new Error("S2 is a CCCD");
    expect(maskedPerson({ ...code, fields: { ...code.fields, fullName } }).name).toBe(maskName(fullName));
  });
  test("a one-word name and a nine-digit number tell next to nothing", () => {
    expect(maskName("HƯƠNG")).toBe("H••••");
    expect(maskedPerson(number("012345678")).number).toBe("•••••5678");
  });
});
