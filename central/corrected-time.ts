import type { BatchRequest, WireEntry } from "../contract/entries.ts";

/**
 * When a scan really was, ms since the epoch, never after it was received. In the boot that sends it the monotonic
 * clock counts back from now; otherwise the wall clock is corrected by how wrong it is while sending; a clock that
 * was unknown is taken as it is.
 */
export function correctedTime(
  entry: Pick<WireEntry, "boot_id" | "mono_ms" | "wall_ms" | "clock_state">,
  sent: BatchRequest["sent"],
  receivedAt: number,
): number {
  const at =
    entry.boot_id === sent.boot_id
      ? receivedAt - (sent.mono_ms - entry.mono_ms)
      : entry.clock_state === "unknown"
        ? entry.wall_ms
        : entry.wall_ms + (receivedAt - sent.wall_ms);
  return Math.min(Math.max(0, at), receivedAt);
}
