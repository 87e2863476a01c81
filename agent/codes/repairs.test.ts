import iconv from "iconv-lite";
import { describe, expect, test } from "vitest";
import type { Code } from "./code.ts";
import { recognise } from "./recognise.ts";
import { SAMPLES } from "./samples.ts";

const today = "2025-06-01";
const bytesOf = (text: string) => new TextEncoder().encode(text);
const read = (payload: string | Uint8Array): readonly Code[] =>
  recognise(typeof payload === "string" ? bytesOf(payload) : payload, { today });
const repairsOf = (payload: string | Uint8Array) => read(payload).flatMap((code) => code.repairs);
const fieldsOf = (payload: string | Uint8Array) => read(payload).map((code) => code.fields);
const kinds = (payload: string | Uint8Array) => read(payload).map((code) => code.kind);
const { S1, S2, S3, S4, S5, S6, S7, S8, S9 } = SAMPLES;

function expectRepaired(payload: string | Uint8Array, original: string, repairs: readonly string[]) {
  expect(fieldsOf(payload)).toEqual(fieldsOf(original));
  expect(repairsOf(payload)).toEqual(repairs);
}

describe("what the transport adds is taken off", () => {
  test("R1: an AIM identifier, alone or with the ECI designator and its doubled backslashes", () => {
    expectRepaired(`]Q1${S1}`, S1, ["R1"]);
    expectRepaired(`]Q2\\000026${S2}`, S2, ["R1"]);
    expectRepaired(`\\000026${S2.replace("Thôn", "Thôn\\\\")}`, S2.replace("Thôn", "Thôn\\"), ["R1"]);
    expect(kinds(`]q${S1}`)).not.toEqual(["cccd"]);
  });

  test("R3: byte-order mark, STX and ETX, line ends and spaces, at the ends only", () => {
    for (const wrapped of [`\ufeff${S1}`, `\u0002${S1}\u0003`, `${S1}\r\n`, ` \t${S1}\0 `]) {
      expectRepaired(wrapped, S1, ["R3"]);
    }
    expectRepaired(`\u0002]Q1\ufeff${S1}\r`, S1, ["R1", "R3"]);
  });

  test("R9: combining marks are composed", () => {
    expectRepaired(S2.normalize("NFD"), S2, ["R9"]);
    expect(read(S2.normalize("NFD"))[0]?.warnings).toEqual([]);
  });
});

describe("R2: a code id or a label in front", () => {
  test("is stripped when the rest passes everything", () => {
    for (const sample of [S1, S3, S5, S6, S7, S8]) expectRepaired(`P${sample}`, sample, ["R2"]);
    expectRepaired(`CCCD:${S1}`, S1, ["R2"]);
    expectRepaired(`BHYT: ${S5}`, S5, ["R2"]);
  });

  test("is left where it stands for a lost digit, or the card itself is in doubt", () => {
    expect(kinds(`Q${S1.slice(1)}`)).toEqual(["damaged"]);
    expect(repairsOf(`a${S7.slice(1)}`)).toEqual([]);
    expect(kinds(`Q${S1.replace("Nam", "Nữ")}`)).toEqual(["damaged"]);
    expect(repairsOf(`Q${S5}`)).toEqual([]);
    expect(repairsOf(`DA${S5.slice(1)}`)).toEqual([]);
    expect(kinds("Q079098000001")).toEqual(["unknown"]);
  });
});

describe("R4: control characters inside", () => {
  test("go where they are never legal", () => {
    expectRepaired(S5.replace("c483", "c4\r\n83"), S5, ["R4"]);
    expectRepaired(S6.replace("|79 - 034", "\t|79 - 034"), S6, ["R4"]);
  });

  test("stay where they may be the seam of two half scans, or stand for a lost character", () => {
    expect(kinds(S1.replace("VĂN", "VĂN\r"))).toEqual(["damaged"]);
    expect(kinds(S5.replace("5068", "506\n"))).toEqual(["damaged"]);
    expect(kinds(S6.replace("06/08/1982", "\n6/08/1982"))).toEqual(["damaged"]);
  });
});

describe("R5: scans joined in one frame", () => {
  const samples = [S1, S2, S3, S4, S5, S6, S7, S8, S9];

  test("every pair comes apart, and the same code twice is one", () => {
    for (const first of samples) {
      for (const second of samples) {
        for (const seam of ["", "\r\n", "]Q1"]) {
          const joined = read(first + seam + second);
          const apart = first === second ? [...read(first)] : [...read(first), ...read(second)];
          expect(joined.map(({ kind, fields }) => ({ kind, fields }))).toEqual(
            apart.map(({ kind, fields }) => ({ kind, fields })),
          );
          expect(joined.every((code) => code.repairs.includes("R5"))).toBe(true);
        }
      }
    }
  });

  test("three in a row come apart too", () => {
    expect(fieldsOf(S3 + S5 + S1)).toEqual([...fieldsOf(S3), ...fieldsOf(S5), ...fieldsOf(S1)]);
  });

  test("a second half that does not pass is no second card", () => {
    expect(repairsOf(S1 + S2.slice(0, -1))).toEqual([]);
    expect(kinds(S1 + S2.slice(0, -1))).toEqual(["damaged"]);
    expect(kinds(S1.replace("Nam", "Nữ") + S2)).toEqual(["damaged"]);
    expect(kinds(`${S5}x`)).toEqual(["damaged"]);
    expect(kinds(`${S1}0`)).toEqual(["damaged"]);
  });
});

describe("R10: full-width digits and pipes", () => {
  const wide = (text: string) =>
    text.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))).replaceAll("|", "｜");

  test("are made plain", () => {
    const card = S1.replaceAll(/Số 1|, Phường 1, Quận 1/g, "Số một");
    expectRepaired(wide(card), card, ["R10"]);
    expectRepaired(S1.replaceAll("|", "｜"), S1, ["R10"]);
    expect(read(wide("079098000001"))).toMatchObject([{ kind: "number", form: "citizen", repairs: ["R10"] }]);
  });

  test("are left where the card fails a check", () => {
    expect(repairsOf(wide(S1.replace("01011998", "31021998")))).toEqual([]);
    expect(repairsOf(S1.replace("079098", "079０98"))).toEqual([]);
  });
});

describe("R11: another symbol in place of the pipe", () => {
  test("is put right when one symbol explains everything", () => {
    for (const symbol of ["~", "£", "*", ">", "¦", "\\", ";", "§"]) {
      expectRepaired(S1.replaceAll("|", symbol), S1, ["R11"]);
      expectRepaired(S3.replaceAll("|", symbol), S3, ["R11"]);
    }
    expectRepaired(S5.replaceAll("|", "~"), S5, ["R11"]);
    expectRepaired(S6.replaceAll("|", ";"), S6, ["R11"]);
    expectRepaired(S7.replaceAll("|", "~"), S7, ["R11"]);
  });

  test("is left when the symbol also belongs to the text, or a check fails", () => {
    expect(repairsOf(S1.replaceAll("|", ","))).toEqual([]);
    expect(repairsOf(S5.replaceAll("|", "/"))).toEqual([]);
    expect(repairsOf(S7.replaceAll("|", "<"))).toEqual([]);
    expect(repairsOf(S1.replaceAll("|", "~").replace("Nam", "Nữ"))).toEqual([]);
    expect(repairsOf(S1.replaceAll("|", "a"))).toEqual([]);
  });
});

describe("R12: UTF-8 shown in a wrong code page", () => {
  const c1Passthrough = (text: string) =>
    Array.from(bytesOf(text), (byte) => {
      const character = iconv.decode(Uint8Array.of(byte), "windows-1252");
      return character === "\ufffd" ? String.fromCharCode(byte) : character;
    }).join("");

  test("is encoded back where that is strict and everything passes", () => {
    for (const sample of [S1, S2, S3]) {
      for (const page of ["latin1", "cp437"]) expectRepaired(iconv.decode(bytesOf(sample), page), sample, ["R12"]);
      expectRepaired(c1Passthrough(sample), sample, ["R12"]);
    }
  });

  test("Big5, Shift-JIS and GBK come back wherever they kept every byte", () => {
    const male = "079098000001||Lê Bình|01011998|Nam|Long An|01012022";
    for (const page of ["big5-hkscs", "shift_jis", "gbk"]) {
      const shown = iconv.decode(bytesOf(male), page);
      if (!shown.includes("\ufffd")) expectRepaired(shown, male, ["R12"]);
    }
    expectRepaired(iconv.decode(bytesOf(male), "big5-hkscs"), male, ["R12"]);
  });

  test("with a pipe or a byte lost it is damaged by a code page, not guessed", () => {
    const card = S2.replace("Thôn", "Đường");
    const lossy = iconv.decode(bytesOf(card), "windows-1252").replaceAll("\ufffd", "");
    for (const shown of [lossy, lossy.replace("Ná»¯|", "Ná»¯")]) {
      expect(read(shown)).toMatchObject([{ kind: "damaged", form: "cccd", fields: { reason: "code-page" } }]);
    }
    expect(read(lossy)[0]?.fields).toMatchObject({ citizenNumber: "034301000012", dateOfBirth: "2001-02-05" });
  });

  test("bytes of windows-1258 are read where both pages cannot be meant", () => {
    // Marks of this page stand behind their letter: N ư ~ is Nữ.
    const tone = /[\u0300\u0301\u0303\u0309\u0323]/g;
    const decomposed = Array.from(S2, (letter) => {
      if (iconv.decode(iconv.encode(letter, "windows-1258"), "windows-1258") === letter) return letter;
      const marks = letter.normalize("NFD");
      return marks.replace(tone, "").normalize("NFC") + (marks.match(tone)?.[0] ?? "");
    }).join("");
    const bytes = iconv.encode(decomposed, "windows-1258");
    expect(read(new Uint8Array(bytes))).toMatchObject([{ kind: "cccd", repairs: ["R9", "R12"], warnings: [] }]);
    expect(fieldsOf(new Uint8Array(bytes))).toEqual(fieldsOf(S2));
  });

  test("a flipped bit is not taken for a legacy letter", () => {
    const bytes = bytesOf("079098000001||Nguyen Van A|01011998|Nam|Long An|01012022");
    const at = bytes.indexOf(0x61);
    bytes[at] = 0xe1;
    expect(read(bytes)).toMatchObject([{ kind: "cccd", repairs: [], warnings: ["letters-lost"] }]);
  });
});
