import type { Clock } from "./clock.ts";

/** Counts events per key over a sliding time, in memory: it restarts empty, the database keeps the hard limits. */
export interface RateLimit {
  /** Counts one event; 0 when it is allowed, else the ms until the next one is. Refused events do not count. */
  take(key: string): number;
}

const mostKeys = 20_000;

/** At most `events` per key in `windowMs`. */
export function rateLimit(clock: Clock, events: number, windowMs: number): RateLimit {
  const times = new Map<string, number[]>();
  return {
    take(key) {
      const now = clock.now();
      const recent = (times.get(key) ?? []).filter((time) => time > now - windowMs);
      const [oldest] = recent;
      if (oldest !== undefined && recent.length >= events) return oldest + windowMs - now;
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
