import { z } from "zod";
import type { ClockState } from "../../contract/entries.ts";
import type { Clock } from "../clock.ts";

/** A measured clock error, kept with the stamp that says how old it is. */
export const clockOffset = z.object({
  /** Server minus local wall clock, ms. */
  offsetMs: z.number(),
  bootId: z.string(),
  monoMs: z.number(),
  /** The server's time then, ms since the epoch: the last time this machine knew for sure. */
  serverMs: z.number().default(0),
});

export type ClockOffset = z.infer<typeof clockOffset>;

const freshMs = 24 * 3_600_000;
/** A wall clock that has gone this much further or less than the monotonic one was set by somebody, ms. */
const setByMs = 5_000;
/** No clock of this program can show an earlier time, ms since the epoch. */
const writtenMs = Date.UTC(2026, 10, 1);
/** A certificate of a public authority lives 398 days at most; who has met the centre since then knows a later one. */
const longestCertificateMs = 398 * 24 * 3_600_000;

/** The offset as measured this moment. */
export function measuredOffset(offsetMs: number, clock: Clock): ClockOffset {
  return { offsetMs, bootId: clock.bootId, monoMs: clock.monoMs(), serverMs: clock.wallMs() + offsetMs };
}

/**
 * `synced`: measured within 24 h of the same boot, and nobody has set the clock since; `drifting`: measured earlier;
 * `unknown`: never. The monotonic clock counts the time the machine was suspended.
 */
export function clockStateOf(offset: ClockOffset | null, clock: Clock): ClockState {
  if (offset === null) return "unknown";
  const age = clock.monoMs() - offset.monoMs;
  if (offset.bootId !== clock.bootId || age < 0 || age >= freshMs) return "drifting";
  const wallThen = offset.serverMs - offset.offsetMs;
  return Math.abs(clock.wallMs() - wallThen - age) < setByMs ? "synced" : "drifting";
}

/** Whether the wall clock cannot be right: before a time that has been, or so late that every certificate has ended. */
export function clockIsImpossible(offset: ClockOffset | null, clock: Clock): boolean {
  const known = Math.max(offset?.serverMs ?? 0, writtenMs);
  const wall = clock.wallMs();
  return wall < known - setByMs || wall > known + longestCertificateMs;
}
