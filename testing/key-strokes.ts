import { usText } from "../drivers/keyboard/us-layout.ts";

/** A key a reader presses or lets go, with Shift as it is held then. */
export interface Stroke {
  readonly code: string;
  readonly down: boolean;
  readonly shift: boolean;
}

const letters = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (letter) => `Key${letter}`);
const digits = Array.from("0123456789", (digit) => `Digit${digit}`);
const signs = "Backquote Minus Equal BracketLeft BracketRight Backslash Semicolon Quote Comma Period Slash Space".split(
  " ",
);
const keys = new Map<string, { readonly code: string; readonly shift: boolean }>([
  ["\n", { code: "Enter", shift: false }],
  ["\t", { code: "Tab", shift: false }],
]);
for (const shift of [true, false]) {
  for (const code of [...letters, ...digits, ...signs]) keys.set(usText(code, shift) ?? "", { code, shift });
}

/** The strokes of a US reader for one character; a letter no key has is spelt as Alt and the number of its code point. */
export function strokesOf(character: string): Stroke[] {
  const key = keys.get(character);
  if (key === undefined) return altStrokes(`0${character.codePointAt(0)}`);
  const press = [true, false].map((down) => ({ code: key.code, down, shift: key.shift }));
  if (!key.shift) return press;
  return [{ code: "ShiftLeft", down: true, shift: true }, ...press, { code: "ShiftLeft", down: false, shift: false }];
}

/** Alt held while the keypad types a number. */
export function altStrokes(number: string): Stroke[] {
  const digitStrokes = Array.from(number).flatMap((digit) =>
    [true, false].map((down) => ({ code: `Numpad${digit}`, down, shift: false })),
  );
  return [
    { code: "AltLeft", down: true, shift: false },
    ...digitStrokes,
    { code: "AltLeft", down: false, shift: false },
  ];
}
