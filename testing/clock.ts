import type { Clock } from "../agent/clock.ts";

/** A clock that stands until it is moved. */
export interface StandingClock extends Clock {
  /** Moves wall and monotonic time, ms. */
  pass(ms: number): void;
  /** Moves the wall clock only, as somebody at the settings would. */
  setWall(ms: number): void;
}

export function standingClock(startMs = Date.UTC(2026, 0, 5, 8), bootId = "boot-1"): StandingClock {
  let wall = startMs;
  let mono = 1_000_000;
  return {
    bootId,
    wallMs: () => wall,
    monoMs: () => mono,
    pass(ms) {
      wall += ms;
      mono += ms;
    },
    setWall(ms) {
      wall = ms;
    },
  };
}
