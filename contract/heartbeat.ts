import { z } from "zod";
import { clockState, sequenceRange } from "./entries.ts";
import { maxMissingRanges } from "./limits.ts";

/** A short name made of small letters, digits and dashes: no personal value fits in by mistake. */
const slug = z.string().regex(/^[a-z0-9-]{1,40}$/);
const count = z.int().nonnegative();

/**
 * How the device's journal is: `sound`; `reading-only`, it records nobody until somebody helps; `set-aside`, it was
 * damaged, is kept beside and a new one goes on.
 */
export const journalState = z.enum(["sound", "reading-only", "set-aside"]);

/** One reader of the device, as its own screen names it. */
export const heartbeatReader = z
  .object({
    id: z.string().max(200),
    name: z.string().max(120),
    /** How it speaks, for example `serial`. */
    kind: slug,
    state: z.enum(["connecting", "ready", "fault"]),
  })
  .meta({ id: "HeartbeatReader" });
export type HeartbeatReader = z.infer<typeof heartbeatReader>;

/** Figures of one device: no entry, no person, no text anybody typed. Null is what the device cannot measure. */
export const heartbeatRequest = z
  .object({
    unsent: count,
    /** Age of the oldest unsent entry, s; null when nothing waits. */
    oldest_unsent_s: z.number().nonnegative().nullable(),
    quarantined: count,
    /** Of these, entries whose id or number names another one at the centre: two machines under one name, or tampering. */
    id_conflicts: count.default(0),
    /** Highest sequence number the device ever gave; 0 for a new journal. */
    last_seq: count,
    /** Highest sequence number the centre acknowledged to the device, as the device remembers it. */
    last_acknowledged_seq: count,
    journal_state: journalState,
    disk_free_bytes: count.nullable(),
    wal_bytes: count.nullable(),
    fsync_p99_ms: z.number().nonnegative().nullable(),
    app_version: z.string().regex(/^[\w.+-]{1,40}$/),
    schema_version: count,
    /** Server minus device wall clock, ms; null when never measured. */
    clock_offset_ms: z.int().nullable(),
    clock_state: clockState,
    /** What guards the device key: `file`, `systemd-credential`; `none` when it cannot be opened. */
    key_backend: slug,
    /** Whether an owner's key opens every row of the device too; null when the device does not know. */
    owner_key: z.boolean().nullable().default(null),
    boot_id: z.string().regex(/^[\w-]{1,64}$/),
    /** What is plugged in or named; empty for a device that does not say. */
    readers: z.array(heartbeatReader).max(32).default([]),
    /** Ask for the missing ranges above this number: the next part of a list that did not fit one answer. */
    missing_after: count.default(0),
  })
  .meta({ id: "HeartbeatRequest" });

export type HeartbeatRequest = z.infer<typeof heartbeatRequest>;

export const heartbeatResponse = z
  .object({
    server_time: z.iso.datetime(),
    high_water: z.object({ seq: z.int().nonnegative() }),
    /** Lowest first. Whoever gets a full list asks again with `missing_after`. */
    missing: z.array(sequenceRange).max(maxMissingRanges),
    config_etag: z.string().max(100).optional(),
    /** Versions below this are to be updated; uploads of older ones are still taken. */
    min_version: z.string().max(40).optional(),
  })
  .meta({ id: "HeartbeatResponse" });

export type HeartbeatResponse = z.infer<typeof heartbeatResponse>;
