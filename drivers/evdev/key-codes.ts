/** Linux key numbers (linux/input-event-codes.h) as W3C names, for the keys a reader presses. */

/** Runs of names from a first number on; the keys of a row are numbered in their order. */
const runs: readonly (readonly [first: number, names: string])[] = [
  [1, "Escape Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace Tab"],
  [16, "KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter ControlLeft"],
  [30, "KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote ShiftLeft Backslash"],
  [44, "KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight NumpadMultiply AltLeft Space CapsLock"],
  [71, "Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd"],
  [79, "Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal"],
  [96, "NumpadEnter ControlRight NumpadDivide"],
  [100, "AltRight"],
];

const names = new Map(runs.flatMap(([first, text]) => text.split(" ").map((name, at) => [first + at, name] as const)));

/** The W3C name of a Linux key number; "" for keys that mean nothing in a scan. */
export function keyName(keyNumber: number): string {
  return names.get(keyNumber) ?? "";
}
