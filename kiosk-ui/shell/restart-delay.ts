const firstDelayMs = 500;
const longestDelayMs = 30_000;
const healthyAfterMs = 60_000;

/**
 * When a stopped agent is started again: after 0.5 s, doubling to 30 s while it does not live for a minute. It never
 * gives up: at a gate without a technician a late start is better than none. `failures` is to be given back next time.
 */
export function decideRestart(failuresBefore: number, livedMs: number): { delayMs: number; failures: number } {
  const failures = livedMs >= healthyAfterMs ? 1 : failuresBefore + 1;
  return { failures, delayMs: Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 10)) };
}
