import { strokesOf } from "../key-strokes.ts";

/**
 * The usages of a boot keyboard (USB HID usage tables, page 7): letters and digits in their order, then the rest of what
 * a reader types. Written out here once more, on purpose: the kernel turns them into keys, the product into text.
 */
const USAGES = new Map<string, number>([
  ...Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (letter, index) => [`Key${letter}`, 0x04 + index] as const),
  ...Array.from("1234567890", (digit, index) => [`Digit${digit}`, 0x1e + index] as const),
  ["Enter", 0x28],
  ["Tab", 0x2b],
  ...["Space", "Minus", "Equal", "BracketLeft", "BracketRight", "Backslash"].map(
    (code, index) => [code, 0x2c + index] as const,
  ),
  ...["Semicolon", "Quote", "Backquote", "Comma", "Period", "Slash"].map(
    (code, index) => [code, 0x33 + index] as const,
  ),
]);
const LEFT_SHIFT = 0x02;

/** The boot keyboard reports with which a US reader types `text`: each key with its shift, then all keys up. */
export function typedReports(text: string): Buffer[] {
  return Array.from(text).flatMap((character) => {
    const stroke = strokesOf(character).find(({ code }) => USAGES.has(code));
    const usage = USAGES.get(stroke?.code ?? "");
    if (stroke === undefined || usage === undefined) throw new Error(`No key for ${JSON.stringify(character)}`);
    const report = Buffer.alloc(8);
    report[0] = stroke.shift ? LEFT_SHIFT : 0;
    report[2] = usage;
    return [report, Buffer.alloc(8)];
  });
}
