import assert from "node:assert/strict";
import type { TestContext } from "node:test";

/** What a reader may take from being plugged in again to being read. */
const HEALED_WITHIN_MS = 3000;

/** Prints how long a reader took each time, and holds every one to the promise. */
export function assertHealed(t: TestContext, what: string, healedMs: readonly number[]): void {
  const text = healedMs.map(Math.round).join(", ");
  t.diagnostic(`${what}: read again after ${text} ms`);
  assert.ok(healedMs.length > 0 && Math.max(...healedMs) < HEALED_WITHIN_MS, `${what}: ${text} ms`);
}
