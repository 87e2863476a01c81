import type { SequenceRange } from "../../contract/entries.ts";
import type { Journal } from "../journal/journal.ts";

/** Numbers in one transaction of the journal: scans wait for no longer one. */
const numbersAtOnce = 1_000;
/** Enough until the next heartbeat; what is still missing then is named again. */
const rowsAtOnce = 20_000;

/**
 * Entries the centre lost (a backup was put back) wait for it again. Only rows that count as stored are touched: refused
 * and unsent ones are missing there for a reason, erased ones cannot be sent. Returns how many.
 */
export async function sendAgain(
  journal: Pick<Journal, "figures" | "markUnsent">,
  missing: readonly SequenceRange[],
): Promise<number> {
  let rows = 0;
  for (const { from, to } of missing) {
    const end = Math.min(to, journal.figures.lastSeq);
    for (let first = from; first <= end && rows < rowsAtOnce; first += numbersAtOnce) {
      rows += await journal.markUnsent({ first, last: Math.min(end, first + numbersAtOnce - 1) });
    }
  }
  return rows;
}
