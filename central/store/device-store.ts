import type { Kysely } from "kysely";
import type { SequenceRange } from "../../contract/entries.ts";
import type { HeartbeatRequest } from "../../contract/heartbeat.ts";
import { gapsBetween, runsOf } from "../sequence-runs.ts";
import type { Tables } from "./tables.ts";

/** Which gaps are wanted. */
export interface GapSelection {
  /** Only numbers above this. */
  readonly after: number;
  /** Highest number the device says it was acknowledged; the list goes up to it when it is above what is here. */
  readonly acknowledged: number;
  readonly limit: number;
}

/**
 * Devices and which of their sequence numbers ever arrived. The numbers are kept as runs, so that a gap is found in
 * the same time whatever the number of entries, and erasing entries after their retention makes no gap.
 */
export interface DeviceStore {
  /** The device called; it is made when it is new. */
  touch(deviceId: string, personRef: string, now: number): Promise<void>;
  /** When it was revoked; null while it is valid, or unknown. */
  revokedAt(deviceId: string): Promise<number | null>;
  keepFigures(deviceId: string, personRef: string, now: number, figures: HeartbeatRequest): Promise<void>;
  /** These numbers arrived. Their entries are stored in the same transaction. */
  addReceived(deviceId: string, seqs: readonly number[]): Promise<void>;
  /** The highest sequence number that ever arrived from the device; 0 when there is none. */
  highWater(deviceId: string): Promise<number>;
  /** Numbers that never arrived, lowest first. */
  missing(deviceId: string, selection: GapSelection): Promise<SequenceRange[]>;
}

export function deviceStore(db: Kysely<Tables>): DeviceStore {
  const runs = (deviceId: string) =>
    db.selectFrom("seq_run").select(["from_seq as from", "to_seq as to"]).where("device_id", "=", deviceId);
  /** The run that begins at or before `seq`. */
  const runBefore = (deviceId: string, seq: number) =>
    runs(deviceId).where("from_seq", "<=", seq).orderBy("from_seq", "desc").limit(1).executeTakeFirst();
  const highWater = async (deviceId: string): Promise<number> =>
    (await runBefore(deviceId, Number.MAX_SAFE_INTEGER))?.to ?? 0;
  const addRun = async (deviceId: string, run: SequenceRange): Promise<void> => {
    const before = await runBefore(deviceId, run.from);
    const after = await runs(deviceId)
      .where("from_seq", ">", run.from)
      .where("from_seq", "<=", run.to + 1)
      .execute();
    const touching = before !== undefined && before.to >= run.from - 1 ? [before, ...after] : after;
    const from = Math.min(run.from, ...touching.map((other) => other.from));
    const to = Math.max(run.to, ...touching.map((other) => other.to));
    if (after.length > 0) {
      await db
        .deleteFrom("seq_run")
        .where("device_id", "=", deviceId)
        .where("from_seq", ">", run.from)
        .where("from_seq", "<=", run.to + 1)
        .execute();
    }
    await db
      .insertInto("seq_run")
      .values({ device_id: deviceId, from_seq: from, to_seq: to })
      .onConflict((conflict) => conflict.columns(["device_id", "from_seq"]).doUpdateSet({ to_seq: to }))
      .execute();
  };

  return {
    highWater,
    async touch(deviceId, personRef, now) {
      await db
        .insertInto("device")
        .values({ id: deviceId, first_seen_at: now, last_seen_at: now, registered_by: personRef })
        .onConflict((conflict) => conflict.column("id").doUpdateSet({ last_seen_at: now }))
        .execute();
    },
    async revokedAt(deviceId) {
      const row = await db.selectFrom("device").select("revoked_at").where("id", "=", deviceId).executeTakeFirst();
      return row?.revoked_at ?? null;
    },
    async keepFigures(deviceId, personRef, now, figures) {
      const { missing_after: _asked, owner_key, readers: _readers, ...kept } = figures;
      const ownerKey = owner_key === null ? null : Number(owner_key);
      await db
        .updateTable("device")
        .set({ ...kept, owner_key: ownerKey, heartbeat_at: now, heartbeat_by: personRef })
        .where("id", "=", deviceId)
        .execute();
    },
    async addReceived(deviceId, seqs) {
      for (const run of runsOf(seqs)) await addRun(deviceId, run);
    },
    async missing(deviceId, { after, acknowledged, limit }) {
      const first = await runBefore(deviceId, after + 1);
      // Each run but the first has a gap before it: one more than gaps are wanted are enough.
      const found = await runs(deviceId)
        .where("from_seq", ">=", first?.from ?? 0)
        .orderBy("from_seq")
        .limit(limit + 1)
        .execute();
      const whole = found.length <= limit;
      const upTo = whole ? Math.max(acknowledged, found.at(-1)?.to ?? 0) : (found.at(-1)?.to ?? 0);
      return gapsBetween(found, after, upTo).slice(0, limit);
    },
  };
}
