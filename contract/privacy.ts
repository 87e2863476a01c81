import { z } from "zod";
import { clockState, codeKind, direction, entriesPage, listedEntry } from "./entries.ts";
import { maxMarkedEntries } from "./limits.ts";
import { phone } from "./people.ts";

/** Masked is what everybody may have; full needs a right, a fresh sign-in and a purpose. */
export const entriesView = z.enum(["masked", "full"]);
export type EntriesView = z.infer<typeof entriesView>;

/** Why somebody looks at people in full. A code, because it stands in the address of a call. */
export const viewPurpose = z.enum(["care", "contact_tracing", "incident", "identity_check", "legal_order"]);
export type ViewPurpose = z.infer<typeof viewPurpose>;

/** Why the full view is refused: `reason` of the problem `masked_only`. Told in this order, the first that is so. */
export const maskedOnlyReason = z.enum(["kind", "not_approved", "no_flag", "stale_sign_in", "no_purpose"]);
export type MaskedOnlyReason = z.infer<typeof maskedOnlyReason>;

/** A person as the code told it. Null is what the code does not hold. Raw bytes are in no answer. */
export const fullSubject = listedEntry.shape.subject.extend({
  name: z.string().nullable(),
  number: z.string().nullable(),
  /** `YYYY-MM-DD`, or `YYYY` where only the year is printed. */
  date_of_birth: z.string().nullable(),
  sex: z.string().nullable(),
  address: z.string().nullable(),
  phone: z.string().nullable(),
});

/** A line of the list, and the event `entry` of the stream, under `view=full`. */
export const fullEntry = listedEntry.extend({ subject: fullSubject }).meta({ id: "FullEntry" });
export type FullEntry = z.infer<typeof fullEntry>;

export const fullEntriesPage = entriesPage
  .extend({ masked: z.literal(false), items: z.array(fullEntry) })
  .meta({ id: "FullEntriesPage" });
export type FullEntriesPage = z.infer<typeof fullEntriesPage>;

/** What `GET …/entries` answers: `masked` tells which. */
export const anyEntriesPage = z.discriminatedUnion("masked", [entriesPage, fullEntriesPage]);

export const accessAction = z.enum([
  "full_view",
  "full_stream",
  /** People shown in full on a station's own screen, as the station told it. */
  "kiosk_full_view",
  "export",
  "staff_added",
  "staff_changed",
  "staff_removed",
  "place_registered",
  "place_changed",
  "place_closed",
  "place_merged",
  "kind_changed",
  "kind_decided",
  "place_code_reissued",
  "device_invited",
  "device_approved",
  "device_denied",
  "device_changed",
  "device_revoked",
  "held_accepted",
  "held_discarded",
  "subject_request",
  "subject_acknowledged",
  "subject_refused",
  "subject_exported",
  "subject_corrected",
  "subject_erased",
  "retention_erased",
  "official_added",
  "official_removed",
]);
export type AccessAction = z.infer<typeof accessAction>;

/** One line of the append-only access log. It names by ids: no person, number or phone stands in it. */
export const accessRecord = z
  .object({
    /** From 1, without a hole. */
    seq: z.int().positive(),
    at: z.iso.datetime(),
    action: accessAction,
    /** Who did it: `ref` of a person, `operator` on the centre's own machine, `system`, or a device's id. */
    actor: z.string(),
    /** The name of the actor at this place, where it has one. */
    actor_name: z.string().nullable(),
    checkpoint_id: z.uuid().nullable(),
    /** Ids of what was looked at or changed. */
    objects: z.array(z.string()),
    purpose: viewPurpose.nullable(),
    reason: z.string().nullable(),
    /** Hex SHA-256 over the record and the hash of the one before it. */
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .meta({ id: "AccessRecord" });
export type AccessRecord = z.infer<typeof accessRecord>;

export const accessRecordsPage = z
  .object({
    /** Newest first. */
    items: z.array(accessRecord),
    /** Give it as `after` for older ones; null at the end. */
    cursor: z.string().nullable(),
    /** The end of the whole chain: written down elsewhere, it shows later whether something was cut off. */
    head: z.object({ seq: z.int().nonnegative(), hash: z.string() }),
  })
  .meta({ id: "AccessRecordsPage" });
export type AccessRecordsPage = z.infer<typeof accessRecordsPage>;

/** A scan made after a right had ended: stored, in no list and no count until the owner decides. */
export const heldScan = z
  .object({
    entry_id: z.string(),
    at: z.iso.datetime(),
    received_at: z.iso.datetime(),
    clock_state: clockState,
    direction,
    reader_label: z.string(),
    device_id: z.string(),
    /** Which right had ended when it was made. */
    because: z.enum(["staff", "device"]),
    staff_name: z.string().nullable(),
    subject: z.object({
      name_masked: z.string().nullable(),
      number_masked: z.string().nullable(),
      code_kind: codeKind,
    }),
  })
  .meta({ id: "HeldScan" });
export type HeldScan = z.infer<typeof heldScan>;

export const heldScansPage = z
  .object({
    /** In order of arrival. */
    items: z.array(heldScan),
    /** Give it as `after` for the next ones; null at the end. */
    cursor: z.string().nullable(),
    total: z.int().nonnegative(),
  })
  .meta({ id: "HeldScansPage" });

export const heldDecision = z
  .object({
    entry_ids: z.array(z.uuid()).min(1).max(maxMarkedEntries),
    reason: z.string().trim().min(1).max(500),
  })
  .meta({ id: "HeldDecision" });
/** `changed`: how many were held until now; the others had been decided before or are not of this place. */
export const heldDecided = z.object({ changed: z.int().nonnegative() }).meta({ id: "HeldDecided" });

/** By what a person is found. One is enough; several find the codes of each. */
export const subjectIdentity = z
  .object({
    /** Twelve digits of a citizen's card. */
    citizen_number: z
      .string()
      .regex(/^\d{12}$/)
      .optional(),
    /** Health insurance: the code of 15 characters or its number of 10 digits. */
    insurance_number: z
      .string()
      .regex(/^(?:[A-Za-z]{2}\d{13}|\d{10})$/)
      .optional(),
    phone: phone.optional(),
  })
  .refine((identity) => Object.values(identity).some((value) => value !== undefined), "one_identity")
  .meta({ id: "SubjectIdentity" });
export type SubjectIdentity = z.infer<typeof subjectIdentity>;

/** `access` and `export` hand out what is kept, `correct` mends it, `erase` takes it away. */
export const subjectRequestKind = z.enum(["access", "export", "correct", "erase"]);
export type SubjectRequestKind = z.infer<typeof subjectRequestKind>;

export const newSubjectRequest = z
  .object({
    id: z.uuid(),
    kind: subjectRequestKind,
    subject: subjectIdentity,
    /** What the person asked and how it was made sure that it is this person. */
    reason: z.string().trim().min(1).max(500),
  })
  .meta({ id: "NewSubjectRequest" });

/** What may be mended: what people read. Numbers are what the code says and stay. */
export const subjectCorrection = z
  .object({
    full_name: z.string().trim().min(1).max(200).optional(),
    date_of_birth: z
      .string()
      .regex(/^\d{4}(-\d{2}-\d{2})?$/)
      .optional(),
    address: z.string().trim().max(500).optional(),
  })
  .meta({ id: "SubjectCorrection" });

export const subjectRequest = z
  .object({
    id: z.uuid(),
    kind: subjectRequestKind,
    subject_masked: z.string(),
    reason: z.string(),
    state: z.enum(["received", "acknowledged", "done", "refused"]),
    received_at: z.iso.datetime(),
    /** Decree 356/2025 Art. 5: two working days to acknowledge, 10 days to hand out or correct, 20 to erase. */
    acknowledge_by: z.iso.datetime(),
    due_by: z.iso.datetime(),
    acknowledged_at: z.iso.datetime().nullable(),
    done_at: z.iso.datetime().nullable(),
    /** Entries found at the places this request reaches, when it was made. */
    found: z.int().nonnegative(),
    /** Places it reaches. */
    checkpoint_ids: z.array(z.uuid()),
  })
  .meta({ id: "SubjectRequest" });
export type SubjectRequest = z.infer<typeof subjectRequest>;

export const subjectRequestsPage = z.object({ items: z.array(subjectRequest) }).meta({ id: "SubjectRequestsPage" });

export const carryOutSubjectRequest = z
  .object({
    /** Needed for `correct`. */
    correction: subjectCorrection.optional(),
  })
  .meta({ id: "CarryOutSubjectRequest" });

/** What is kept of one visit, for the person itself. */
export const subjectEntry = z.object({
  entry_id: z.string(),
  checkpoint_id: z.uuid(),
  place_name: z.string(),
  at: z.iso.datetime(),
  received_at: z.iso.datetime(),
  direction,
  code_kind: codeKind,
  fields: z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string()), z.null()])),
});

export const subjectOutcome = z
  .object({
    request: subjectRequest,
    /** Entries handed out, corrected or erased. */
    entries: z.int().nonnegative(),
    /** For `access` and `export`: what is kept, at most 10,000 entries. */
    data: z.object({ made_at: z.iso.datetime(), entries: z.array(subjectEntry) }).optional(),
    /** After `erase`: entries of this person that still come from stations are erased on arrival until then. */
    late_rows_erased_until: z.iso.datetime().optional(),
    /** What this does not reach and who must see to it, in plain words. */
    notes: z.array(z.string()),
  })
  .meta({ id: "SubjectOutcome" });
export type SubjectOutcome = z.infer<typeof subjectOutcome>;

export const refuseSubjectRequest = z
  .object({ reason: z.string().trim().min(1).max(500) })
  .meta({ id: "RefuseSubjectRequest" });
