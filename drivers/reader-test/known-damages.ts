/**
 * A test code as each known fault delivers it. Damage is made forwards and compared: to undo it from what arrived would
 * mean to guess.
 */
import iconv from "iconv-lite";
import { type ByteText, byteText, utf8 } from "./byte-text.ts";
import { type Finding, finding } from "./findings.ts";
import { keyboardLayouts, withoutShift } from "./keyboard-layouts.ts";

/** What would arrive, and what that would mean. */
export interface KnownDamage {
  readonly bytes: ByteText;
  readonly findings: readonly Finding[];
}

interface TextDamage {
  readonly text: string;
  readonly findings: readonly Finding[];
}

/** The pages of codes.md 8.2 and the old Vietnamese ones. */
const codePages: readonly (readonly [encoding: string, name: string])[] = [
  ["windows-1258", "windows-1258 (Vietnamese)"],
  ["windows-1252", "windows-1252 (Western)"],
  ["viscii", "VISCII"],
  ["tcvn", "TCVN 5712 (TCVN3)"],
];
/** Pages in which UTF-8 bytes were shown and encoded once more. */
const shownPages = ["latin1", "windows-1252", "windows-1258", "cp437", "big5-hkscs", "shift_jis", "gbk"];
const toneMarks = /[\u0300\u0301\u0303\u0309\u0323]/g;

/** Every single fault, and every fault of the reader with every fault of the keyboard behind it. */
export function knownDamages(text: string): KnownDamage[] {
  const whole = [
    { text, findings: [] },
    { text: text.normalize("NFD"), findings: [finding("decomposed")] },
  ];
  const typed = whole.flatMap((one) => [one, ...withoutLetters(one)]).flatMap((one) => [one, ...eci(one)]);
  const shown = whole.flatMap(doubleEncoded).flatMap((one) => [one, ...eci(one), ...byCase(one), ...byLayout(one)]);
  return [
    ...[...typed.flatMap(byKeyboard), ...shown].map(({ text: damaged, findings }) => ({
      bytes: utf8(damaged),
      findings,
    })),
    ...inOtherEncodings(text),
  ];
}

/** Letters no key has: replaced, dropped, or without their marks (codes.md R14). */
export function withoutLetters({ text, findings }: TextDamage): TextDamage[] {
  const beyondAscii = /\P{ASCII}/gu;
  const base = text
    .normalize("NFD")
    .replace(toneMarks, "")
    .replace(/[\u0302\u0306\u031b]/g, "");
  const ways: readonly (readonly [damaged: string, how: string])[] = [
    [text.replace(beyondAscii, "?"), "question marks"],
    [text.replace(beyondAscii, (letter) => "?".repeat(Buffer.byteLength(letter))), "question marks"],
    [text.replace(beyondAscii, "\ufffd"), "replacement characters"],
    [text.replace(beyondAscii, ""), "dropped"],
    [base.replaceAll("đ", "d").replaceAll("Đ", "D"), "without marks"],
    [base.replace(beyondAscii, "?"), "without marks"],
    [base.replace(beyondAscii, ""), "without marks"],
  ];
  return ways.map(([damaged, how]) => ({ text: damaged, findings: [...findings, finding("letters-lost", how)] }));
}

/** readers.md 8.3: the designator in front and every backslash doubled; some firmware does one of the two. */
function eci({ text, findings }: TextDamage): TextDamage[] {
  const doubled = text.replaceAll("\\", "\\\\");
  return [`\\000026${doubled}`, `\\000026${text}`, ...(doubled === text ? [] : [doubled])].map((damaged) => ({
    text: damaged,
    findings: [...findings, finding("eci")],
  }));
}

/** UTF-8 read in another page and encoded again; what a page does not define arrives in one of four ways. */
function doubleEncoded({ text, findings }: TextDamage): TextDamage[] {
  return shownPages.flatMap((page) => {
    const bytes = Buffer.from(text, "utf8");
    const shown = iconv.decode(bytes, page);
    const singles = Array.from(bytes, (byte) => iconv.decode(Buffer.of(byte), page));
    const isSingleByte = singles.join("") === shown;
    const withControls = isSingleByte
      ? singles.map((one, at) => (one === "\ufffd" ? String.fromCharCode(bytes[at] ?? 0) : one)).join("")
      : shown;
    const ways = new Set([shown, withControls, shown.replaceAll("\ufffd", "?"), shown.replaceAll("\ufffd", "")]);
    return [...ways].map((damaged) => ({ text: damaged, findings: [...findings, finding("double-encoded", page)] }));
  });
}

/** Not UTF-8 at all. */
function inOtherEncodings(text: string): KnownDamage[] {
  const found: KnownDamage[] = [];
  const add = (bytes: Uint8Array, findings: readonly Finding[]): void => {
    found.push({ bytes: byteText(bytes), findings });
  };
  for (const cased of [{ text, findings: [] }, ...byCase({ text, findings: [] })]) {
    for (const [encoding, name] of codePages) {
      const means = [...cased.findings, finding("code-page", name)];
      const forms = new Set([cased.text, tonesApart(cased.text, encoding), tonesApart(cased.text, null)]);
      for (const form of forms) {
        add(iconv.encode(form, encoding), means);
        add(iconv.encode(`\\000026${form.replaceAll("\\", "\\\\")}`, encoding), [...means, finding("eci")]);
      }
    }
    for (const order of ["utf-16le", "utf-16be"]) {
      for (const mark of ["", "\ufeff"]) {
        add(iconv.encode(mark + cased.text, order, { addBOM: false }), [...cased.findings, finding("utf-16", order)]);
      }
    }
  }
  return found;
}

/** windows-1258 has base letters and tone marks apart; with a page, only for the letters the page has not composed. */
function tonesApart(text: string, unless: string | null): string {
  return Array.from(text, (letter) => {
    if (unless !== null && iconv.decode(iconv.encode(letter, unless), unless) === letter) return letter;
    const apart = letter.normalize("NFD");
    const tones = apart.match(toneMarks)?.join("") ?? "";
    return apart.replace(toneMarks, "").normalize("NFC") + tones;
  }).join("");
}

/** The same text through a keyboard with another layout, Caps Lock, or a lost Shift. */
function byKeyboard(typed: TextDamage): TextDamage[] {
  const cased = [typed, ...byCase(typed)];
  return [
    ...cased,
    ...cased.flatMap(byLayout),
    ...byLayout(typed).flatMap(byCase),
    { text: mapped(typed.text.toLowerCase(), withoutShift), findings: [...typed.findings, finding("shift-lost")] },
  ];
}

export function byCase({ text, findings }: TextDamage): TextDamage[] {
  const ascii = (change: (letter: string) => string): string => text.replace(/[A-Za-z]/g, change);
  const swap = (letter: string): string =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase();
  const ways: readonly (readonly [damaged: string, how: string])[] = [
    [text.toUpperCase(), "upper"],
    [ascii((letter) => letter.toUpperCase()), "upper"],
    [text.toLowerCase(), "lower"],
    [ascii((letter) => letter.toLowerCase()), "lower"],
    [ascii(swap), "swapped"],
    [Array.from(text, swap).join(""), "swapped"],
  ];
  return ways.map(([damaged, how]) => ({ text: damaged, findings: [...findings, finding("letter-case", how)] }));
}

function byLayout({ text, findings }: TextDamage): TextDamage[] {
  return keyboardLayouts.map(({ name, typed }) => ({
    text: mapped(text, typed),
    findings: [...findings, finding("keyboard-layout", name)],
  }));
}

function mapped(text: string, characters: ReadonlyMap<string, string>): string {
  return Array.from(text, (character) => characters.get(character) ?? character).join("");
}
