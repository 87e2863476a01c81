import { expect, test } from "vitest";
import { monotonicThroughSuspend, systemClock } from "./clock.ts";

/** A machine whose two clocks can be moved. */
function machine(uptimeMs: number, awakeMs: number) {
  const at = { uptimeMs, awakeMs };
  return {
    clock: () =>
      monotonicThroughSuspend(
        () => at.awakeMs,
        () => at.uptimeMs,
      ),
    run: (ms: number) => {
      at.awakeMs += ms;
      at.uptimeMs += ms;
    },
    sleep: (ms: number) => {
      at.uptimeMs += ms;
    },
  };
}

const hour = 3_600_000;

test("the time a machine slept counts, also for a program that starts afterwards", () => {
  const laptop = machine(50_000, 50_000);
  const clock = laptop.clock();
  laptop.run(1_000);
  const before = clock();
  laptop.sleep(8 * hour);
  laptop.run(1_000);
  expect(clock() - before).toBe(8 * hour + 1_000);
  expect(laptop.clock()()).toBe(clock());
  laptop.sleep(2 * hour);
  expect(clock() - before).toBe(10 * hour + 1_000);
});

test("a coarse uptime, or one that counts from elsewhere as in a container, changes nothing", () => {
  const container = machine(400, 9_000_000);
  const clock = container.clock();
  expect(clock()).toBe(9_000_000);
  for (let step = 1; step <= 200; step += 1) {
    container.run(7);
    // Steps of 10 ms, now early and now late.
    container.sleep(step % 2 === 0 ? 9 : -9);
    expect(clock()).toBe(9_000_000 + 7 * step);
  }
});

test("this machine's clock goes on and never back", () => {
  const clock = systemClock();
  let last = clock.monoMs();
  for (let round = 0; round < 1_000; round += 1) {
    const now = clock.monoMs();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
  expect(systemClock().monoMs() - last).toBeLessThan(10_000);
});
