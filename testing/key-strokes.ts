import type { HeldModifiers } from "../drivers/keyboard/key-stroke.ts";
import { usText } from "../drivers/keyboard/us-layout.ts";

/** A key that a reader, or a program in its place, presses or lets go. */
export interface Stroke {
  /** The physical key; "" when a program made the stroke and no key was pressed. */
  readonly code: string;
  /** As `KeyboardEvent.key`: the character, or the key's name. */
  readonly key: string;
  readonly down: boolean;
  readonly shift: boolean;
}

const codes = [
  ...Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (letter) => `Key${letter}`),
  ...Array.from("0123456789", (digit) => `Digit${digit}`),
  ..."Backquote Minus Equal BracketLeft BracketRight Backslash Semicolon Quote Comma Period Slash Space".split(" "),
];
const keys = new Map<string, { readonly code: string; readonly shift: boolean }>();
for (const shift of [true, false]) for (const code of codes) keys.set(usText(code, shift) ?? "", { code, shift });

/** The strokes of a US reader for one character; "\n" and "\t" are Enter and Tab, other letters Alt and a number. */
export function strokesOf(character: string): Stroke[] {
  if (character === "\n") return press("Enter", "Enter");
  if (character === "\t") return press("Tab", "Tab");
  const place = keys.get(character);
  if (place === undefined) return altStrokes(character.codePointAt(0) ?? 0);
  const pressed = press(place.code, character, place.shift);
  if (!place.shift) return pressed;
  return [hold("ShiftLeft", "Shift", true, true), ...pressed, hold("ShiftLeft", "Shift", false, false)];
}

/** What is held with each stroke, as a system tells it; strokes have to come in their order. */
export function createModifierWatch(): (stroke: Stroke) => HeldModifiers {
  const held = new Set<string>();
  return ({ key, down, shift }) => {
    if (down) held.add(key);
    else held.delete(key);
    return { shift, control: held.has("Control"), alt: held.has("Alt") };
  };
}

/** One list of strokes for each character a US reader types. */
export function typed(text: string): Stroke[][] {
  return Array.from(text, strokesOf);
}

/** As {@link typed}, but each byte beyond ASCII of the UTF-8 text is spelt by its own number. */
export function typedByByte(text: string): Stroke[][] {
  return Array.from(Buffer.from(text), (byte) =>
    byte < 0x80 ? strokesOf(String.fromCharCode(byte)) : altStrokes(byte),
  );
}

/** As {@link typed}, on a system with another layout: same keys, other characters (`system` says which). */
export function typedOnLayout(text: string, system: ReadonlyMap<string, string>): Stroke[][] {
  return typed(text).map((strokes) => strokes.map((each) => ({ ...each, key: system.get(each.code) ?? each.key })));
}

/** The digit row of the Windows layout "Vietnamese" (readers.md 10; KBDVNTC). */
export const vietnameseLayout: ReadonlyMap<string, string> = new Map(
  Array.from("đăâêô\u0300\u0309\u0303\u0301\u0323", (character, digit) => [`Digit${digit}`, character] as const),
);

const rewrites = {
  telex: pairsOf("aaâ eeê ooô ddđ awă owơ uwư afà asá arả axã ajạ efè esé ofò osó ufù usú"),
  vni: pairsOf("a6â e6ê o6ô d9đ a8ă o7ơ u7ư a1á a2à a3ả a4ã a5ạ e1é e2è e3ẻ e4ẽ e5ẹ"),
};

/** Two keys and the letter they make. */
function pairsOf(text: string): ReadonlyMap<string, string> {
  return new Map(text.split(" ").map((each) => [each.slice(0, 2), each.slice(2)]));
}

/**
 * What the page gets of `text` behind a typing tool that hooks the whole system (OpenKey: `WH_KEYBOARD_LL`): where two
 * keys make a letter it swallows the second, takes the first back with Backspace and sends the letter as a packet, both
 * without a physical key (`SendInput`, `VK_PACKET`).
 */
export function typedThrough(tool: "telex" | "vni", text: string): Stroke[][] {
  let before = "";
  return Array.from(text, (character) => {
    const letter = rewrites[tool].get((before + character).toLowerCase());
    before = letter === undefined ? character : "";
    return letter === undefined ? strokesOf(character) : [...press("", "Backspace"), ...press("", letter)];
  });
}

/** How many letters the tool made, for a test to see that there was damage at all. */
export function countRewritten(strokes: readonly (readonly Stroke[])[]): number {
  return strokes.flat().filter(({ key, down }) => key === "Backspace" && down).length;
}

function altStrokes(value: number): Stroke[] {
  const digits = Array.from(`0${value}`).flatMap((digit) => press(`Numpad${digit}`, digit));
  return [hold("AltLeft", "Alt", true), ...digits, hold("AltLeft", "Alt", false)];
}

function press(code: string, key: string, shift = false): Stroke[] {
  return [hold(code, key, true, shift), hold(code, key, false, shift)];
}

function hold(code: string, key: string, down: boolean, shift = false): Stroke {
  return { code, key, down, shift };
}
