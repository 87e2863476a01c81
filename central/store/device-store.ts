import type { Kysely, Selectable } from "kysely";
import { z } from "zod";
import { type DeviceSettings, deviceSettings } from "../../contract/devices.ts";
import type { SequenceRange } from "../../contract/entries.ts";
import { type HeartbeatReader, type HeartbeatRequest, heartbeatReader } from "../../contract/heartbeat.ts";
import type { PublicJwk } from "../../contract/public-key.ts";
import { gapsBetween, runsOf } from "../sequence-runs.ts";
import type { Tables } from "./tables.ts";

/** A machine as its owner made it and as it told last. Times are ms since the epoch. */
export interface EnrolledDevice {
  readonly id: string;
  readonly checkpointId: string;
  readonly jkt: string;
  readonly name: string;
  readonly model: string;
  readonly os: string;
  readonly enrolledAt: number;
  /** Who approved it. */
  readonly enrolledBy: string;
  readonly revokedAt: number | null;
  readonly version: number;
  readonly settings: DeviceSettings;
  readonly lastSeenAt: number;
  readonly heartbeatAt: number | null;
  readonly figures: Pick<
    Selectable<Tables["device"]>,
    | "unsent"
    | "oldest_unsent_s"
    | "quarantined"
    | "id_conflicts"
    | "journal_state"
    | "disk_free_bytes"
    | "app_version"
    | "clock_offset_ms"
    | "clock_state"
    | "key_backend"
    | "owner_key"
  >;
  readonly readers: HeartbeatReader[];
}

export interface DeviceToEnrol {
  readonly id: string;
  readonly checkpointId: string;
  readonly publicKey: PublicJwk;
  readonly jkt: string;
  readonly name: string;
  readonly model: string;
  readonly os: string;
  readonly enrolledBy: string;
}

export interface DeviceChanges {
  readonly name?: string | undefined;
  readonly checkpointId?: string | undefined;
  readonly settings?: DeviceSettings | undefined;
}

export interface DeviceStay {
  readonly checkpointId: string;
  readonly validFrom: number;
  readonly validTo: number | null;
}

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
  /** A machine that was enrolled once; null before. */
  find(deviceId: string): Promise<EnrolledDevice | null>;
  /** The machines of a place, revoked ones too, with the figures of their last heartbeats. */
  atPlace(checkpointId: string): Promise<EnrolledDevice[]>;
  /** Enrols it, or enrols it anew: another key and another place end the ones before. */
  enrol(device: DeviceToEnrol, now: number): Promise<void>;
  /** What its owner changes; false when it was changed meanwhile. Another place begins a new stay. */
  change(device: EnrolledDevice, changes: DeviceChanges, now: number): Promise<boolean>;
  /** Ends its right and the sign-ins under its key. */
  revoke(deviceId: string, now: number): Promise<void>;
  /** When it recorded for which place. */
  stays(deviceId: string): Promise<DeviceStay[]>;
  /** The device called. */
  touch(deviceId: string, now: number): Promise<void>;
  /** `personRef`: who was signed in on it, null for nobody. */
  keepFigures(deviceId: string, personRef: string | null, now: number, figures: HeartbeatRequest): Promise<void>;
  /** These numbers arrived. Their entries are stored in the same transaction. */
  addReceived(deviceId: string, seqs: readonly number[]): Promise<void>;
  /** The highest sequence number that ever arrived from the device; 0 when there is none. */
  highWater(deviceId: string): Promise<number>;
  /** Numbers that never arrived, lowest first. */
  missing(deviceId: string, selection: GapSelection): Promise<SequenceRange[]>;
}

/** Left to the machine unless its owner said otherwise. */
const keptSettings = z.object({ camera: deviceSettings.shape.camera.default(null) });

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

  const enrolled = () => db.selectFrom("device").selectAll().where("jkt", "is not", null);
  const endStay = async (deviceId: string, now: number): Promise<void> => {
    await db
      .updateTable("device_stay")
      .set({ valid_to: now })
      .where("device_id", "=", deviceId)
      .where("valid_to", "is", null)
      .execute();
  };
  /** A stay that goes on at the same place stays one. */
  const stayAt = async (deviceId: string, checkpointId: string, now: number): Promise<void> => {
    const current = await db
      .selectFrom("device_stay")
      .select(["checkpoint_id", "valid_from"])
      .where("device_id", "=", deviceId)
      .where("valid_to", "is", null)
      .executeTakeFirst();
    if (current?.checkpoint_id === checkpointId) return;
    await endStay(deviceId, now);
    const newest = await db
      .selectFrom("device_stay")
      .select((is) => is.fn.max("valid_from").as("newest"))
      .where("device_id", "=", deviceId)
      .executeTakeFirst();
    // Two moves within one ms are two stays.
    const from = Math.max(now, (newest?.newest ?? 0) + 1);
    await db
      .insertInto("device_stay")
      .values({ device_id: deviceId, checkpoint_id: checkpointId, valid_from: from, valid_to: null })
      .execute();
  };
  /** Whoever signed in on that machine did it under its key. */
  const endSignIns = async (jkt: string, now: number): Promise<void> => {
    await db
      .updateTable("token_family")
      .set({ revoked_at: now })
      .where("jkt", "=", jkt)
      .where("revoked_at", "is", null)
      .execute();
  };
  const read = (row: Selectable<Tables["device"]>): EnrolledDevice | null => {
    if (row.checkpoint_id === null || row.jkt === null || row.enrolled_at === null) return null;
    return {
      id: row.id,
      checkpointId: row.checkpoint_id,
      jkt: row.jkt,
      name: row.name,
      model: row.model,
      os: row.os,
      enrolledAt: row.enrolled_at,
      enrolledBy: row.registered_by,
      revokedAt: row.revoked_at,
      version: row.version,
      settings: keptSettings.parse(JSON.parse(row.settings)),
      lastSeenAt: row.last_seen_at,
      heartbeatAt: row.heartbeat_at,
      figures: row,
      readers: z.array(heartbeatReader).parse(JSON.parse(row.readers)),
    };
  };

  return {
    highWater,
    async find(deviceId) {
      const row = await enrolled().where("id", "=", deviceId).executeTakeFirst();
      return row ? read(row) : null;
    },
    async atPlace(checkpointId) {
      const rows = await enrolled()
        .where("checkpoint_id", "=", checkpointId)
        .orderBy("enrolled_at")
        .orderBy("id")
        .execute();
      return rows.flatMap((row) => read(row) ?? []);
    },
    async enrol(device, now) {
      const before = await db.selectFrom("device").select(["jkt"]).where("id", "=", device.id).executeTakeFirst();
      const values = {
        checkpoint_id: device.checkpointId,
        public_key: JSON.stringify(device.publicKey),
        jkt: device.jkt,
        name: device.name,
        model: device.model,
        os: device.os,
        enrolled_at: now,
        registered_by: device.enrolledBy,
        revoked_at: null,
      };
      await db
        .insertInto("device")
        .values({ id: device.id, first_seen_at: now, last_seen_at: now, ...values })
        .onConflict((conflict) =>
          conflict.column("id").doUpdateSet((is) => ({ ...values, version: is("device.version", "+", 1) })),
        )
        .execute();
      const oldKey = before?.jkt ?? null;
      if (oldKey !== null && oldKey !== device.jkt) await endSignIns(oldKey, now);
      await stayAt(device.id, device.checkpointId, now);
    },
    async change(device, { name, checkpointId, settings }, now) {
      const result = await db
        .updateTable("device")
        .set({
          version: device.version + 1,
          ...(name === undefined ? {} : { name }),
          ...(checkpointId === undefined ? {} : { checkpoint_id: checkpointId }),
          ...(settings === undefined ? {} : { settings: JSON.stringify(settings) }),
        })
        .where("id", "=", device.id)
        .where("version", "=", device.version)
        .executeTakeFirst();
      if (result.numUpdatedRows !== 1n) return false;
      if (checkpointId !== undefined && device.revokedAt === null) await stayAt(device.id, checkpointId, now);
      return true;
    },
    async revoke(deviceId, now) {
      const device = await db
        .selectFrom("device")
        .select(["jkt", "revoked_at"])
        .where("id", "=", deviceId)
        .executeTakeFirst();
      if (!device || device.revoked_at !== null) return;
      await db
        .updateTable("device")
        .set((is) => ({ revoked_at: now, version: is("version", "+", 1) }))
        .where("id", "=", deviceId)
        .execute();
      await endStay(deviceId, now);
      // It asks for a new one at its next call, whichever that is, and is told.
      await db.deleteFrom("device_token").where("device_id", "=", deviceId).execute();
      if (device.jkt !== null) await endSignIns(device.jkt, now);
    },
    async stays(deviceId) {
      return db
        .selectFrom("device_stay")
        .select(["checkpoint_id as checkpointId", "valid_from as validFrom", "valid_to as validTo"])
        .where("device_id", "=", deviceId)
        .orderBy("valid_from")
        .execute();
    },
    async touch(deviceId, now) {
      await db.updateTable("device").set({ last_seen_at: now }).where("id", "=", deviceId).execute();
    },
    async keepFigures(deviceId, personRef, now, figures) {
      const { missing_after: _asked, owner_key, readers, ...kept } = figures;
      const ownerKey = owner_key === null ? null : Number(owner_key);
      await db
        .updateTable("device")
        .set({
          ...kept,
          owner_key: ownerKey,
          readers: JSON.stringify(readers),
          heartbeat_at: now,
          heartbeat_by: personRef,
        })
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
