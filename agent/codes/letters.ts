const VOWELS = "a ă â e ê i o ô ơ u ư y".split(" ");
const TONES = ["", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323"];

function bothCases(letters: readonly string[]): string[] {
  return letters.flatMap((letter) => [letter, letter.toUpperCase()]).filter((letter) => letter > "~");
}

/** The 134 composed Vietnamese letters outside ASCII (codes.md 8.5). */
const VIETNAMESE: ReadonlySet<string> = new Set(
  bothCases([...VOWELS.flatMap((vowel) => TONES.map((tone) => (vowel + tone).normalize("NFC"))), "đ"]),
);

/** Ð, which older software writes for Đ, letters of Ê Đê, Ba Na and Gia Rai names, and printed punctuation. */
const ALSO_PRINTED: ReadonlySet<string> = new Set([
  ...bothCases("ð ƀ č ñ ĭ ŏ ŭ ĕ".split(" ")),
  ..."– — ’ ‘ “ ” …".split(" "),
]);

/**
 * NFC (R9). Runs of more than 30 marks, which no writing has (UAX 15, stream-safe text), are left alone: composing
 * them takes time that grows with the square of the run.
 */
export function compose(text: string): string {
  return /\p{M}{31}/u.test(text) ? text : text.normalize("NFC");
}

function beyondAscii(text: string): string[] {
  return text.match(/[^ -~]/gu) ?? [];
}

/** True when the NFC text has only what a card prints: ASCII and Vietnamese letters (condition of R12, codes.md 8.2). */
export function isVietnameseText(text: string): boolean {
  return beyondAscii(text).every((character) => VIETNAMESE.has(character) || ALSO_PRINTED.has(character));
}

/** How many Vietnamese letters outside ASCII the NFC text holds. */
export function countVietnameseLetters(text: string): number {
  return beyondAscii(text).filter((character) => VIETNAMESE.has(character)).length;
}

/**
 * True when the text was read in a wrong code page (codes.md 8.2): it holds Han, kana, box drawing, C1 controls or
 * Latin-1 signs, none of which stands in a printed name. Foreign Latin letters, U+FFFD, ASCII controls and invisible
 * format characters are not taken for it.
 */
export function looksMisdecoded(text: string): boolean {
  return /[^\p{ASCII}\p{M}\p{Cf}\u00a0\u00c0-\u024f\u1e00-\u1eff\u2010-\u201f\u2026\ufffd]|[×÷]/u.test(text);
}

/** True when a reader or a printing system put `?` or U+FFFD where letters stood (codes.md R14). */
export function hasLostLetters(text: string): boolean {
  return text.includes("?") || text.includes("\ufffd");
}

/** True when the text is plain ASCII. */
export function isPlainAscii(text: string): boolean {
  return beyondAscii(text).length === 0;
}

/** ASCII control characters; C1 controls are left to the code pages. */
const CONTROLS = /(?:(?=\p{ASCII})\p{Cc})+/gu;

/** True when the text holds control characters, none of which belongs inside a card's payload. */
export function hasControls(text: string): boolean {
  return text.search(CONTROLS) !== -1;
}

/** What stands between the control characters of the text, empty parts kept. */
export function partsBetweenControls(text: string): string[] {
  return text.split(CONTROLS);
}
