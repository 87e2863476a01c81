import type { WireEntry } from "../contract/entries.ts";

const dot = "•";
const longestName = 100;
/** Middle of a number: always five dots, so that its length is not told. */
const numberDots = dot.repeat(5);
const shownAtStart = 3;
const shownAtEnd = 4;
/** Shorter numbers would be guessed from seven shown characters: they show their end only. */
const shortestWithStart = 12;
const shortestWithEnd = 8;

/** `Nguyễn Thị Mẫu` → `N••••• T•• Mẫu`: first letters, last word whole (a single word is not); stars stay hidden. */
export function maskName(name: string): string | null {
  const words = visible(name).split(/\s+/).filter(Boolean);
  if (words.length === 0) return null;
  const masked = words.map((word, index) => (index > 0 && index === words.length - 1 ? word : maskWord(word)));
  return Array.from(masked.join(" ")).slice(0, longestName).join("");
}

function maskWord(word: string): string {
  const [first = "", ...rest] = word;
  return `${first}${dot.repeat(rest.length)}`;
}

/** `079123456789` → `079•••••6789`; short ones keep their last four characters, very short ones nothing. */
export function maskNumber(number: string): string | null {
  const characters = Array.from(visible(number).replace(/\s/g, ""));
  if (characters.length === 0) return null;
  if (characters.length < shortestWithEnd) return numberDots;
  const start = characters.length < shortestWithStart ? "" : characters.slice(0, shownAtStart).join("");
  return `${start}${numberDots}${characters.slice(-shownAtEnd).join("")}`;
}

/** Controls, direction marks and other invisible characters go; stars become dots. */
function visible(text: string): string {
  return text.normalize("NFC").replace(/\p{C}/gu, "").replaceAll("*", dot).trim();
}

/** What a masked list shows of a person. */
export function maskedSubject(fields: WireEntry["fields"] | null): {
  name_masked: string | null;
  number_masked: string | null;
} {
  const text = (name: string): string | null => {
    const value = fields?.[name];
    return typeof value === "string" ? value : null;
  };
  const name = text("fullName");
  const number = text("citizenNumber") ?? text("cardCode") ?? text("documentNumber") ?? text("value");
  return {
    name_masked: name === null ? null : maskName(name),
    number_masked: number === null ? null : maskNumber(number),
  };
}
