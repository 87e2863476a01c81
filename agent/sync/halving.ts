import { maxBatchEntries } from "../../contract/limits.ts";

/**
 * Isolates the entry that makes the centre refuse a whole batch (400, 413, 422), by halving. `suspects` is how many of
 * the oldest waiting entries are known to hold a bad one, null when nothing is suspected. Finds 1 of 200 in at most
 * nine refused or accepted requests.
 */
export interface Halving {
  readonly suspects: number | null;
}

export const nothingSuspected: Halving = { suspects: null };

/** How many entries to send next. */
export function nextBatchLimit({ suspects }: Halving): number {
  return suspects === null ? maxBatchEntries : Math.max(1, Math.floor(suspects / 2));
}

/** A batch of `size` was refused as a whole. A single entry is then the culprit: quarantine it. */
export function afterRefusal(size: number): { next: Halving; isolated: boolean } {
  if (size === 1) return { next: nothingSuspected, isolated: true };
  return { next: { suspects: size }, isolated: false };
}

/** A batch of `size` was answered item by item: the bad one is among the rest of the suspects. */
export function afterAnswer(halving: Halving, size: number): Halving {
  if (halving.suspects === null) return nothingSuspected;
  const rest = halving.suspects - size;
  return rest > 0 ? { suspects: rest } : nothingSuspected;
}
