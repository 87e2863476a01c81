import fc from "fast-check";
import iconv from "iconv-lite";
import { describe, expect, test } from "vitest";
import { recognise } from "../../agent/codes/recognise.ts";
import { vietnameseLayout } from "../../testing/key-strokes.ts";
import { diagnose, type Reception } from "./diagnose.ts";
import { type FindingCode, verdictOf } from "./findings.ts";
import { endMark, startMark, type TestCode, testCodes } from "./test-codes.ts";

const [letters, twoReports, long] = testCodes as [TestCode, TestCode, TestCode];

function reception(...payloads: (string | Uint8Array)[]): Reception {
  const scans = payloads.map((payload) => ({ bytes: Buffer.from(payload), aim: null, spoiled: null }));
  return { scans, terminator: "CR", msPerKey: null, anything: true };
}

const codesOf = (code: TestCode, ...payloads: (string | Uint8Array)[]): FindingCode[] =>
  diagnose(code, reception(...payloads)).map((one) => one.code);

const detailOf = (code: TestCode, payload: string | Uint8Array): string =>
  diagnose(code, reception(payload))
    .map((one) => `${one.code}: ${one.detail}`)
    .join(", ");

/** As a typing tool does it, key by key. */
function typedThrough(tool: "telex" | "vni", text: string): string {
  const pairs = {
    telex: "aaâ eeê ooô ddđ awă owơ uwư asá afà arả axã ajạ esé efè osó ofò usú iní",
    vni: "a6â e6ê o6ô d9đ a8ă o7ơ u7ư a1á a2à a3ả a4ã a5ạ e1é e2è",
  }[tool].split(" ");
  return pairs.reduce((done, pair) => done.replaceAll(pair.slice(0, 2), pair.slice(2)), text);
}

const keys = (text: string, from: string, to: string): string =>
  Array.from(text, (one) => (from.includes(one) ? (Array.from(to)[Array.from(from).indexOf(one)] ?? one) : one)).join(
    "",
  );

describe("the test codes", () => {
  test("are what the reference asks for: 112 bytes and more, letters across the end of a report, separators, triggers", () => {
    expect(testCodes.map(({ bytes }) => bytes.length)).toEqual([154, 112, 257]);
    for (const { text, bytes } of testCodes) {
      expect(text).toBe(text.normalize("NFC"));
      for (const part of ["]", "|", "<$>-/", "aa", "dd", "ow", "a6"]) {
        if (part !== "a6" || text !== long.text) expect(text).toContain(part);
      }
      expect((bytes[56] ?? 0) & 0xc0, "byte 56 continues a letter").toBe(0x80);
      expect(text).not.toMatch(/["'^~`=[\r\n\t]|\d{9}/);
      expect(text.startsWith(startMark) && text.endsWith(endMark)).toBe(true);
    }
    expect(letters.text).toContain("01234|56789");
    expect(letters.text).toMatch(/À.*Đ.*ữ/);
  });

  test("are nobody: the recogniser takes none for a person, whole or damaged", () => {
    const damage = fc.constantFrom<(text: string) => string>(
      (text) => text,
      (text) => text + text,
      (text) => text.toUpperCase(),
      (text) => text.normalize("NFD"),
      (text) => text.replace(/\P{ASCII}/gu, ""),
      (text) => text.replaceAll("|", "~"),
      (text) => iconv.decode(Buffer.from(text), "big5-hkscs"),
      (text) => iconv.decode(Buffer.from(text), "windows-1258"),
      (text) => typedThrough("telex", text),
      (text) => typedThrough("vni", text),
    );
    fc.assert(
      fc.property(fc.constantFrom(...testCodes), damage, fc.nat(300), fc.nat(300), ({ text }, hurt, from, to) => {
        const payload = Buffer.from(hurt(text).slice(from > to ? 0 : from, to));
        for (const code of recognise(payload, { today: "2026-11-21" })) expect(["unknown"]).toContain(code.kind);
      }),
      { numRuns: 500 },
    );
  });
});

describe("one fault is named", () => {
  test.each(testCodes)("nothing is wrong with $id", (code) => {
    expect(diagnose(code, reception(code.bytes))).toEqual([]);
    expect(verdictOf([])).toBe("exact");
  });

  test.each<[FindingCode, string, (text: string) => string | Uint8Array]>([
    ["aim-identifier", "]Q1", (text) => `]Q1${text}`],
    ["control-characters", "02", (text) => `\x02${text}`],
    ["control-characters", "0d 0a", (text) => `${text}\r\n`],
    ["prefix", "CCCD:", (text) => `CCCD:${text}`],
    ["prefix", "]C1]Q1", (text) => `]C1]Q1${text}`],
    ["suffix", "#", (text) => `${text}#`],
    ["truncated", "100", (text) => Buffer.from(text).subarray(0, 100)],
    ["reports-lost", "after byte 56", (text) => Buffer.from(text).subarray(0, 56)],
    ["start-lost", "20 bytes", (text) => Buffer.from(text).subarray(20)],
    ["gap", "7 bytes", (text) => Buffer.concat([Buffer.from(text).subarray(0, 30), Buffer.from(text).subarray(37)])],
    ["letters-lost", "question marks", (text) => text.replace(/\P{ASCII}/gu, "?")],
    ["letters-lost", "dropped", (text) => text.replace(/\P{ASCII}/gu, "")],
    [
      "letters-lost",
      "without marks",
      (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").replaceAll("Đ", "D"),
    ],
    ["code-page", "VISCII", (text) => iconv.encode(text, "viscii")],
    ["code-page", "TCVN", (text) => iconv.encode(text, "tcvn")],
    ["code-page", "windows-1252", (text) => iconv.encode(text, "windows-1252")],
    ["utf-16", "utf-16le", (text) => Buffer.from(text, "utf16le")],
    ["double-encoded", "latin1", (text) => iconv.decode(Buffer.from(text), "latin1")],
    ["double-encoded", "windows-1258", (text) => iconv.decode(Buffer.from(text), "windows-1258")],
    ["double-encoded", "big5", (text) => iconv.decode(Buffer.from(text), "big5-hkscs")],
    ["decomposed", "", (text) => text.normalize("NFD")],
    ["input-method", "Telex", (text) => typedThrough("telex", text)],
    ["input-method", "VNI", (text) => typedThrough("vni", text)],
    ["keyboard-layout", "Vietnamese", (text) => typedOn(vietnameseLayout, text)],
    ["keyboard-layout", "German", (text) => keys(text, "yzYZ]-/\\|<>:#", "zyZY+ß-#';:Ö§")],
    [
      "keyboard-layout",
      "French",
      (text) => keys(text, "qwaQWAzZmM1234567890]-/\\|<>:#,$", "azqAZQwW,?&é\"'(-è_çà$)!*µ./M3;4"),
    ],
    ["substituted", "|→ñ", (text) => text.replaceAll("|", "ñ")],
    ["shift-lost", "", (text) => keys(text.toLowerCase(), "|<>$:#", "\\,.4;3")],
    [
      "letter-case",
      "swapped",
      (text) => text.replace(/[A-Za-z]/g, (one) => (one < "a" ? one.toLowerCase() : one.toUpperCase())),
    ],
    ["letter-case", "upper", (text) => text.toUpperCase()],
    ["joined", "2 times", (text) => text + text],
    ["parity", "", (text) => Buffer.from(text).map((byte) => (byte % 3 === 0 ? byte | 0x80 : byte))],
    ["garbage", "", (text) => Buffer.from(text).map((byte) => (byte * 7 + 0x91) & 0x9f)],
    ["other-code", "", () => "https://example.invalid/a/b/c?d=0123456789"],
  ])("%s (%s)", (expected, detail, damage) => {
    // The short code has no letter of windows-1252, and none that tells its two neighbours apart.
    for (const code of /windows-125|VNI/.test(detail) ? [letters, long] : testCodes) {
      const found = diagnose(code, reception(damage(code.text)));
      expect(found, `${code.id}`).toEqual([{ code: expected, detail: found[0]?.detail ?? null }]);
      expect(found[0]?.detail ?? "").toContain(detail);
    }
  });

  test("ECI: the designator, the doubled backslashes, or both", () => {
    for (const damaged of [
      `\\000026${long.text.replaceAll("\\", "\\\\")}`,
      `\\000026${long.text}`,
      long.text.replaceAll("\\", "\\\\"),
    ]) {
      expect(codesOf(long, damaged)).toEqual(["eci"]);
    }
    expect(detailOf(long, `]Q2\\000026${long.text.replaceAll("\\", "\\\\")}`)).toBe("aim-identifier: ]Q2, eci: null");
  });

  test("split: two scans of one code, and the same code read twice is no split", () => {
    expect(codesOf(long, long.text.slice(0, 90), long.text.slice(90))).toEqual(["split"]);
    expect(codesOf(long, long.text, long.text)).toEqual([]);
  });

  test("an exact scan does not excuse what came beside it: a prefix with an end of its own, a second scan that was cut", () => {
    expect(codesOf(long, "QR:", long.text)).toEqual(["split", "prefix"]);
    expect(codesOf(long, long.text, "OK")).toEqual(["split", "suffix"]);
    expect(codesOf(long, long.text, long.text.slice(0, 100))).toEqual(["truncated"]);
    const [exact] = reception(long.bytes).scans;
    if (exact === undefined) throw new Error("no scan");
    const cut = { ...exact, spoiled: "gap" as const };
    expect(diagnose(long, { ...reception(), scans: [exact, cut] })).toEqual([{ code: "gap", detail: null }]);
  });

  test("a report in the middle was lost, and the last one never came", () => {
    const bytes = Buffer.from(long.text);
    expect(detailOf(long, Buffer.concat([bytes.subarray(0, 56), bytes.subarray(112)]))).toBe(
      "reports-lost: 56 bytes after byte 56",
    );
    expect(detailOf(twoReports, twoReports.bytes.subarray(0, 56))).toBe("reports-lost: after byte 56");
  });

  test("nothing came, bytes but no scan, no terminator, slow keys, an identifier the driver took off", () => {
    const exact = reception(letters.bytes);
    expect(diagnose(letters, { ...exact, scans: [], anything: false })).toEqual([{ code: "nothing", detail: null }]);
    expect(diagnose(letters, { ...exact, scans: [] })).toEqual([{ code: "garbage", detail: null }]);
    const notes = diagnose(letters, {
      ...exact,
      terminator: "none",
      msPerKey: 80,
      scans: [{ bytes: letters.bytes, aim: "]Q1", spoiled: null }],
    });
    expect(notes.map(({ code }) => code)).toEqual(["aim-identifier", "no-terminator", "slow"]);
    expect(verdictOf(notes)).toBe("exact");
  });

  test("a person's card is another code, and nothing of it is told", () => {
    const card = "079098000001|024123456|Nguyễn Thị Hồng Đào|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021";
    const found = diagnose(letters, reception(card));
    expect(found).toEqual([{ code: "other-code", detail: `${Buffer.byteLength(card)} bytes` }]);
    expect(JSON.stringify(diagnose(letters, reception(letters.text + card)))).not.toMatch(/0790|Ngu/);
  });
});

interface Fault {
  readonly code: FindingCode;
  /** Where it happens: in the code itself, in the reader's text, at the keyboard, or to the bytes on their way. */
  readonly stage: -1 | 0 | 1 | 2;
  readonly hurt: (bytes: Buffer) => Buffer;
}

const onText = (change: (text: string) => string) => (bytes: Buffer) => Buffer.from(change(bytes.toString("utf8")));

/** Any one of the faults, with any of its own numbers. */
const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  fc
    .integer({ min: 30, max: 100 })
    .map((at): Fault => ({ code: "truncated", stage: 2, hurt: (bytes) => bytes.subarray(0, at) })),
  fc
    .integer({ min: 7, max: 60 })
    .map((at): Fault => ({ code: "start-lost", stage: 2, hurt: (bytes) => bytes.subarray(at) })),
  fc.tuple(fc.integer({ min: 20, max: 60 }), fc.integer({ min: 3, max: 25 })).map(
    ([at, length]): Fault => ({
      code: "gap",
      stage: 2,
      hurt: (bytes) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]),
    }),
  ),
  fc.constantFrom("QR:", "<", "*#", "A1").map(
    (text): Fault => ({
      code: "prefix",
      stage: 2,
      hurt: (bytes) => Buffer.concat([Buffer.from(text), bytes]),
    }),
  ),
  fc.constantFrom(";;", "#", "END").map(
    (text): Fault => ({
      code: "suffix",
      stage: 2,
      hurt: (bytes) => Buffer.concat([bytes, Buffer.from(text)]),
    }),
  ),
  fc.constantFrom<Fault>(
    { code: "letters-lost", stage: 0, hurt: onText((text) => text.replace(/\P{ASCII}/gu, "?")) },
    { code: "letters-lost", stage: 0, hurt: onText((text) => text.replace(/\P{ASCII}/gu, "")) },
    { code: "decomposed", stage: -1, hurt: onText((text) => text.normalize("NFD")) },
    { code: "input-method", stage: 1, hurt: onText((text) => typedThrough("telex", text)) },
    { code: "letter-case", stage: 1, hurt: onText((text) => text.toUpperCase()) },
    { code: "keyboard-layout", stage: 1, hurt: onText((text) => typedOn(vietnameseLayout, text)) },
    { code: "keyboard-layout", stage: 1, hurt: onText((text) => keys(text, "yzYZ]-/\\|<>:#", "zyZY+ß-#';:Ö§")) },
    { code: "double-encoded", stage: 0, hurt: onText((text) => iconv.decode(Buffer.from(text), "latin1")) },
    { code: "eci", stage: 0, hurt: onText((text) => `\\000026${text.replaceAll("\\", "\\\\")}`) },
    { code: "joined", stage: 2, hurt: (bytes) => Buffer.concat([bytes, bytes]) },
  ),
);

describe("any fault", () => {
  const sameThing: Partial<Record<FindingCode, FindingCode>> = { truncated: "reports-lost", gap: "reports-lost" };
  /** Two losses together may look like another one. */
  const losses: readonly FindingCode[] = ["truncated", "start-lost", "gap", "reports-lost", "pieces-lost"];

  test("alone is named, whatever its numbers, and nothing else is", () => {
    fc.assert(
      fc.property(fc.constantFrom(...testCodes), anyFault, (code, { code: expected, hurt }) => {
        const damaged = hurt(Buffer.from(code.bytes));
        fc.pre(!damaged.equals(code.bytes));
        const found = codesOf(code, damaged);
        expect(found).toHaveLength(1);
        expect([expected, sameThing[expected]]).toContain(found[0]);
      }),
      { numRuns: 400 },
    );
  });

  test("with another: at least one of the two is named, and never is the scan called exact", () => {
    let both = 0;
    let runs = 0;
    fc.assert(
      fc.property(fc.constantFrom(...testCodes), anyFault, anyFault, (code, ...faults) => {
        const [first, second] = faults.toSorted((one, other) => one.stage - other.stage) as [Fault, Fault];
        const once = first.hurt(Buffer.from(code.bytes));
        const damaged = second.hurt(once);
        // A gap may swallow the only words that betray a typing tool.
        fc.pre(first.code !== "input-method" || second.code !== "gap");
        fc.pre(
          first.code !== second.code && !damaged.equals(code.bytes) && !once.equals(code.bytes) && damaged.length >= 25,
        );
        const found = codesOf(code, damaged);
        const named = [first, second].filter(({ code: one }) =>
          found.some((each) => each === one || (losses.includes(each) && losses.includes(one))),
        );
        expect(named.length, `${first.code} + ${second.code} → ${found.join(", ")}`).toBeGreaterThan(0);
        expect(found).not.toEqual([]);
        runs += 1;
        if (named.length === 2) both += 1;
      }),
      { numRuns: 600 },
    );
    expect(both / runs).toBeGreaterThan(0.6);
  });

  test("any bytes at all get an answer that is not exact", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...testCodes),
        fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 3 }),
        (code, all) => {
          expect(codesOf(code, ...all).length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});

function typedOn(layout: ReadonlyMap<string, string>, text: string): string {
  return Array.from(text, (one) => layout.get(`Digit${one}`) ?? (one === "]" ? "ơ" : one)).join("");
}
