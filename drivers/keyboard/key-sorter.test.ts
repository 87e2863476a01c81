import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recognise } from "../../agent/codes/recognise.ts";
import { SAMPLES } from "../../agent/codes/samples.ts";
import {
  countRewritten,
  createModifierWatch,
  type Stroke,
  strokesOf,
  typed,
  typedByByte,
  typedOnLayout,
  typedThrough,
  vietnameseLayout,
} from "../../testing/key-strokes.ts";
import { type KeyboardCalibration, uncalibrated } from "./calibration.ts";
import { createKeySorter, type KeySorter, type Sorted } from "./key-sorter.ts";

const CARD = "079098000001|024123456|NGUYEN VAN A|01011998|Nam|1 Duong ABC, Quan 1|01012022";

interface Played {
  readonly calibration?: Partial<KeyboardCalibration>;
  readonly numberExpected?: boolean;
  /** Between the characters, ms. */
  readonly paceMs?: number;
}

/** Plays characters at an even pace and lets the silence after them pass. */
function sort(
  characters: readonly (readonly Stroke[])[],
  { calibration, numberExpected, paceMs = 10 }: Played = {},
): Sorted[] {
  const sorter = createKeySorter({ ...uncalibrated, ...calibration }, () => numberExpected === true);
  const sorted: Sorted[] = [];
  let atMs = 1000;
  for (const strokes of characters) {
    sorted.push(...press(sorter, strokes, atMs));
    atMs += paceMs;
  }
  return [...sorted, ...sorter.expire(atMs + 10_000)];
}

function press(sorter: KeySorter, strokes: readonly Stroke[], atMs: number): Sorted[] {
  const modifiersOf = createModifierWatch();
  return strokes.flatMap((stroke) => {
    const { code, key, down } = stroke;
    const named = code === "" && key.length > 1 ? key : code;
    return sorter.take(
      { code: named, text: key.length === 1 ? key : null, down, modifiers: modifiersOf(stroke) },
      atMs,
    );
  });
}

const scan = (text: string) => ({ kind: "scan", bytes: Uint8Array.from(Buffer.from(text)), spoiled: null });
const typing = (...keys: string[]) => ({ kind: "typing", keys });
const kinds = (sorted: Sorted[]) => sorted.map(({ kind }) => kind);

describe("a reader", () => {
  test.each([1, 10, 50, 80, 100, 119])(
    "is heard at %i ms a key, with Enter before, after, both, neither, or Tab",
    (paceMs) => {
      for (const text of [CARD, SAMPLES.S5, SAMPLES.S6, "079098000001"]) {
        for (const [before, after] of [
          ["", "\n"],
          ["\n", ""],
          ["\n", "\n"],
          ["", ""],
          ["", "\t"],
          ["\t", "\n"],
        ]) {
          expect(sort(typed(`${before}${text}${after}`), { paceMs })).toEqual([scan(text)]);
        }
      }
    },
  );

  test("may take half a minute: no limit on the whole, only on a pause", () => {
    const slow = sort(typed(SAMPLES.S6), { paceMs: 100 });
    expect(SAMPLES.S6.length * 100).toBeGreaterThan(25_000);
    expect(slow).toEqual([scan(SAMPLES.S6)]);
  });

  test("ends its line with CR and LF: the second Enter is no person's", () => {
    expect(sort([...typed(CARD), ...typed("\n\n")])).toEqual([scan(CARD)]);
  });

  test("may pause in the middle, and a pause at the beginning never makes a shorter number", () => {
    const sorter = createKeySorter(uncalibrated, () => false);
    for (const [at, character] of Array.from(CARD).entries()) {
      expect(press(sorter, strokesOf(character), at * 10 + (at > 40 ? 250 : 0))).toEqual([]);
    }
    expect(sorter.expire(100_000)).toEqual([scan(CARD)]);

    const pausing = (numberExpected: boolean) => {
      const early = createKeySorter(uncalibrated, () => numberExpected);
      return Array.from("079098000001\n").flatMap((character, at) =>
        press(early, strokesOf(character), at * 10 + (at > 2 ? 200 : 0)),
      );
    };
    expect(pausing(false)).toEqual([scan("079098000001")]);
    expect(pausing(true).at(-1)).toMatchObject({ kind: "scan", spoiled: "gap" });
  });

  test("spells letters with Alt, by code point or by byte of UTF-8: the bytes are exact", () => {
    for (const each of [typed(SAMPLES.S2), typedByByte(SAMPLES.S2)]) {
      expect(sort([...each, ...typed("\n")])).toEqual([scan(SAMPLES.S2)]);
    }
  });

  test("spells them with Ctrl+Shift+U on Linux, held or let go", () => {
    const chord = (down: boolean): Stroke[] => [
      { code: "ControlLeft", key: "Control", down, shift: false },
      { code: "ShiftLeft", key: "Shift", down, shift: true },
    ];
    const shifted = (text: string) =>
      typed(text)
        .flat()
        .map((each) => ({ ...each, shift: true }));
    const held = [...chord(true), ...shifted("u1ec5"), ...chord(false)];
    const letGo = [...chord(true), ...shifted("u"), ...chord(false), ...typed("1ec5 ").flat()];
    for (const letter of [held, letGo]) {
      const sorted = sort([...typed("079098000001|Nguy"), letter, ...typed("n\n")]);
      expect(sorted).toEqual([scan("079098000001|Nguyễn")]);
    }
  });

  test("is read by its keys on a wrong layout, with Caps Lock, and behind an input method that only renames them", () => {
    expect(sort(typedOnLayout(CARD, vietnameseLayout))).toEqual([scan(CARD)]);
    const named = typed(CARD).map((strokes) => strokes.map((each) => ({ ...each, key: "Process" })));
    expect(sort(named)).toEqual([scan(CARD)]);
    const caps = typed(CARD).map((strokes) => strokes.map((each) => ({ ...each, key: each.key.toUpperCase() })));
    expect(sort(caps)).toEqual([scan(CARD)]);
  });

  test("set to the layout of the system is read by what the system made of its keys", () => {
    const french = new Map([["Digit1", "&"]]);
    expect(sort(typedOnLayout("12345678", french), { calibration: { layout: "system" } })).toEqual([scan("&2345678")]);
  });

  test("known by its prefix needs neither length nor rhythm, and the prefix is not part of the code", () => {
    const calibration = { prefix: "~" };
    expect(sort(typed("~123\n"), { calibration, paceMs: 140 })).toEqual([scan("123")]);
    expect(sort(typed("123\n"), { calibration })).toEqual([typing("1", "2", "3", "Enter")]);
  });

  test("typing more than any code holds is marked, and bounded", () => {
    const [held] = sort(typed("7".repeat(9000)));
    expect(held).toMatchObject({ kind: "scan", spoiled: "overflow" });
    expect(held?.kind === "scan" && held.bytes.length).toBe(8192);
  });

  test("begun in another window is not whole, however well it goes on", () => {
    const sorter = createKeySorter(uncalibrated, () => false);
    sorter.interrupt(1000);
    const sorted = Array.from("79098000001\n").flatMap((character, at) =>
      press(sorter, strokesOf(character), 1050 + at * 10),
    );
    expect(sorted).toMatchObject([{ kind: "scan", spoiled: "gap" }]);
    const later = Array.from("079098000001\n").flatMap((character, at) =>
      press(sorter, strokesOf(character), 5000 + at * 10),
    );
    expect(later).toEqual([scan("079098000001")]);
  });
});

describe("keys that are held", () => {
  test("and let go unseen, behind the lock screen, are not held for ever where the system tells what is", () => {
    const unseen = (key: string): Stroke[] => [{ code: `${key}Left`, key, down: true, shift: false }];
    for (const key of ["Control", "Alt", "Shift"]) {
      expect(sort([unseen(key), ...typed(`${CARD}\n`)])).toEqual([scan(CARD)]);
    }
  });

  test("by a reader set to a country that has the pipe on AltGr are read by what the system made of them", () => {
    const altGr = { code: "AltRight", key: "AltGraph", shift: false };
    const pipe = { code: "IntlBackslash", key: "|", shift: false };
    const german = typed(CARD).map((strokes) =>
      strokes.some(({ key }) => key === "|")
        ? [
            { ...altGr, down: true },
            { ...pipe, down: true },
            { ...pipe, down: false },
            { ...altGr, down: false },
          ]
        : strokes,
    );
    expect(sort(german, { calibration: { layout: "system" } })).toEqual([scan(CARD)]);
  });
});

describe("a typing tool in the way", () => {
  test.each([
    ["telex", SAMPLES.S5],
    ["vni", SAMPLES.S5],
    ["telex", SAMPLES.S6],
    ["vni", SAMPLES.S6],
  ] as const)("%s is seen in %s, at every pace", (tool, text) => {
    const strokes = typedThrough(tool, `${text}\n`);
    expect(countRewritten(strokes)).toBeGreaterThan(0);
    for (const paceMs of [1, 10, 100]) {
      expect(sort(strokes, { paceMs })).toMatchObject([{ kind: "scan", spoiled: "input-method" }]);
    }
  });

  test("that leaves nothing but plain letters behind is seen by its Backspace (VNI takes an accent back with 0)", () => {
    const takenBack = ["Backspace", "a"].map((key) => [{ code: "", key, down: true, shift: false }]);
    expect(sort([...typed("079098000001|a"), ...takenBack, ...typed("|$\n")])).toMatchObject([
      { kind: "scan", spoiled: "input-method" },
    ]);
  });

  test("that hides a key altogether is seen too", () => {
    const hidden = [{ code: "", key: "Process", down: true, shift: false }];
    expect(sort([...typed("079098000001"), hidden, ...typed("|A\n")])).toMatchObject([{ spoiled: "input-method" }]);
  });

  test("is not alleged without proof: text without keys is passed on, and the recogniser judges it", () => {
    const keyless = (text: string) => typed(text).map((strokes) => strokes.map((each) => ({ ...each, code: "" })));
    const plain = keyless(CARD).map((strokes) => strokes.filter(({ key }) => key.length === 1));
    expect(sort(plain)).toEqual([scan(CARD)]);
    const damaged = SAMPLES.S5.replace("5068616e", "506816e");
    const [held] = sort(keyless(damaged).map((strokes) => strokes.filter(({ key }) => key.length === 1)));
    expect(held).toMatchObject({ kind: "scan", spoiled: null });
    expect(
      recognise(held?.kind === "scan" ? held.bytes : new Uint8Array(), { today: "2026-11-21" })[0]?.warnings,
    ).toContain("name-unreadable");
  });
});

describe("a person", () => {
  test("typing at a person's pace is typing, each digit told soon after it", () => {
    expect(sort(typed("0912345678\n"), { paceMs: 200, numberExpected: true })).toEqual([
      ...Array.from("0912345678", (digit) => typing(digit)),
      typing("Enter"),
    ]);
  });

  test("typing a phone number quickly into the field that waits for it is typing; a reader of the same digits is not", () => {
    const digits = Array.from("0912345678");
    const options = { numberExpected: true };
    expect(sort(typed("0912 345 678\n"), { ...options, paceMs: 90 })).toEqual([typing(...digits, "Enter")]);
    const back: Stroke[] = [true, false].map((down) => ({ code: "Backspace", key: "Backspace", down, shift: false }));
    expect(sort([...typed("09123"), back, back, ...typed("2345678\n")], { ...options, paceMs: 100 })).toEqual([
      typing(...Array.from("09123"), "Backspace", "Backspace", ...Array.from("2345678"), "Enter"),
    ]);
    expect(sort(typed("0912345678\n"), { ...options, paceMs: 20 })).toEqual([scan("0912345678")]);
    expect(sort(typed("0912345678\n"), { paceMs: 90 })).toEqual([scan("0912345678")]);
    expect(sort(typed("079098000001\n"), { ...options, paceMs: 100 })).toEqual([scan("079098000001")]);
  });

  test("corrects, submits and leaves by single keys; letters and short rubbish mean nothing", () => {
    expect(sort([[{ code: "Backspace", key: "Backspace", down: true, shift: false }]])).toEqual([typing("Backspace")]);
    expect(sort([[{ code: "Escape", key: "Escape", down: true, shift: false }]])).toEqual([typing("Escape")]);
    expect(sort(typed("\n"))).toEqual([typing("Enter")]);
    expect(sort(typed("abc"))).toEqual([]);
    expect(sort(typed("12ab\n"))).toEqual([typing("1", "2", "Enter")]);
  });

  test("pressing Enter at once after a scan is taken for the reader", () => {
    const sorter = createKeySorter(uncalibrated, () => true);
    for (const [at, strokes] of typed(`${CARD}\n`).entries()) press(sorter, strokes, at);
    press(sorter, strokesOf("\n"), 500);
    expect(sorter.expire(1000)).toEqual([]);
    press(sorter, strokesOf("\n"), 2000);
    expect(sorter.expire(3000)).toEqual([typing("Enter")]);
  });

  test("typing slowly is never a scan, however much", () => {
    expect(new Set(kinds(sort(typed("079098000001|ABC\n"), { paceMs: 160 })))).toEqual(new Set(["typing"]));
  });
});

test("any strokes at any time, with windows coming and going, are sorted into bounded parts without an exception", () => {
  const names = [
    "KeyA",
    "Digit7",
    "Numpad4",
    "ShiftLeft",
    "ControlLeft",
    "AltLeft",
    "KeyU",
    "Enter",
    "Backspace",
    "Process",
    "",
  ];
  const stroke = fc.record({
    code: fc.constantFrom(...names),
    text: fc.option(fc.constantFrom("a", "7", "ễ", "\u{1f600}")),
    down: fc.boolean(),
    modifiers: fc.option(fc.record({ shift: fc.boolean(), control: fc.boolean(), alt: fc.boolean() })),
    waitMs: fc.constantFrom(0, 5, 120, 200, 1000),
    away: fc.nat(50).map((chance) => chance === 0),
  });
  fc.assert(
    fc.property(fc.array(stroke, { maxLength: 400 }), fc.boolean(), (strokes, numberExpected) => {
      const sorter = createKeySorter(uncalibrated, () => numberExpected);
      let atMs = 0;
      const sorted = strokes.flatMap((each) => {
        atMs += each.waitMs;
        return each.away ? sorter.interrupt(atMs) : sorter.take(each, atMs);
      });
      for (const each of [...sorted, ...sorter.expire(atMs + 1000)]) {
        if (each.kind === "scan") expect(each.bytes.length).toBeLessThanOrEqual(8192);
        else expect(each.keys.length).toBeGreaterThan(0);
      }
      expect(sorter.deadlineMs()).toBeNull();
    }),
    { numRuns: 300 },
  );
});
