import { z } from "zod";
import type { ClockState } from "../../contract/entries.ts";
import type { Clock } from "../clock.ts";

/** A measured clock error, kept with the stamp that says how old it is. */
export const clockOffset = z.object({
  /** Server minus local wall clock, ms. */
  offsetMs: z.number(),
  bootId: z.string(),
  monoMs: z.number(),
});

export type ClockOffset = z.infer<typeof clockOffset>;

const freshMs = 24 * 3_600_000;

/** `synced`: measured within 24 h of the same boot; `drifting`: measured earlier; `unknown`: never. */
export function clockStateOf(offset: ClockOffset | null, clock: Clock): ClockState {
  if (offset === null) return "unknown";
  const fresh = offset.bootId === clock.bootId && clock.monoMs() - offset.monoMs < freshMs;
  return fresh ? "synced" : "drifting";
}
