import type { Code, Warning } from "./code.ts";

/**
 * Warnings that leave a reading less than certain: an unreadable part, a cross-check that fails, an unusual build.
 * The others only say that a list or a clock may be older than the card.
 */
const DOUBTS: ReadonlySet<Warning> = new Set([
  "sex-mismatch",
  "birth-year-mismatch",
  "unusual-field-count",
  "name-unreadable",
  "address-unreadable",
  "facility-unreadable",
  "issue-place-unreadable",
  "input-method",
  "management-code-mismatch",
  "management-province-mismatch",
  "short-form",
  "letters-lost",
]);

/** Identity papers of the personal QR: CMND, citizen number (either may be masked), passport. */
const DOCUMENT = /^(?:[\d*]{9}|[\d*]{12}|[A-Z][\d*]{7,8})$/;

/** True when the payload is of a built type and passes every check of it: the condition of each repair (codes.md 8). */
export function passesAllChecks(code: Code): boolean {
  if (code.warnings.some((warning) => DOUBTS.has(warning))) return false;
  switch (code.kind) {
    case "cccd":
    case "bhyt":
    case "certificate":
    case "declaration":
    case "place":
      return true;
    case "personal":
      return DOCUMENT.test(code.fields.documentNumber);
    case "number":
    case "tram-personal":
    case "tram-place":
    case "tram-invitation":
    case "damaged":
    case "unknown":
      return false;
  }
}
