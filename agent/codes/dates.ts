/** `31022000` has the shape of a date and is none; the two failures get different words on the screen. */
export type DateFault = "impossible-date" | "bad-field";

const OLDEST_YEAR = 1850;
const LATEST_YEAR = 2399;

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** The ISO date of a day that exists in the calendar; null otherwise (codes.md 3.4: calendar dates must be real). */
export function isoDate(year: number, month: number, day: number): string | null {
  if (year < OLDEST_YEAR || year > LATEST_YEAR || month < 1 || month > 12) return null;
  if (day < 1 || day > daysIn(year, month)) return null;
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

/** Reads `ddMMyyyy`, the date form of the CCCD code (codes.md 3.1). */
export function compactDate(text: string): string | null {
  if (!/^\d{8}$/.test(text)) return null;
  return isoDate(Number(text.slice(4)), Number(text.slice(2, 4)), Number(text.slice(0, 2)));
}

const SLASHED = /^ *(\d{1,2})\/(\d{1,2})\/(\d{4}) *$/;

/**
 * Reads `dd/MM/yyyy`. Single-digit days and months and a leading space both occur on BHYT cards (codes.md 4.1).
 */
export function slashedDate(text: string): string | null {
  const parts = SLASHED.exec(text);
  return parts && isoDate(Number(parts[3]), Number(parts[2]), Number(parts[1]));
}

/** Reads `dd/MM/yyyy`, or the year alone where a BHYT card knows no more (codes.md 4.1). */
export function slashedDateOrYear(text: string): string | null {
  if (!/^\d{4}$/.test(text)) return slashedDate(text);
  return Number(text) >= OLDEST_YEAR && Number(text) <= LATEST_YEAR ? text : null;
}

/** Why a text that is no slashed date is none. */
export function slashedDateFault(text: string): DateFault {
  return SLASHED.test(text) || /^\d{4}$/.test(text) ? "impossible-date" : "bad-field";
}

/**
 * Reads `yyyy-MM-dd` in which the owner may hide digits with stars (codes.md 5). Without stars it comes back padded
 * to ISO; with stars as received, if what is visible can belong to a date.
 */
export function maskedDate(text: string): string | null {
  const parts = /^([0-9*]{4})-([0-9*]{1,2})-([0-9*]{1,2})$/.exec(text);
  if (!parts) return null;
  const [, year = "", month = "", day = ""] = parts;
  if (!text.includes("*")) return isoDate(Number(year), Number(month), Number(day));
  const monthFits = month.includes("*") || (Number(month) >= 1 && Number(month) <= 12);
  const dayFits = day.includes("*") || (Number(day) >= 1 && Number(day) <= 31);
  return monthFits && dayFits ? text : null;
}
