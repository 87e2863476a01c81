import type { Clock } from "./clock.ts";

/** Counts events per key over a sliding time, in memory: it restarts empty, the database keeps the hard limits. */
export interface RateLimit {
  /** Counts one event; 0 when it is allowed, else the ms until the next one is. Refused events do not count. */
  take(key: string): number;
  /** What {@link take} would answer; counts nothing. */
  wait(key: string): number;
}

const mostKeys = 20_000;

/** At most `events` per key in `windowMs`. */
export function rateLimit(clock: Clock, events: number, windowMs: number): RateLimit {
  const times = new Map<string, number[]>();
  const recentOf = (key: string, now: number) => (times.get(key) ?? []).filter((time) => time > now - windowMs);
  const waitOf = (recent: readonly number[], now: number): number => {
    const [oldest] = recent;
    return oldest !== undefined && recent.length >= events ? oldest + windowMs - now : 0;
  };
  return {
    wait: (key) => waitOf(recentOf(key, clock.now()), clock.now()),
    take(key) {
      const now = clock.now();
      const recent = recentOf(key, now);
      const waitMs = waitOf(recent, now);
      if (waitMs > 0) return waitMs;
      recent.push(now);
      // Set anew so that the map's order is by last use and the first key is the one to forget.
      times.delete(key);
      times.set(key, recent);
      if (times.size > mostKeys) {
        const [first] = times.keys();
        if (first !== undefined) times.delete(first);
      }
      return 0;
    },
  };
}
