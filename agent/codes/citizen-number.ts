import type { Sex, Warning } from "./code.ts";
import { PLACE_CODES } from "./place-codes.ts";

/** What the 12 digits `PPP G YY NNNNNN` say by themselves (codes.md 3.3). There is no check digit. */
export interface CitizenNumberFacts {
  readonly birthYear: number;
  readonly sex: Sex;
  readonly warnings: readonly Warning[];
}

/**
 * Takes a citizen number apart. Null when it is not twelve digits, or a read error: G from 4 on means a birth after
 * 2099 (codes.md 3.4).
 */
export function citizenNumberFacts(number: string): CitizenNumberFacts | null {
  if (!/^\d{12}$/.test(number)) return null;
  const century = Number(number.charAt(3));
  if (century > 3) return null;
  return {
    birthYear: 1900 + 100 * Math.floor(century / 2) + Number(number.slice(4, 6)),
    sex: century % 2 === 0 ? "male" : "female",
    warnings: PLACE_CODES.has(number.slice(0, 3)) ? [] : ["unlisted-place-code"],
  };
}
