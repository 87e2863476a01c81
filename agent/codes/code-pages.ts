import iconv from "iconv-lite";
import { passesAllChecks } from "./certain.ts";
import { cleanTransport } from "./clean.ts";
import type { CccdCode, Code } from "./code.ts";
import { compose, countVietnameseLetters, isVietnameseText } from "./letters.ts";
import { withRepairs } from "./outcome.ts";
import { readOne } from "./read-one.ts";

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** The single-byte pages of codes.md 8.2. Bytes a page leaves undefined come through as C1 controls. */
const SINGLE_BYTE_PAGES = ["latin1", "cp437", "windows-1252", "windows-1258"].map((name) => {
  const characters = Array.from(iconv.decode(EVERY_BYTE, name), (character, byte) =>
    character === "\ufffd" ? String.fromCharCode(byte) : character,
  );
  return { name, characters, bytes: new Map(characters.map((character, byte) => [character, byte])) };
});

const DOUBLE_BYTE_PAGES = ["big5-hkscs", "shift_jis", "gbk"] as const;

/** A code page turns only one type unreadable, and leaves its first field alone: every other type is ASCII. */
const OPENS_LIKE_CARD = /^\d{12}\|/;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

function encodeSingle(text: string, page: ReadonlyMap<string, number>): Uint8Array | null {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const byte = page.get(text[at] ?? "");
    if (byte === undefined) return null;
    bytes[at] = byte;
  }
  return bytes;
}

/** Strict: what does not come back the same was not written in this page. */
function encodeDouble(text: string, page: string): Uint8Array | null {
  const bytes = iconv.encode(text, page);
  return iconv.decode(bytes, page) === text ? bytes : null;
}

/** The one card all readings agree on, if they do; two different ones are no repair (codes.md 8). */
function cardsIn(readings: ReadonlySet<string>, today: string): Code[] {
  return [...readings].flatMap((reading) => {
    const cleaned = cleanTransport(reading);
    if (!isVietnameseText(cleaned.text)) return [];
    const code = readOne(cleaned.text, today);
    return isWholeCard(code) ? [withRepairs(code, [...cleaned.repairs, "R12"])] : [];
  });
}

function isWholeCard(code: Code): code is CccdCode {
  return code.kind === "cccd" && code.form !== "other" && passesAllChecks(code);
}

/**
 * R12: UTF-8 that was shown in an 8-bit or East Asian code page, encoded back. `text` is cleaned and not yet NFC.
 * Returns each distinct card that is strict UTF-8, has 7 or 11 fields, only Vietnamese letters and passes all checks.
 */
export function reencoded(text: string, today: string): Code[] {
  if (!OPENS_LIKE_CARD.test(text) || text.includes("\ufffd") || isVietnameseText(compose(text))) return [];
  const encodings = [
    ...SINGLE_BYTE_PAGES.map((page) => encodeSingle(text, page.bytes)),
    ...DOUBLE_BYTE_PAGES.map((page) => encodeDouble(text, page)),
  ];
  const readings = encodings.flatMap((bytes) => (bytes ? (utf8(bytes) ?? []) : []));
  return cardsIn(new Set(readings), today);
}

/** Fewer legacy letters than this may be flipped bits: `a` with its top bit set is `á` in both pages. */
const FEWEST_LEGACY_LETTERS = 3;

/**
 * R12 for bytes that are no UTF-8: a reader that writes Vietnamese in windows-1258, or in windows-1252 as far as it
 * goes (readers.md 8.3). The two pages share many letters, so both are tried and have to agree.
 */
export function fromLegacyBytes(bytes: Uint8Array, today: string): Code[] {
  const readings = SINGLE_BYTE_PAGES.filter((page) => page.name.startsWith("windows-")).map(
    ({ characters }) => cleanTransport(Array.from(bytes, (byte) => characters[byte] ?? "").join("")).uncomposed,
  );
  return cardsIn(
    new Set(
      readings.filter(
        (text) => OPENS_LIKE_CARD.test(text) && countVietnameseLetters(compose(text)) >= FEWEST_LEGACY_LETTERS,
      ),
    ),
    today,
  );
}
