/** Key strokes to what they mean, one at a time: the modifiers, the layout, and characters spelt out as numbers. */
import type { KeyboardCalibration } from "./calibration.ts";
import type { HeldModifiers, KeyStroke } from "./key-stroke.ts";
import { usText } from "./us-layout.ts";

/** What a stroke means for a scan. */
export type KeyMeaning =
  /** `keyless`: no physical key stands behind the text; a program made it. */
  | { readonly kind: "text"; readonly text: string; readonly keyless: boolean }
  /** A character given as a number: a byte or a code point, which only the whole scan tells ({@link ScanText}). */
  | { readonly kind: "number"; readonly value: number }
  /** An input method took the key and kept to itself which one it was. */
  | { readonly kind: "hidden" }
  | { readonly kind: "end" }
  | { readonly kind: "backspace" }
  | { readonly kind: "escape" };

/** The strokes of one keyboard; it remembers which modifiers are held. */
export interface KeyDecoder {
  /** Null when the stroke alone means nothing: a modifier, a key going up, a part of a number. */
  take(stroke: KeyStroke): KeyMeaning | null;
  /** Forgets what is held: strokes were lost. */
  reset(): void;
}

const noneHeld: HeldModifiers = { shift: false, control: false, alt: false };
const MAX_NUMBER_DIGITS = 7;

/**
 * Makes a decoder. Beside plain keys it knows the two ways in which readers send letters that no key has: Alt held while
 * the keypad types a decimal number (Windows), and Ctrl+Shift+U with a hexadecimal number, ended by Enter, Space or by
 * letting go (Linux).
 */
export function createKeyDecoder(layout: KeyboardCalibration["layout"]): KeyDecoder {
  let held: HeldModifiers = noneHeld;
  let decimal = "";
  /** The digits of a Ctrl+Shift+U number; null while none is being typed. */
  let hexadecimal: string | null = null;

  const endHexadecimal = (): KeyMeaning | null => {
    const digits = hexadecimal ?? "";
    hexadecimal = null;
    return digits === "" ? null : { kind: "number", value: Number.parseInt(digits, 16) };
  };

  const holdModifier = (code: string, down: boolean): KeyMeaning | null => {
    const name = code.startsWith("Shift") ? "shift" : code.startsWith("Control") ? "control" : "alt";
    held = { ...held, [name]: down };
    // Typed after the chord was let go, the number comes later; typed while it is held, it is complete now.
    if (!down && hexadecimal !== null && hexadecimal !== "" && code !== "AltLeft") return endHexadecimal();
    if (down || code !== "AltLeft" || decimal === "") return null;
    const value = Number(decimal);
    decimal = "";
    return { kind: "number", value };
  };

  const spell = (code: string): KeyMeaning | null => {
    const digit = usText(code, false) ?? "";
    if (/^[0-9a-f]$/.test(digit) && (hexadecimal?.length ?? 0) < MAX_NUMBER_DIGITS) hexadecimal += digit;
    else return endHexadecimal();
    return null;
  };

  return {
    take({ code, text, down, modifiers }) {
      held = modifiers ?? held;
      if (/^(Shift|Control|Alt)(Left|Right)$/.test(code)) return holdModifier(code, down);
      if (!down) return null;
      if (hexadecimal !== null) return spell(code);
      if (held.control) {
        if (held.shift && code === "KeyU") hexadecimal = "";
        return null;
      }
      if (held.alt) {
        const digit = /^Numpad(\d)$/.exec(code)?.[1] ?? "";
        if (decimal.length < MAX_NUMBER_DIGITS) decimal += digit;
        return null;
      }
      decimal = "";
      switch (code) {
        case "Enter":
        case "NumpadEnter":
        case "Tab":
          return { kind: "end" };
        case "Backspace":
          return { kind: "backspace" };
        case "Escape":
          return { kind: "escape" };
        case "Process":
          return { kind: "hidden" };
      }
      const printed = usText(code, held.shift);
      const typed = layout === "system" ? (text ?? printed) : (printed ?? text);
      return typed === null ? null : { kind: "text", text: typed, keyless: code === "" };
    },

    reset() {
      held = noneHeld;
      decimal = "";
      hexadecimal = null;
    },
  };
}
