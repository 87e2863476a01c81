/** Longest pause between attempts when our server or a proxy asked for patience, ms. */
export const longestPauseMs = 300_000;
/** When nobody answers at all the wait burdens nobody: a gate is back within a minute of the network. */
export const longestUnreachablePauseMs = 30_000;
const firstPauseMs = 1_000;

/**
 * Full-jitter back-off: uniformly random in `[0, min(longestMs, 1 s · 2^failures)]`, never ending. `random` gives
 * [0, 1).
 */
export function pauseAfter(failures: number, random: () => number, longestMs = longestPauseMs): number {
  return Math.floor(random() * Math.min(longestMs, firstPauseMs * 2 ** Math.min(failures, 20)));
}
