import type { HeldModifiers, KeyStroke } from "../../drivers/keyboard/key-stroke.ts";

/** Keys without a position that still say what they are: typing tools send them by name only. */
const namedKeys = ["Backspace", "Enter", "Tab", "Escape", "Process"];

/** The stroke behind a keydown or keyup. */
export function strokeOf(event: KeyboardEvent): KeyStroke {
  const code = event.code === "Unidentified" ? "" : event.code;
  return {
    code: code === "" && namedKeys.includes(event.key) ? event.key : code,
    text: characterOf(event.key),
    down: event.type === "keydown",
    modifiers: modifiersOf(event),
  };
}

/**
 * True for a keydown that tells neither key nor character: its character follows as a keypress (text that a program made,
 * `VK_PACKET` on Windows).
 */
export function isTextToCome({ type, key, code }: KeyboardEvent): boolean {
  const isKnown = code !== "" && code !== "Unidentified";
  return type === "keydown" && !isKnown && (key === "" || key === "Unidentified" || key === "Process");
}

/** The stroke of a keypress, which only has a character. */
export function textStroke(event: KeyboardEvent): KeyStroke | null {
  const text = characterOf(event.key);
  return text === null ? null : { code: "", text, down: true, modifiers: modifiersOf(event) };
}

function modifiersOf({ shiftKey, ctrlKey, altKey }: KeyboardEvent): HeldModifiers {
  return { shift: shiftKey, control: ctrlKey, alt: altKey };
}

/** `KeyboardEvent.key` names keys by words and characters by themselves. */
function characterOf(key: string): string | null {
  return /^.$/su.test(key) ? key : null;
}
