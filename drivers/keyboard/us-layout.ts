/** The US keyboard: what each physical key types, plain and with Shift (W3C UI Events KeyboardEvent code values). */
const rows: readonly (readonly [codes: readonly string[], plain: string, shifted: string])[] = [
  [["Backquote", ...digits("1234567890"), "Minus", "Equal"], "`1234567890-=", "~!@#$%^&*()_+"],
  [[...letters("QWERTYUIOP"), "BracketLeft", "BracketRight", "Backslash"], "qwertyuiop[]\\", "QWERTYUIOP{}|"],
  [[...letters("ASDFGHJKL"), "Semicolon", "Quote"], "asdfghjkl;'", 'ASDFGHJKL:"'],
  [[...letters("ZXCVBNM"), "Comma", "Period", "Slash", "Space"], "zxcvbnm,./ ", "ZXCVBNM<>? "],
  [numpad("0123456789"), "0123456789", "0123456789"],
  [["NumpadDivide", "NumpadMultiply", "NumpadSubtract", "NumpadAdd", "NumpadDecimal"], "/*-+.", "/*-+."],
];

const keys = new Map<string, readonly [plain: string, shifted: string]>(
  rows.flatMap(([codes, plain, shifted]) =>
    codes.map((code, at) => [code, [plain[at] ?? "", shifted[at] ?? ""]] as const),
  ),
);

/**
 * What a physical key types on a US keyboard; null for keys that type nothing, and keys a US keyboard does not have.
 * Caps Lock is not asked: the reader presses its keys as if it were off, whatever the lamp says.
 */
export function usText(code: string, shift: boolean): string | null {
  return keys.get(code)?.[shift ? 1 : 0] ?? null;
}

function digits(text: string): string[] {
  return Array.from(text).map((digit) => `Digit${digit}`);
}

function letters(text: string): string[] {
  return Array.from(text).map((letter) => `Key${letter}`);
}

function numpad(text: string): string[] {
  return Array.from(text).map((digit) => `Numpad${digit}`);
}
