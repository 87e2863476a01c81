const firstDelayMs = 250;
const longestDelayMs = 5_000;

/**
 * How long to wait before try number `attempt` (0 is the first after a loss): doubling from 250 ms to 5 s, less up to
 * a quarter so that many screens of one machine do not knock together. `random` is in [0, 1).
 */
export function reconnectDelayMs(attempt: number, random: number): number {
  const full = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 10));
  return Math.round(full * (1 - random / 4));
}
