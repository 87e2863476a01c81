import type { SequenceRange } from "../contract/entries.ts";

/** The numbers as runs without neighbours, lowest first. */
export function runsOf(numbers: readonly number[]): SequenceRange[] {
  const runs: SequenceRange[] = [];
  for (const number of [...numbers].sort((one, other) => one - other)) {
    const last = runs.at(-1);
    if (last !== undefined && number <= last.to + 1) last.to = Math.max(last.to, number);
    else runs.push({ from: number, to: number });
  }
  return runs;
}

/** What lies between and beside the runs (lowest first, disjoint) above `after` and up to `upTo`. */
export function gapsBetween(runs: readonly SequenceRange[], after: number, upTo: number): SequenceRange[] {
  const gaps: SequenceRange[] = [];
  let next = after + 1;
  for (const { from, to } of runs) {
    if (from > next) gaps.push({ from: next, to: from - 1 });
    next = Math.max(next, to + 1);
  }
  if (next <= upTo) gaps.push({ from: next, to: upTo });
  return gaps;
}
