import { expect, test } from "vitest";
import type { Clock } from "../clock.ts";
import { type ClockOffset, clockIsImpossible, clockOffset, clockStateOf, measuredOffset } from "./clock-offset.ts";

const hour = 3_600_000;
const day = 24 * hour;
const year = 365 * day;

class MovingClock implements Clock {
  bootId = "boot-1";
  wall = Date.UTC(2026, 11, 5, 8);
  mono = 1_000_000;
  wallMs = () => this.wall;
  monoMs = () => this.mono;
  pass(ms: number): void {
    this.wall += ms;
    this.mono += ms;
  }
}

interface Change {
  /** Both clocks go on. */
  readonly pass?: number;
  /** Somebody moves the wall clock. */
  readonly move?: number;
  readonly boot?: { readonly id: string; readonly mono: number };
}

function stateAfter({ pass = 0, move = 0, boot }: Change): string {
  const clock = new MovingClock();
  const offset = measuredOffset(1_500, clock);
  clock.pass(pass);
  clock.wall += move;
  if (boot) Object.assign(clock, { bootId: boot.id, mono: boot.mono });
  return clockStateOf(offset, clock);
}

test("a clock that was never measured is unknown", () => {
  expect(clockStateOf(null, new MovingClock())).toBe("unknown");
});

test.each<[string, Change, string]>([
  ["just measured", {}, "synced"],
  ["24 hours less a minute later", { pass: day - 60_000 }, "synced"],
  ["24 hours later", { pass: day }, "drifting"],
  ["slewed by a second over the day", { pass: 20 * hour, move: 1_000 }, "synced"],
  ["set back one hour", { pass: hour, move: -hour }, "drifting"],
  ["set back forty years", { pass: hour, move: -40 * year }, "drifting"],
  ["set forward ten years", { pass: hour, move: 10 * year }, "drifting"],
  ["after a reboot", { boot: { id: "boot-2", mono: 2_000_000 } }, "drifting"],
  ["after a reboot with less uptime", { boot: { id: "boot-2", mono: 5 } }, "drifting"],
  ["asleep for three days", { pass: 3 * day }, "drifting"],
])("%s: %o is %s", (_what, change, expected) => expect(stateAfter(change)).toBe(expected));

test("an offset is the same after a restart, and one of an older version is not trusted as fresh", () => {
  const clock = new MovingClock();
  const offset = measuredOffset(-700, clock);
  const read = clockOffset.parse(JSON.parse(JSON.stringify(offset)));
  expect(read).toEqual(offset);
  clock.pass(hour);
  expect(clockStateOf(read, clock)).toBe("synced");
  const { serverMs: _serverMs, ...old } = offset;
  expect(clockStateOf(clockOffset.parse(old), clock)).toBe("drifting");
});

test.each<[string, number, boolean]>([
  ["1970", 0, true],
  ["a year before this program was written", Date.UTC(2025, 10, 1), true],
  ["the server's time", Date.UTC(2026, 11, 5, 8), false],
  ["an hour before the last known time", Date.UTC(2026, 11, 5, 7), true],
  ["a year later", Date.UTC(2027, 11, 5), false],
  ["ten years later", Date.UTC(2036, 11, 5), true],
])("whether a clock at %s is impossible", (_what, wall, expected) => {
  const clock = new MovingClock();
  const offset: ClockOffset = measuredOffset(0, clock);
  clock.wall = wall;
  expect(clockIsImpossible(offset, clock)).toBe(expected);
});

test("without any contact only times before this program are impossible, and those long after it", () => {
  const clock = new MovingClock();
  expect(clockIsImpossible(null, clock)).toBe(false);
  clock.wall = 0;
  expect(clockIsImpossible(null, clock)).toBe(true);
});
