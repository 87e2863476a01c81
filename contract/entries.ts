import { z } from "zod";
import { maxBatchEntries, maxMissingRanges, maxRawBytes } from "./limits.ts";

export const direction = z.enum(["in", "out"]);
export const clockState = z.enum(["synced", "drifting", "unknown"]);
export const codeKind = z.enum(["cccd", "bhyt", "personal", "certificate", "number", "tram-personal"]);

/** Why an entry deserves a second look; set at the gate, never changed afterwards. */
export const entryMark = z.enum([
  /** Nobody was signed in when the scan was made. */
  "no-duty",
  /** The staff credential had ended when the scan was made. */
  "duty-expired",
  /** Staff confirmed a doubtful code by hand. */
  "confirmed-by-staff",
  /** The card contradicts itself and nobody was there to look at it. */
  "inconsistent-card",
  /** The station's screen showed the person in full to the member on duty: its line of the access log. */
  "shown-in-full",
]);

const base64OfAtMost = (bytes: number) => z.base64().max(Math.ceil(bytes / 3) * 4);

/** One in or out, made once at the source and repeated unchanged on every retry. */
export const wireEntry = z
  .object({
    id: z.uuid(),
    /** Gapless per device, from 1. */
    seq: z.int().positive(),
    /** What kind of code was shown. */
    kind: codeKind,
    direction,
    checkpoint_id: z.uuid(),
    /** Staff member on duty at the moment of the scan; null when nobody was signed in. */
    staff_ref: z.string().max(64).nullable(),
    reader_id: z.string().max(200),
    /** What people call the reader, for lists; not part of the hashed content. */
    reader_label: z.string().max(120),
    boot_id: z.string().max(64),
    /** Monotonic clock of that boot, ms. */
    mono_ms: z.int().nonnegative(),
    /** Wall clock of the station, ms since the epoch; may be wrong, see `clock_state`. */
    wall_ms: z.int(),
    clock_state: clockState,
    marks: z.array(entryMark).max(8),
    /** Version of the place's notice that the screen showed, null when it showed none; not part of the hashed content. */
    notice_version: z.int().positive().nullable().optional(),
    /** The scanned bytes, base64: the truth. `fields` is a view of them. */
    raw_b64: base64OfAtMost(maxRawBytes),
    fields: z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string()), z.null()])),
    /** Lower-case hex SHA-256 of {@link contentOf}. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .meta({ id: "Entry" });

export type WireEntry = z.infer<typeof wireEntry>;
export type EntryMark = z.infer<typeof entryMark>;
export type ClockState = z.infer<typeof clockState>;

/**
 * The text both ends hash to compare contents: the unchanging columns in fixed order as a JSON array.
 * `fields` is left out because it can be recomputed from the raw bytes by a newer recogniser.
 */
export function contentOf(entry: Omit<WireEntry, "sha256" | "fields" | "reader_label" | "notice_version">): string {
  return JSON.stringify([
    entry.id,
    entry.seq,
    entry.kind,
    entry.direction,
    entry.checkpoint_id,
    entry.staff_ref,
    entry.reader_id,
    entry.boot_id,
    entry.mono_ms,
    entry.wall_ms,
    entry.clock_state,
    entry.marks,
    entry.raw_b64,
  ]);
}

export const batchRequest = z
  .object({
    batch_id: z.uuid(),
    device_id: z.uuid(),
    /** The device's clocks when the batch was sent: the centre corrects entry times with them. */
    sent: z.object({ boot_id: z.string().max(64), mono_ms: z.int().nonnegative(), wall_ms: z.int() }),
    /** Items are checked one by one, so that a bad one is rejected alone. */
    entries: z.array(z.unknown()).min(1).max(maxBatchEntries),
  })
  .meta({ id: "BatchRequest" });

/** Sequence numbers of one device, both ends included. */
export const sequenceRange = z
  .object({ from: z.int().positive(), to: z.int().positive() })
  .meta({ id: "SequenceRange" });
export type SequenceRange = z.infer<typeof sequenceRange>;

export const batchResponse = z
  .object({
    batch_id: z.uuid(),
    results: z.array(
      z.object({
        id: z.string(),
        /** `stored`, `duplicate`, `rejected` or `retry`; an unknown status means `retry`. */
        status: z.string(),
        /** Problem name for `rejected`. */
        type: z.string().optional(),
        detail: z.string().optional(),
        /** A number that makes no sense is the client's to bound: it must not make the other answers unreadable. */
        retry_after_s: z.number().optional(),
      }),
    ),
    /** The highest sequence number the centre ever got from this device. */
    high_water: z.object({ seq: z.int().nonnegative() }),
    /** The lowest ranges it never got below that, the whole list is in the answer to a heartbeat. */
    missing: z.array(sequenceRange).max(maxMissingRanges).optional(),
  })
  .meta({ id: "BatchResponse" });

export type BatchRequest = z.infer<typeof batchRequest>;
export type BatchResponse = z.infer<typeof batchResponse>;

/** One line of the live list. Masked replies hold nothing from which the full value can be computed. */
export const listedEntry = z
  .object({
    entry_id: z.string(),
    /** Corrected time, RFC 3339 UTC. */
    at: z.iso.datetime(),
    received_at: z.iso.datetime(),
    clock_state: clockState,
    direction,
    source: z.enum(["scan", "self"]),
    reader_label: z.string(),
    subject: z.object({
      name_masked: z.string().nullable(),
      number_masked: z.string().nullable(),
      code_kind: codeKind,
    }),
    estimated: z.boolean(),
    /** Made after a right had ended, and accepted by the place's rule or its owner. */
    after_revocation: z.boolean().optional(),
    /** The place it was made at, where the list holds more than one. */
    checkpoint_id: z.uuid().optional(),
  })
  .meta({ id: "ListedEntry" });

export type ListedEntry = z.infer<typeof listedEntry>;

export const entriesPage = z
  .object({
    as_of: z.iso.datetime(),
    masked: z.literal(true),
    /** Newest first when no cursor was given, else what came after it, oldest first; an empty cursor is the start. */
    items: z.array(listedEntry),
    cursor: z.string(),
    inside_now: z.int().nonnegative(),
  })
  .meta({ id: "EntriesPage" });

export type EntriesPage = z.infer<typeof entriesPage>;

/** Data of the stream event `count`. */
export const countEvent = z
  .object({ inside_now: z.int().nonnegative(), in: z.int().nonnegative(), out: z.int().nonnegative() })
  .meta({ id: "CountEvent" });

export type CountEvent = z.infer<typeof countEvent>;
