import { CompiledQuery, type Insertable, type Kysely, type Selectable, sql } from "kysely";
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
  /** Other keyed hashes its person is found by. */
  readonly otherTags: readonly string[];
  /** Made after a right had ended: which one, and whether it is shown or waits for the owner. */
  readonly late: { readonly because: LateBecause; readonly review: "held" | "accepted" } | null;
}

/** Which right had ended when a scan was made. */
export type LateBecause = "staff" | "device";

/** What identifies a stored entry when an upload repeats it. */
export interface KnownEntry {
  readonly id: string;
  readonly deviceId: string;
  readonly seq: number;
  /** Null when the entry was erased: nothing of its content is left. */
  readonly contentTag: string | null;
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
  readonly deviceId: string;
  readonly staffRef: string | null;
  readonly lateBecause: LateBecause | null;
  readonly review: "held" | "accepted" | "discarded" | null;
}

/** Which entries of a checkpoint a list shows. */
export interface EntrySelection {
  /** The place, or the places whose entries are one list. */
  readonly checkpointIds: readonly string[];
  readonly limit: number;
  readonly direction?: "in" | "out" | undefined;
  /** Only entries whose corrected time is at or after this. */
  readonly since?: number | undefined;
}

/** Entries of a place by the time of their scan. */
export interface EntryPeriod {
  readonly checkpointId: string;
  readonly direction?: "in" | "out" | undefined;
  /** Corrected time, ms: `from` is in, `to` is not. */
  readonly from: number;
  readonly to: number;
}

/** Where a reading by time stands: after this entry. */
export type ReadUpTo = Pick<StoredEntry, "correctedAt" | "position">;

export interface EntryStore {
  /** Stored or erased entries with one of these ids, or with one of these sequence numbers from this device. */
  known(deviceId: string, ids: readonly string[], seqs: readonly number[]): Promise<KnownEntry[]>;
  add(entry: EntryToStore): Promise<void>;
  /** Newest scans first, by corrected time. */
  newest(selection: EntrySelection): Promise<StoredEntry[]>;
  /** In order of arrival, after `position`. */
  after(selection: EntrySelection, position: number): Promise<StoredEntry[]>;
  /** The next entries of a period, oldest scan first. */
  made(period: EntryPeriod, after: ReadUpTo | null, limit: number): Promise<StoredEntry[]>;
  /** How many entries a period has. */
  countMade(period: EntryPeriod): Promise<number>;
  /** How many entries arrived after `position`, and when the first of them did (null when there is none). */
  behind(
    checkpointIds: readonly string[],
    position: number,
  ): Promise<{ count: number; firstReceivedAt: number | null }>;
  /** Position of the last entry that arrived at these places; 0 when there is none. */
  lastPosition(checkpointIds: readonly string[]): Promise<number>;
  insideNow(checkpointIds: readonly string[]): Promise<number>;
  /** Entries by direction since a corrected time. */
  countSince(checkpointIds: readonly string[], since: number): Promise<{ in: number; out: number }>;
  /** Entries that wait for the owner, in order of arrival. */
  held(checkpointId: string, after: number, limit: number): Promise<StoredEntry[]>;
  heldCount(checkpointId: string): Promise<number>;
  /** Decides about entries that are held; the ids of those that were. Accepted ones stand where they would arrive now. */
  decide(checkpointId: string, ids: readonly string[], review: "accepted" | "discarded"): Promise<string[]>;
  /** Entries of whoever has one of these tags, at these places (null: all), oldest first. */
  ofPerson(tags: readonly string[], checkpointIds: readonly string[] | null, limit: number): Promise<StoredEntry[]>;
  countOfPerson(tags: readonly string[], checkpointIds: readonly string[] | null): Promise<number>;
  /** Puts other values beside the code of an entry. */
  correct(id: string, values: Readonly<Record<string, string>>): Promise<void>;
  /** Erases entries with all that is known of their persons' presence there; what is left knows them when they come again. */
  erase(ids: readonly string[]): Promise<void>;
  /** Forgets where whoever has one of these tags is or was, at these places (null: all). */
  forgetPresence(tags: readonly string[], checkpointIds: readonly string[] | null): Promise<void>;
  /** Forgets who was last seen at a place before `time`. */
  forgetPresenceBefore(checkpointId: string, time: number): Promise<void>;
  /** An entry that is erased before it was ever stored. */
  addGone(deviceId: string, wire: Pick<WireEntry, "id" | "seq">): Promise<void>;
  /** Ids of the first entries of a place, in order of arrival, that arrived before `time`. */
  arrivedBefore(checkpointId: string, time: number, limit: number): Promise<string[]>;
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
  "notice_version",
  "body_sealed",
  "content_tag",
  "person_tag",
  "uploaded_by",
  "corrected_at",
  "received_at",
  "review",
  "late_because",
] as const satisfies readonly (keyof Tables["entry"])[];
const reviewOf = z.enum(["held", "accepted", "discarded"]).nullable();
const becauseOf = z.enum(["staff", "device"]).nullable();
const insertEntry = `INSERT INTO entry (${entryColumns.join(", ")}) VALUES (${entryColumns.map(() => "?").join(", ")})`;
const upsertPresence = `INSERT INTO presence (checkpoint_id, person_tag, direction, at) VALUES (?, ?, ?, ?)
  ON CONFLICT (checkpoint_id, person_tag) DO UPDATE SET direction = excluded.direction, at = excluded.at
  WHERE presence.at <= excluded.at`;

export function entryStore(db: Kysely<Tables>, sealer: Sealer): EntryStore {
  /** Unchanging clear columns: the seal is also the checksum of the row. */
  const bodyPlace = (
    row: Omit<Tables["entry"], "position" | "body_sealed" | "notice_version" | "review" | "late_because">,
  ) => [
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
    deviceId: row.device_id,
    staffRef: row.staff_ref,
    lateBecause: becauseOf.parse(row.late_because),
    review: reviewOf.parse(row.review),
  });
  /** A row that no longer opens is shown without its person; it does not take the list down. */
  const fieldsOf = (row: Selectable<Tables["entry"]>) => {
    try {
      return body.parse(JSON.parse(sealer.open(bodyPlace(row), row.body_sealed))).fields;
    } catch {
      return {};
    }
  };
  /** What every list and count is made of: without what is held or was discarded. */
  const shown = (checkpointIds: readonly string[]) =>
    db
      .selectFrom("entry")
      .where("checkpoint_id", "in", checkpointIds)
      .where((is) => is.or([is("review", "is", null), is("review", "=", "accepted")]));
  const select = ({ checkpointIds, limit, direction, since }: EntrySelection) => {
    let query = shown(checkpointIds).selectAll().limit(limit);
    if (direction !== undefined) query = query.where("direction", "=", direction);
    if (since !== undefined) query = query.where("corrected_at", ">=", since);
    return query;
  };
  const madeIn = ({ checkpointId, direction, from, to }: EntryPeriod) => {
    const query = shown([checkpointId]).where("corrected_at", ">=", from).where("corrected_at", "<", to);
    return direction === undefined ? query : query.where("direction", "=", direction);
  };
  const heldAt = (checkpointId: string) =>
    db.selectFrom("entry").where("checkpoint_id", "=", checkpointId).where("review", "=", "held");
  const ofPerson = (tags: readonly string[], checkpointIds: readonly string[] | null) => {
    const query = db
      .selectFrom("entry")
      .where((is) =>
        is.or([
          is("person_tag", "in", tags),
          is("id", "in", is.selectFrom("entry_identity").select("entry_id").where("tag", "in", tags)),
        ]),
      );
    return checkpointIds === null ? query : query.where("checkpoint_id", "in", checkpointIds);
  };

  return {
    async known(deviceId, ids, seqs) {
      const stored = await db
        .selectFrom("entry")
        .select(["id", "device_id as deviceId", "seq", "content_tag as contentTag"])
        .where((is) => is.or([is("id", "in", ids), is.and([is("device_id", "=", deviceId), is("seq", "in", seqs)])]))
        .execute();
      const gone = await db
        .selectFrom("gone_entry")
        .select(["id", "device_id as deviceId", "seq"])
        .where((is) => is.or([is("id", "in", ids), is.and([is("device_id", "=", deviceId), is("seq", "in", seqs)])]))
        .execute();
      return [...stored, ...gone.map((row) => ({ ...row, contentTag: null }))];
    },
    async add({ deviceId, wire, contentTag, personTag, otherTags, late, uploadedBy, correctedAt, receivedAt }) {
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
        notice_version: wire.notice_version ?? null,
        content_tag: contentTag,
        person_tag: personTag,
        uploaded_by: uploadedBy,
        corrected_at: correctedAt,
        received_at: receivedAt,
        review: late?.review ?? null,
        late_because: late?.because ?? null,
      };
      const text = JSON.stringify({ raw_b64: wire.raw_b64, fields: wire.fields });
      const sealed: Insertable<Tables["entry"]> = { ...row, body_sealed: sealer.seal(bodyPlace(row), text) };
      await db.executeQuery(
        CompiledQuery.raw(
          insertEntry,
          entryColumns.map((column) => sealed[column]),
        ),
      );
      for (const tag of otherTags) await db.insertInto("entry_identity").values({ tag, entry_id: wire.id }).execute();
      if (late?.review === "held") return;
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
    async made(period, after, limit) {
      const rest = after === null ? period : { ...period, from: after.correctedAt };
      let query = madeIn(rest).selectAll().orderBy("corrected_at").orderBy("position").limit(limit);
      if (after !== null) {
        query = query.where((is) =>
          is.or([is("corrected_at", ">", after.correctedAt), is("position", ">", after.position)]),
        );
      }
      return (await query.execute()).map(read);
    },
    async countMade(period) {
      const row = await madeIn(period)
        .select((is) => is.fn.countAll().as("count"))
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    async behind(checkpointIds, position) {
      const row = await shown(checkpointIds)
        .select((is) => [is.fn.countAll().as("count"), is.fn.min("received_at").as("first")] as const)
        .where("position", ">", position)
        .executeTakeFirst();
      return { count: Number(row?.count ?? 0), firstReceivedAt: row?.first ?? null };
    },
    async lastPosition(checkpointIds) {
      const row = await db
        .selectFrom("entry")
        .where("checkpoint_id", "in", checkpointIds)
        .select((is) => is.fn.max("position").as("position"))
        .executeTakeFirst();
      return Number(row?.position ?? 0);
    },
    async insideNow(checkpointIds) {
      const row = await db
        .selectFrom("presence")
        .select((is) => is.fn.countAll().as("count"))
        .where("checkpoint_id", "in", checkpointIds)
        .where("direction", "=", "in")
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    async countSince(checkpointIds, since) {
      const rows = await shown(checkpointIds)
        .select((is) => ["direction", is.fn.countAll().as("count")] as const)
        .where("corrected_at", ">=", since)
        .groupBy("direction")
        .execute();
      const count = (wanted: string) => Number(rows.find((row) => row.direction === wanted)?.count ?? 0);
      return { in: count("in"), out: count("out") };
    },
    async held(checkpointId, after, limit) {
      const rows = await heldAt(checkpointId)
        .selectAll()
        .where("position", ">", after)
        .orderBy("position")
        .limit(limit)
        .execute();
      return rows.map(read);
    },
    async heldCount(checkpointId) {
      const row = await heldAt(checkpointId)
        .select((is) => is.fn.countAll().as("count"))
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    async decide(checkpointId, ids, review) {
      const rows = await heldAt(checkpointId).selectAll().where("id", "in", ids).orderBy("position").execute();
      for (const row of rows) {
        // Lists go on by position: an accepted entry must come after what they have shown.
        const position = sql<number>`(SELECT max(position) + 1 FROM entry)`;
        await db
          .updateTable("entry")
          .set({ review, ...(review === "accepted" ? { position } : {}) })
          .where("id", "=", row.id)
          .execute();
        if (review === "accepted") {
          await db.executeQuery(
            CompiledQuery.raw(upsertPresence, [row.checkpoint_id, row.person_tag, row.direction, row.corrected_at]),
          );
        }
      }
      return rows.map((row) => row.id);
    },
    async ofPerson(tags, checkpointIds, limit) {
      const rows = await ofPerson(tags, checkpointIds)
        .selectAll()
        .orderBy("corrected_at")
        .orderBy("position")
        .limit(limit)
        .execute();
      return rows.map(read);
    },
    async countOfPerson(tags, checkpointIds) {
      const row = await ofPerson(tags, checkpointIds)
        .select((is) => is.fn.countAll().as("count"))
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    async correct(id, values) {
      const row = await db.selectFrom("entry").selectAll().where("id", "=", id).executeTakeFirst();
      if (!row) return;
      const known = body.parse(JSON.parse(sealer.open(bodyPlace(row), row.body_sealed)));
      const text = JSON.stringify({ ...known, fields: { ...known.fields, ...values } });
      await db
        .updateTable("entry")
        .set({ body_sealed: sealer.seal(bodyPlace(row), text) })
        .where("id", "=", id)
        .execute();
    },
    async erase(ids) {
      for (const id of ids) {
        const row = await db.selectFrom("entry").selectAll().where("id", "=", id).executeTakeFirst();
        if (!row) continue;
        await db.insertInto("gone_entry").values({ id, device_id: row.device_id, seq: row.seq }).execute();
        await db.deleteFrom("entry").where("id", "=", id).execute();
        const left = await db
          .selectFrom("entry")
          .select("position")
          .where("person_tag", "=", row.person_tag)
          .where("checkpoint_id", "=", row.checkpoint_id)
          .limit(1)
          .executeTakeFirst();
        if (left) continue;
        await db
          .deleteFrom("presence")
          .where("checkpoint_id", "=", row.checkpoint_id)
          .where("person_tag", "=", row.person_tag)
          .execute();
      }
    },
    async forgetPresence(tags, checkpointIds) {
      let query = db.deleteFrom("presence").where("person_tag", "in", tags);
      if (checkpointIds !== null) query = query.where("checkpoint_id", "in", checkpointIds);
      await query.execute();
    },
    async forgetPresenceBefore(checkpointId, time) {
      await db.deleteFrom("presence").where("checkpoint_id", "=", checkpointId).where("at", "<", time).execute();
    },
    async addGone(deviceId, { id, seq }) {
      await db.insertInto("gone_entry").values({ id, device_id: deviceId, seq }).execute();
    },
    async arrivedBefore(checkpointId, time, limit) {
      const rows = await db
        .selectFrom("entry")
        .select(["id", "received_at"])
        .where("checkpoint_id", "=", checkpointId)
        .orderBy("position")
        .limit(limit)
        .execute();
      return rows.filter((row) => row.received_at < time).map((row) => row.id);
    },
  };
}
