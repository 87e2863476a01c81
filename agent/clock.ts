import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

/** Where the agent takes time from; tests give another one. */
export interface Clock {
  /** Wall clock, ms since the epoch. May be wrong; it only labels. */
  wallMs(): number;
  /** Monotonic clock of this boot, whole ms. */
  monoMs(): number;
  /** Changes with every boot: monotonic times of two boots cannot be compared. */
  readonly bootId: string;
}

/** The machine's own clocks. Without a kernel boot id (Windows) every agent run counts as a boot of its own. */
export function systemClock(): Clock {
  return {
    wallMs: () => Date.now(),
    monoMs: () => Math.floor(Number(process.hrtime.bigint() / 1_000_000n)),
    bootId: readBootId() ?? `run-${randomUUID()}`,
  };
}

function readBootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}
