import type { SequenceRange } from "../../contract/entries.ts";
import type { Journal } from "../journal/journal.ts";

/** Rows looked at in one transaction of the journal: scans wait for no longer one. */
const lookedAtOnce = 1_000;
/** Enough until the next heartbeat; what is still missing then is named again. */
const rowsAtOnce = 20_000;

/**
 * Entries the centre lost (a backup was put back) wait for it again. Only rows that count as stored are touched: refused
 * and unsent ones are missing there for a reason, erased ones cannot be sent. A range may hold any number, and ranges may
 * overlap: what it costs depends on the rows that are here. Returns how many.
 */
export async function sendAgain(
  journal: Pick<Journal, "figures" | "markUnsent">,
  missing: readonly SequenceRange[],
): Promise<number> {
  let rows = 0;
  let next = 1;
  for (const { from, to } of missing.toSorted((one, other) => one.from - other.from)) {
    next = Math.max(next, from);
    const last = Math.min(to, journal.figures.lastSeq);
    while (next <= last && rows < rowsAtOnce) {
      const { marked, upTo } = await journal.markUnsent({ first: next, last }, lookedAtOnce);
      rows += marked;
      next = upTo + 1;
    }
  }
  return rows;
}
