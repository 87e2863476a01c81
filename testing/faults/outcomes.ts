import type { FaultOutcome } from "./fault.ts";
import { together } from "./oracle.ts";

/** The outcome of several parts of one fault: counts are added up, what any part judged is judged. */
export function allOf(...outcomes: readonly FaultOutcome[]): FaultOutcome {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    for (const [what, count] of Object.entries(outcome.counts)) counts[what] = (counts[what] ?? 0) + count;
  }
  return { counts, judged: together(...outcomes.map(({ judged }) => judged)) };
}
