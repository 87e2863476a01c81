import type { WireEntry } from "../contract/entries.ts";
import type { FullEntry } from "../contract/privacy.ts";

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

type Fields = WireEntry["fields"] | null;

function textOf(fields: Fields, name: string): string | null {
  const value = fields?.[name];
  return typeof value === "string" ? value : null;
}

function numberOf(fields: Fields): string | null {
  const names = ["citizenNumber", "cardCode", "documentNumber", "value"];
  return names.map((name) => textOf(fields, name)).find((value) => value !== null) ?? null;
}

/** What a masked list shows of a person. */
export function maskedSubject(fields: Fields): { name_masked: string | null; number_masked: string | null } {
  const name = textOf(fields, "fullName");
  const number = numberOf(fields);
  return {
    name_masked: name === null ? null : maskName(name),
    number_masked: number === null ? null : maskNumber(number),
  };
}

/** What the full view shows of a person: the code's own words, never its bytes. */
export function fullSubject(fields: Fields): Omit<FullEntry["subject"], "code_kind"> {
  return {
    ...maskedSubject(fields),
    name: textOf(fields, "fullName"),
    number: numberOf(fields),
    date_of_birth: textOf(fields, "dateOfBirth"),
    sex: textOf(fields, "sex"),
    address: textOf(fields, "address"),
    phone: textOf(fields, "phone"),
  };
}
