import { CompiledQuery, type Insertable, type Kysely, type Selectable } from "kysely";
import { z } from "zod";
import { clockState, codeKind, direction, type WireEntry } from "../../contract/entries.ts";
import type { Sealer } from "../sealing.ts";
import type { Tables } from "./tables.ts";

/** An entry ready to be stored: the wire's columns and what the service found out about it. */
export interface EntryToStore {
  readonly deviceId: string;
  readonly wire: WireEntry;
  readonly contentTag: string;
  readonly personTag: string;
  readonly uploadedBy: string;
  /** Corrected time of the scan, ms since the epoch. */
  readonly correctedAt: number;
  readonly receivedAt: number;
}

/** What identifies a stored entry when an upload repeats it. */
export interface KnownEntry {
  readonly id: string;
  readonly deviceId: string;
  readonly seq: number;
  readonly contentTag: string;
}

export interface StoredEntry {
  readonly position: number;
  readonly id: string;
  readonly checkpointId: string;
  readonly kind: z.infer<typeof codeKind>;
  readonly direction: z.infer<typeof direction>;
  readonly clockState: z.infer<typeof clockState>;
  readonly readerLabel: string;
  readonly correctedAt: number;
  readonly receivedAt: number;
  /** Null when the sealed part of this row cannot be read: it harms no other row. */
  readonly fields: WireEntry["fields"] | null;
}

/** Which entries of a checkpoint a list shows. */
export interface EntrySelection {
  readonly checkpointId: string;
  readonly limit: number;
  readonly direction?: "in" | "out" | undefined;
  /** Only entries whose corrected time is at or after this. */
  readonly since?: number | undefined;
}

export interface EntryStore {
  /** Stored entries with one of these ids, or with one of these sequence numbers from this device. */
  known(deviceId: string, ids: readonly string[], seqs: readonly number[]): Promise<KnownEntry[]>;
  add(entry: EntryToStore): Promise<void>;
  /** Newest scans first, by corrected time. */
  newest(selection: EntrySelection): Promise<StoredEntry[]>;
  /** In order of arrival, after `position`. */
  after(selection: EntrySelection, position: number): Promise<StoredEntry[]>;
  /** How many entries arrived after `position`, and when the first of them did (null when there is none). */
  behind(checkpointId: string, position: number): Promise<{ count: number; firstReceivedAt: number | null }>;
  /** Position of the last entry that arrived at the checkpoint; 0 when there is none. */
  lastPosition(checkpointId: string): Promise<number>;
  insideNow(checkpointId: string): Promise<number>;
  /** Entries by direction since a corrected time. */
  countSince(checkpointId: string, since: number): Promise<{ in: number; out: number }>;
}

const body = z.object({
  raw_b64: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string()), z.null()])),
});

/**
 * A million rows of a long outage come through these two statements, so that they are not built anew for each row.
 * A presence is moved by a scan that is as late or later only.
 */
const entryColumns = [
  "device_id",
  "id",
  "seq",
  "kind",
  "direction",
  "checkpoint_id",
  "staff_ref",
  "reader_id",
  "reader_label",
  "boot_id",
  "mono_ms",
  "wall_ms",
  "clock_state",
  "marks",
  "body_sealed",
  "content_tag",
  "person_tag",
  "uploaded_by",
  "corrected_at",
  "received_at",
] as const satisfies readonly (keyof Tables["entry"])[];
const insertEntry = `INSERT INTO entry (${entryColumns.join(", ")}) VALUES (${entryColumns.map(() => "?").join(", ")})`;
const upsertPresence = `INSERT INTO presence (checkpoint_id, person_tag, direction, at) VALUES (?, ?, ?, ?)
  ON CONFLICT (checkpoint_id, person_tag) DO UPDATE SET direction = excluded.direction, at = excluded.at
  WHERE presence.at <= excluded.at`;

export function entryStore(db: Kysely<Tables>, sealer: Sealer): EntryStore {
  /** Unchanging clear columns: the seal is also the checksum of the row. */
  const bodyPlace = (row: Omit<Tables["entry"], "position" | "body_sealed">) => [
    "entry.body",
    row.device_id,
    row.id,
    row.seq,
    row.kind,
    row.direction,
    row.checkpoint_id,
    row.staff_ref,
    row.reader_id,
    row.reader_label,
    row.boot_id,
    row.mono_ms,
    row.wall_ms,
    row.clock_state,
    row.marks,
    row.content_tag,
  ];
  const read = (row: Selectable<Tables["entry"]>): StoredEntry => ({
    position: row.position,
    id: row.id,
    checkpointId: row.checkpoint_id,
    kind: codeKind.parse(row.kind),
    direction: direction.parse(row.direction),
    clockState: clockState.parse(row.clock_state),
    readerLabel: row.reader_label,
    correctedAt: row.corrected_at,
    receivedAt: row.received_at,
    fields: fieldsOf(row),
  });
  /** A row that no longer opens is shown without its person; it does not take the list down. */
  const fieldsOf = (row: Selectable<Tables["entry"]>) => {
    try {
      return body.parse(JSON.parse(sealer.open(bodyPlace(row), row.body_sealed))).fields;
    } catch {
      return {};
    }
  };
  const select = ({ checkpointId, limit, direction, since }: EntrySelection) => {
    let query = db.selectFrom("entry").selectAll().where("checkpoint_id", "=", checkpointId).limit(limit);
    if (direction !== undefined) query = query.where("direction", "=", direction);
    if (since !== undefined) query = query.where("corrected_at", ">=", since);
    return query;
  };

  return {
    known(deviceId, ids, seqs) {
      return db
        .selectFrom("entry")
        .select(["id", "device_id as deviceId", "seq", "content_tag as contentTag"])
        .where((is) => is.or([is("id", "in", ids), is.and([is("device_id", "=", deviceId), is("seq", "in", seqs)])]))
        .execute();
    },
    async add({ deviceId, wire, contentTag, personTag, uploadedBy, correctedAt, receivedAt }) {
      const row = {
        device_id: deviceId,
        id: wire.id,
        seq: wire.seq,
        kind: wire.kind,
        direction: wire.direction,
        checkpoint_id: wire.checkpoint_id,
        staff_ref: wire.staff_ref,
        reader_id: wire.reader_id,
        reader_label: wire.reader_label,
        boot_id: wire.boot_id,
        mono_ms: wire.mono_ms,
        wall_ms: wire.wall_ms,
        clock_state: wire.clock_state,
        marks: JSON.stringify(wire.marks),
        content_tag: contentTag,
        person_tag: personTag,
        uploaded_by: uploadedBy,
        corrected_at: correctedAt,
        received_at: receivedAt,
      };
      const text = JSON.stringify({ raw_b64: wire.raw_b64, fields: wire.fields });
      const sealed: Insertable<Tables["entry"]> = { ...row, body_sealed: sealer.seal(bodyPlace(row), text) };
      await db.executeQuery(
        CompiledQuery.raw(
          insertEntry,
          entryColumns.map((column) => sealed[column]),
        ),
      );
      await db.executeQuery(
        CompiledQuery.raw(upsertPresence, [wire.checkpoint_id, personTag, wire.direction, correctedAt]),
      );
    },
    async newest(selection) {
      const rows = await select(selection).orderBy("corrected_at", "desc").orderBy("position", "desc").execute();
      return rows.map(read);
    },
    async after(selection, position) {
      const rows = await select(selection).where("position", ">", position).orderBy("position").execute();
      return rows.map(read);
    },
    async behind(checkpointId, position) {
      const row = await db
        .selectFrom("entry")
        .select((is) => [is.fn.countAll().as("count"), is.fn.min("received_at").as("first")] as const)
        .where("checkpoint_id", "=", checkpointId)
        .where("position", ">", position)
        .executeTakeFirst();
      return { count: Number(row?.count ?? 0), firstReceivedAt: row?.first ?? null };
    },
    async lastPosition(checkpointId) {
      const row = await db
        .selectFrom("entry")
        .select((is) => is.fn.max("position").as("position"))
        .where("checkpoint_id", "=", checkpointId)
        .executeTakeFirst();
      return Number(row?.position ?? 0);
    },
    async insideNow(checkpointId) {
      const row = await db
        .selectFrom("presence")
        .select((is) => is.fn.countAll().as("count"))
        .where("checkpoint_id", "=", checkpointId)
        .where("direction", "=", "in")
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    async countSince(checkpointId, since) {
      const rows = await db
        .selectFrom("entry")
        .select((is) => ["direction", is.fn.countAll().as("count")] as const)
        .where("checkpoint_id", "=", checkpointId)
        .where("corrected_at", ">=", since)
        .groupBy("direction")
        .execute();
      const count = (wanted: string) => Number(rows.find((row) => row.direction === wanted)?.count ?? 0);
      return { in: count("in"), out: count("out") };
    },
  };
}
