import { createHmac, type KeyObject } from "node:crypto";
import { z } from "zod";
import { clockState, codeKind, direction, entryMark } from "../../contract/entries.ts";
import { type StationKeys, seal, unseal } from "../../provisioning/secrets.ts";
import { type Entry, type EntryBody, entryStates } from "./entry.ts";

/** A row as SQLite gives it back: one of the doors where shapes are checked. */
export const entryRow = z.object({
  seq: z.int(),
  id: z.string(),
  /** Schema version that wrote the row. */
  schema: z.int(),
  boot_id: z.string(),
  mono_ms: z.int(),
  wall_ms: z.int(),
  clock_state: clockState,
  checkpoint_id: z.string(),
  staff_ref: z.string().nullable(),
  reader_id: z.string(),
  reader_name: z.string(),
  kind: codeKind,
  direction,
  marks: z.string(),
  person_tag: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  body: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  state: z.int().min(0).max(3),
  state_at: z.int(),
  attempts: z.int(),
  last_code: z.string().nullable(),
  /** Data key that sealed the row; null in rows of schema 1, whose files have no such column. */
  data_key: z.string().nullable().default(null),
});

export type EntryRow = z.infer<typeof entryRow>;

const entryBody = z.object({
  rawB64: z.string(),
  form: z.string().nullable(),
  fields: z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string()), z.null()])),
  warnings: z.array(z.string()),
  repairs: z.array(z.string()),
  noticeVersion: z.int().positive().nullable().default(null),
}) satisfies z.ZodType<EntryBody>;

/** Where the keys of rows come from. */
export interface RowKeys {
  /** The data key of this id, or what sealed the rows that name none; null when it cannot be had. */
  keyOf(dataKey: string | null): KeyObject | null;
}

const marks = z.array(entryMark);

type ClearColumns = Omit<EntryRow, "body" | "state" | "state_at" | "attempts" | "last_code">;

/**
 * Associated data of a row's seal: id, seq, schema and every other unchanging clear column, unambiguously encoded, so
 * that a sealed body cannot be moved to another row and no clear column can be changed unnoticed.
 */
function associatedData(row: ClearColumns): string {
  return JSON.stringify([
    "tram-qr entry",
    row.schema,
    row.id,
    row.seq,
    row.boot_id,
    row.mono_ms,
    row.wall_ms,
    row.clock_state,
    row.checkpoint_id,
    row.staff_ref,
    row.reader_id,
    row.reader_name,
    row.kind,
    row.direction,
    row.marks,
    Buffer.from(row.person_tag).toString("base64"),
    ...(row.data_key === null ? [] : [row.data_key]),
  ]);
}

/** Seals the personal part for exactly this row, under the data key that the row names. */
export function sealBody(key: KeyObject, row: ClearColumns, body: EntryBody): Uint8Array {
  return seal(key, Buffer.from(JSON.stringify(body), "utf8"), associatedData(row));
}

/**
 * Opens a row; null when its tag does not verify (damaged, moved or changed), or when a newer version wrote into it what
 * this one does not know: it steps aside alone, until a version that knows it opens it.
 */
export function openRow(keys: RowKeys, row: EntryRow): Entry | null {
  const key = keys.keyOf(row.data_key);
  const plain = key === null ? null : unseal(key, row.body, associatedData(row));
  if (plain === null) return null;
  const body = entryBody.safeParse(jsonOf(Buffer.from(plain).toString("utf8")));
  const known = marks.safeParse(jsonOf(row.marks));
  if (!body.success || !known.success) return null;
  return {
    seq: row.seq,
    id: row.id,
    bootId: row.boot_id,
    monoMs: row.mono_ms,
    wallMs: row.wall_ms,
    clockState: row.clock_state,
    checkpointId: row.checkpoint_id,
    staffRef: row.staff_ref,
    readerId: row.reader_id,
    readerName: row.reader_name,
    kind: row.kind,
    direction: row.direction,
    marks: known.data,
    body: body.data,
    state: entryStates[row.state] ?? "unsent",
    stateAtMs: row.state_at,
    attempts: row.attempts,
    lastCode: row.last_code,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Keyed HMAC-SHA-256 of a person's canonical identity: equal for equal people, worthless without the key. */
export function personTag(keys: Pick<StationKeys, "persons">, personKey: string): Uint8Array {
  return createHmac("sha256", keys.persons).update(personKey, "utf8").digest();
}
