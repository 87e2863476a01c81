import { passesAllChecks } from "./certain.ts";
import type { Code, Repair } from "./code.ts";
import { hasControls, partsBetweenControls } from "./letters.ts";
import { OBJECT_CODES } from "./object-codes.ts";
import { isUsable, withRepairs } from "./outcome.ts";
import { readOne } from "./read-one.ts";

function certainly(text: string, today: string, repair: Repair): Code | null {
  const code = readOne(text, today);
  return passesAllChecks(code) ? withRepairs(code, [repair]) : null;
}

/**
 * Three letters where an insurance card has two: the first may be a code id, or any of them a stray. Certain only
 * when dropping another one would leave no listed object code (`QDN4...` could be DN or QN).
 */
function hasTwoObjectCodes(text: string): boolean {
  const letters = /^([A-Z])([A-Z])([A-Z])[1-9]/i.exec(text.toUpperCase());
  if (!letters) return false;
  const [, first = "", second = "", third = ""] = letters;
  return !OBJECT_CODES.has(second + third) || OBJECT_CODES.has(first + third) || OBJECT_CODES.has(first + second);
}

/** R2: a one-letter code id, or a label with a colon, in front of a payload that passes everything without it. */
export function withoutLabel(text: string, today: string): Code[] {
  if (text.startsWith("HC1:")) return [];
  const label = /^[\p{L}][\p{L}\d _-]{0,11}: ?/u.exec(text)?.[0];
  const identified = /^[A-Za-z]/.test(text) && !hasTwoObjectCodes(text);
  return [identified ? text.slice(1) : null, label ? text.slice(label.length) : null]
    .filter((rest) => rest !== null)
    .map((rest) => certainly(rest, today, "R2"))
    .filter((code) => code !== null);
}

/** A full-width keyboard writes every digit so, or at least a whole field; a single one between others is a stray. */
function isWideThroughout(text: string): boolean {
  return (
    !/[0-9]/.test(text) ||
    text.split(/[|\uff5c]/).every((field) => /^(?:[\uff10-\uff19]*|[^\uff10-\uff19]*)$/.test(field))
  );
}

/** R10: full-width digits and pipes, and nothing else, made ASCII. */
export function withPlainDigits(text: string, today: string): Code[] {
  const plain = text
    .replace(/[\uff10-\uff19]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xff10 + 0x30))
    .replaceAll("\uff5c", "|");
  if (plain === text || !isWideThroughout(text)) return [];
  const code = readOne(plain, today);
  return passesAllChecks(code) || (code.kind === "number" && isUsable(code)) ? [withRepairs(code, ["R10"])] : [];
}

/**
 * A control character may stand in place of a lost one. Where the checks of a BHYT card would not notice, its
 * fixed shapes do: two-digit days and months, no empty field, a management code of known length.
 */
function hasFixedShapes(text: string): boolean {
  const managementCode = text.split("|", 10)[9] ?? "";
  return !/(?:[| ]|\/)\d\/|\|\|/.test(text) && /^(?:\d{12}|\d{14}|-)$/.test(managementCode);
}

/** R4: control characters inside an HC1 or BHYT payload, where none is legal, taken out. */
export function withoutControls(text: string, today: string): Code[] {
  if (!hasControls(text)) return [];
  const bare = partsBetweenControls(text).join("");
  const code = certainly(bare, today, "R4");
  return code?.kind === "certificate" || (code?.kind === "bhyt" && hasFixedShapes(bare)) ? [code] : [];
}

/** Separators a payload has: an ID card of either form, a BHYT card of either form, a personal QR. */
const SEPARATOR_COUNTS: ReadonlySet<number> = new Set([6, 10, 14, 16, 5]);

/**
 * R11: another symbol where the pipe should be, as a wrong keyboard layout writes it. Every type opens with letters
 * and digits (and stars, when masked), so only the first other symbol can be the separator; were it also part of
 * the text, the field count would not come out.
 */
export function withPipes(text: string, today: string): Code[] {
  if (text.includes("|")) return [];
  const symbols = [/^[0-9A-Z]{9,15}([^\p{L}\p{N}])/u, /^[0-9A-Z*]{9,15}([^\p{L}\p{N}*])/u]
    .map((opening) => opening.exec(text)?.[1])
    .filter((symbol) => symbol !== undefined);
  return [...new Set(symbols)]
    .map((symbol) => text.split(symbol))
    .filter((fields) => SEPARATOR_COUNTS.has(fields.length - 1))
    .map((fields) => certainly(fields.join("|"), today, "R11"))
    .filter((code) => code !== null);
}
