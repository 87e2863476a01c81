import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { uptime } from "node:os";

/** Where the agent takes time from; tests give another one. */
export interface Clock {
  /** Wall clock, ms since the epoch. May be wrong; it only labels. */
  wallMs(): number;
  /** Monotonic clock of this boot, whole ms; goes on while the machine is suspended. */
  monoMs(): number;
  /** Changes with every boot: monotonic times of two boots cannot be compared. */
  readonly bootId: string;
}

/** The machine's own clocks. Without a kernel boot id (Windows) every agent run counts as a boot of its own. */
export function systemClock(): Clock {
  return {
    wallMs: () => Date.now(),
    monoMs: monotonicThroughSuspend(
      () => Number(process.hrtime.bigint()) / 1e6,
      () => uptime() * 1000,
    ),
    bootId: readBootId() ?? `run-${randomUUID()}`,
  };
}

/** Both clocks are read a moment apart, and the uptime comes in steps of 10 ms. */
const suspendedAtLeastMs = 1_000;

/**
 * A clock that never goes back and counts the time the machine slept. `awakeMs` stands still then on Linux
 * (CLOCK_MONOTONIC), `uptimeMs` goes on (CLOCK_BOOTTIME), but coarsely, and begins anywhere in a container: only that it
 * gains on the other is believed.
 */
export function monotonicThroughSuspend(awakeMs: () => number, uptimeMs: () => number): () => number {
  let lead = uptimeMs() - awakeMs();
  // Slept before this program began: who starts anew must not be behind what was stamped before.
  let slept = lead >= suspendedAtLeastMs ? lead : 0;
  return () => {
    const awake = awakeMs();
    const gained = uptimeMs() - awake - lead;
    if (gained >= suspendedAtLeastMs) {
      lead += gained;
      slept += gained;
    }
    return Math.floor(awake + slept);
  };
}

function readBootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}
