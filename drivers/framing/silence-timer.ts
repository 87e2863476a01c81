/** The clock of a framer: waits for the silence that ends a frame. */

/** A timer this late means that the process stood still, so bytes may be waiting in the kernel. */
const STALL_MS = 40;

/** Waits for the deadline of one framer. */
export interface SilenceTimer {
  /** Looks at the deadline anew: call it after every push. */
  arm(): void;
  stop(): void;
}

/**
 * Calls `onSilence` when `deadlineMs()` (on the clock of `performance.now()`) has passed, and arms itself again.
 * After a stall it waits a little more, so that what came in time is still read before the frame is ended.
 */
export function createSilenceTimer(deadlineMs: () => number | null, onSilence: () => void): SilenceTimer {
  let timer: NodeJS.Timeout | undefined;

  const end = (): void => {
    onSilence();
    arm();
  };

  const arm = (): void => {
    clearTimeout(timer);
    const dueMs = deadlineMs();
    if (dueMs === null) return;
    const waitMs = Math.max(1, dueMs - performance.now());
    timer = setTimeout(() => {
      if (performance.now() - dueMs < STALL_MS) end();
      else timer = setTimeout(end, STALL_MS);
    }, waitMs);
  };

  return { arm, stop: () => clearTimeout(timer) };
}
