import type { Central } from "./context.ts";

const dayMs = 24 * 3_600_000;
/** The longest retention a place may have (`contract/places.ts`): what is older is erased anywhere. */
export const longestRetentionMs = 365 * dayMs;
/** Entries of one transaction: uploads wait no longer than for one of these. */
const atOnce = 500;

/**
 * Erases what its place has kept for its time: entries in whatever state, and who was last seen so long ago. What is left
 * of an entry is its id and number. Counted from the arrival here: a station's clock that is years behind, or weeks without
 * a network, must not let an entry vanish before anybody could see it. Resolves to how many were erased.
 */
export async function eraseExpired(
  { store, clock, accessLog, live }: Pick<Central, "store" | "clock" | "accessLog" | "live">,
  stopped: AbortSignal,
): Promise<number> {
  let all = 0;
  for (const { id, retentionDays } of await store.checkpoints.retentions()) {
    const before = clock.now() - retentionDays * dayMs;
    let here = 0;
    for (let more = true; more && !stopped.aborted; ) {
      const erased = await store.transaction(async (within) => {
        const ids = await within.entries.arrivedBefore(id, before, atOnce);
        await within.entries.erase(ids);
        const last = ids.length < atOnce;
        if (last) await within.entries.forgetPresenceBefore(id, before);
        if (last && here + ids.length > 0) {
          await accessLog.write(within, {
            action: "retention_erased",
            actor: "system",
            checkpointId: id,
            objects: [],
            reason: `${here + ids.length} entries older than ${retentionDays} days`,
          });
        }
        return ids.length;
      });
      here += erased;
      more = erased === atOnce;
    }
    all += here;
    if (here > 0) live.changed(id);
  }
  if (all > 0 && !stopped.aborted) await store.scrub();
  return all;
}
