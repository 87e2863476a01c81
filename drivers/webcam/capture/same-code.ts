/** A code shown twice within this time is one scan. */
const sameWithinMs = 3_000;
/** Frames without the code for this long mean that it was taken away; shorter gaps are blurred frames. */
const leftAfterMs = 1_000;

interface Seen {
  countedMs: number;
  lastMs: number;
}

/**
 * Tells a new scan from a code that is still held up. A code counts again when it has left the view and came back more than
 * three seconds after it counted last; of several codes in view each counts once.
 */
export class SameCode {
  readonly #seen = new Map<string, Seen>();

  /** True when this reading at `nowMs` (any steady clock) is a new scan. */
  counts(payload: string, nowMs: number): boolean {
    for (const [each, { lastMs }] of this.#seen) {
      if (nowMs - lastMs > sameWithinMs + leftAfterMs) this.#seen.delete(each);
    }
    const known = this.#seen.get(payload);
    if (known === undefined) {
      this.#seen.set(payload, { countedMs: nowMs, lastMs: nowMs });
      return true;
    }
    const hadLeft = nowMs - known.lastMs > leftAfterMs;
    known.lastMs = nowMs;
    if (!hadLeft || nowMs - known.countedMs <= sameWithinMs) return false;
    known.countedMs = nowMs;
    return true;
  }
}
