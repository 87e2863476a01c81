import { createHash } from "node:crypto";
import type { Kysely, Selectable } from "kysely";
import { z } from "zod";
import { type AccessAction, accessAction, type ViewPurpose, viewPurpose } from "../../contract/privacy.ts";
import type { Sealer } from "../sealing.ts";
import type { Tables } from "./tables.ts";

/** What the first record of a chain is bound to. */
export const chainStart = "0".repeat(64);

export interface NewAccessRecord {
  readonly action: AccessAction;
  /** `ref` of a person, a device's id, `operator` on the centre's own machine, or `system`. */
  readonly actor: string;
  readonly checkpointId: string | null;
  /** Ids of what was looked at or changed. Never a name, number or phone: nothing of this log is ever erased. */
  readonly objects: readonly string[];
  readonly purpose?: ViewPurpose;
  /** Free text somebody gave; kept sealed. */
  readonly reason?: string;
}

export interface StoredAccessRecord {
  readonly seq: number;
  readonly at: number;
  readonly action: AccessAction;
  readonly actor: string;
  readonly checkpointId: string | null;
  readonly objects: readonly string[];
  readonly purpose: ViewPurpose | null;
  readonly reason: string | null;
  readonly hash: string;
}

export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** The access log: lines are added at its end and never touched again; the database itself refuses it. */
export interface AccessRecordStore {
  add(record: NewAccessRecord, now: number): Promise<void>;
  head(): Promise<ChainHead>;
  /** Records of these places (null: of all, with those of no place), newest first, below `before`. */
  newest(checkpointIds: readonly string[] | null, before: number, limit: number): Promise<StoredAccessRecord[]>;
}

type Row = Selectable<Tables["access_record"]>;

/** Hash of one record: over all its columns as they lie in the database and the hash of the record before it. */
export function recordHash(row: Omit<Row, "hash">, before: string): string {
  const sealed = row.reason_sealed === null ? null : Buffer.from(row.reason_sealed).toString("base64");
  const text = JSON.stringify([
    before,
    row.seq,
    row.at,
    row.action,
    row.actor,
    row.checkpoint_id,
    row.objects,
    row.purpose,
    sealed,
  ]);
  return createHash("sha256").update(text, "utf8").digest("hex");
}

const objects = z.array(z.string());

export function accessRecordStore(db: Kysely<Tables>, sealer: Sealer): AccessRecordStore {
  const place = (seq: number) => ["access_record.reason", seq];
  const read = (row: Row): StoredAccessRecord => ({
    seq: row.seq,
    at: row.at,
    action: accessAction.parse(row.action),
    actor: row.actor,
    checkpointId: row.checkpoint_id,
    objects: objects.parse(JSON.parse(row.objects)),
    purpose: row.purpose === null ? null : viewPurpose.parse(row.purpose),
    reason: row.reason_sealed === null ? null : sealer.open(place(row.seq), row.reason_sealed),
    hash: row.hash,
  });
  const head = async (): Promise<ChainHead> => {
    const last = await db
      .selectFrom("access_record")
      .select(["seq", "hash"])
      .orderBy("seq", "desc")
      .limit(1)
      .executeTakeFirst();
    return last ?? { seq: 0, hash: chainStart };
  };
  return {
    head,
    async add(record, now) {
      const before = await head();
      const seq = before.seq + 1;
      const row = {
        seq,
        at: now,
        action: record.action,
        actor: record.actor,
        checkpoint_id: record.checkpointId,
        objects: JSON.stringify(record.objects),
        purpose: record.purpose ?? null,
        reason_sealed: record.reason === undefined ? null : sealer.seal(place(seq), record.reason),
      };
      await db
        .insertInto("access_record")
        .values({ ...row, hash: recordHash(row, before.hash) })
        .execute();
    },
    async newest(checkpointIds, before, limit) {
      let query = db.selectFrom("access_record").selectAll().where("seq", "<", before);
      if (checkpointIds !== null) query = query.where("checkpoint_id", "in", [...checkpointIds]);
      const rows = await query.orderBy("seq", "desc").limit(limit).execute();
      return rows.map(read);
    },
  };
}
