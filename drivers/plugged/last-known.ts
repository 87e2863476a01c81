/** A list that somebody else makes, kept for when it cannot be had. */
import { within } from "../time-limit.ts";

/**
 * Asks anew at each call. A list that fails, or is not there within `limitMs`, tells nothing new: the one before is
 * given instead, so that no reader seems unplugged because of it. While one is still on its way no other is begun; a
 * device that hangs keeps Windows from listing any, and each asking would add to those that wait. Never rejects.
 */
export function lastKnown<T>(ask: () => Promise<readonly T[]>, limitMs: number): () => Promise<readonly T[]> {
  let known: readonly T[] = [];
  let asking: Promise<void> | null = null;
  const askOnce = async (): Promise<void> => {
    try {
      known = await ask();
    } finally {
      asking = null;
    }
  };
  return async () => {
    asking ??= askOnce();
    await within(asking, limitMs).catch(() => {});
    return known;
  };
}
