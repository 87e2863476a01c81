import { expect, test } from "vitest";
import { decideRestart } from "./restart-delay.ts";

test("an agent that keeps ending at once is waited for longer and longer, up to half a minute, and never given up", () => {
  let failures = 0;
  const delays = Array.from({ length: 9 }, () => {
    const restart = decideRestart(failures, 100);
    failures = restart.failures;
    return restart.delayMs;
  });
  expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(decideRestart(10_000, 0).delayMs).toBe(30_000);
});

test("an agent that lived for a minute is started again soon", () => {
  expect(decideRestart(8, 60_000)).toEqual({ delayMs: 500, failures: 1 });
});
