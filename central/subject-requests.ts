import type { z } from "zod";
import { maskPhone, normalisePhone } from "../contract/people.ts";
import type {
  newSubjectRequest,
  SubjectIdentity,
  SubjectOutcome,
  SubjectRequest,
  SubjectRequestKind,
  subjectCorrection,
} from "../contract/privacy.ts";
import type { Central } from "./context.ts";
import { wrongValue } from "./http-body.ts";
import { HttpProblem } from "./http-problem.ts";
import { maskNumber } from "./masking.ts";
import { subjectTags } from "./person-tag.ts";
import { longestRetentionMs } from "./retention.ts";
import type { StoredEntry } from "./store/entry-store.ts";
import type { Store } from "./store/store.ts";
import type { StoredSubjectRequest } from "./store/subject-store.ts";

const dayMs = 24 * 3_600_000;
/** Vietnam is at UTC+7 all year. */
const vietnamOffsetMs = 7 * 3_600_000;
const acknowledgeWorkingDays = 2;
/** Decree 356/2025/NĐ-CP, Article 5, counted in calendar days: never later than the law means. */
const daysFor: Record<SubjectRequestKind, number> = { access: 10, export: 10, correct: 10, erase: 20 };
const mostEntries = 10_000;
const requestsADay = 30;

/** What of the service these functions use: also a command on its machine has it. */
export type SubjectParts = Pick<Central, "store" | "keys" | "clock" | "accessLog">;

/** Who acts: an owner over the places it owns, or the operator over all (`places` null). */
export interface SubjectActor {
  readonly ref: string;
  readonly places: readonly string[] | null;
}

/** Two working days on: Saturdays and Sundays do not count; public holidays do, so that it is never too late. */
export function workingDaysAfter(time: number, days: number): number {
  let at = time;
  for (let left = days; left > 0; ) {
    at += dayMs;
    const weekday = new Date(at + vietnamOffsetMs).getUTCDay();
    if (weekday !== 0 && weekday !== 6) left -= 1;
  }
  return at;
}

/** Takes a request down. The same again is the same request. @throws HttpProblem `id_conflict`, `rate_limited`. */
export async function takeDown(
  { store, keys, clock, accessLog }: SubjectParts,
  actor: SubjectActor,
  asked: z.infer<typeof newSubjectRequest>,
): Promise<StoredSubjectRequest> {
  const subject = checkedSubject(asked.subject);
  const contentTag = keys.tag("subject-content", JSON.stringify([actor.ref, asked.kind, subject, asked.reason]));
  return store.transaction(async (within) => {
    const existing = await within.subjects.find(asked.id);
    if (existing) {
      if (existing.contentTag === contentTag && existing.madeBy === actor.ref) return existing;
      throw new HttpProblem("id_conflict", "This id is taken by another request.");
    }
    const now = clock.now();
    if (actor.places !== null && (await within.subjects.countSince(actor.ref, now - dayMs)) >= requestsADay) {
      throw new HttpProblem("rate_limited", "Too many requests were taken down today; go on tomorrow.", {
        retryAfterS: dayMs / 1000,
      });
    }
    const request: StoredSubjectRequest = {
      id: asked.id,
      kind: asked.kind,
      state: "received",
      madeBy: actor.ref,
      places: actor.places,
      subject,
      reason: asked.reason,
      contentTag,
      found: await within.entries.countOfPerson(subjectTags(keys, subject), actor.places),
      receivedAt: now,
      acknowledgeBy: workingDaysAfter(now, acknowledgeWorkingDays),
      dueBy: now + daysFor[asked.kind] * dayMs,
      acknowledgedAt: null,
      doneAt: null,
    };
    await within.subjects.add(request);
    await note({ accessLog }, within, "subject_request", actor, request, `${asked.kind}: ${asked.reason}`);
    return request;
  });
}

/** The person was told that its request is in work; again is no change. */
export function acknowledge(parts: SubjectParts, actor: SubjectActor, id: string): Promise<StoredSubjectRequest> {
  return parts.store.transaction(async (within) => {
    const request = await openRequest(within, actor, id);
    if (request.state !== "received") return request;
    const acknowledgedAt = parts.clock.now();
    await within.subjects.progress(id, { state: "acknowledged", acknowledgedAt });
    await note(parts, within, "subject_acknowledged", actor, request);
    return { ...request, state: "acknowledged", acknowledgedAt };
  });
}

/** Ends a request without carrying it out. */
export function refuse(
  parts: SubjectParts,
  actor: SubjectActor,
  id: string,
  reason: string,
): Promise<StoredSubjectRequest> {
  return parts.store.transaction(async (within) => {
    const request = await openRequest(within, actor, id);
    const doneAt = parts.clock.now();
    await within.subjects.progress(id, { state: "refused", doneAt });
    await note(parts, within, "subject_refused", actor, request, reason);
    return { ...request, state: "refused", doneAt };
  });
}

/**
 * Does what the person asked, at the places the request reaches and the actor still owns. The access record and what
 * it tells of are one transaction. After an erasure nothing of it is left in the database file or its log.
 * @throws HttpProblem `already_decided`, `validation` without a correction
 */
export async function carryOut(
  parts: SubjectParts,
  actor: SubjectActor,
  id: string,
  correction: z.infer<typeof subjectCorrection> | undefined,
): Promise<{ outcome: Omit<SubjectOutcome, "request">; request: StoredSubjectRequest; places: readonly string[] }> {
  const { store, keys, clock } = parts;
  const done = await store.transaction(async (within) => {
    const request = await openRequest(within, actor, id);
    if (request.subject === null) throw new HttpProblem("already_decided", "This person was erased already.");
    const now = clock.now();
    const places = reached(request, actor);
    const tags = subjectTags(keys, request.subject);
    const entries = await within.entries.ofPerson(tags, places, mostEntries);
    const touched = [...new Set(entries.map(({ checkpointId }) => checkpointId))];
    const work: Work = { parts, within, actor, request, places, tags, entries, now };
    const outcome = await workFor(work, correction);
    await within.subjects.progress(id, {
      state: "done",
      doneAt: now,
      ...(request.kind === "erase" ? { forgetSubject: true } : {}),
    });
    const after: StoredSubjectRequest = {
      ...request,
      state: "done",
      doneAt: now,
      subject: request.kind === "erase" ? null : request.subject,
    };
    return { outcome, request: after, places: touched };
  });
  if (done.request.kind === "erase") await store.scrub();
  return done;
}

interface Work {
  readonly parts: SubjectParts;
  readonly within: Store;
  readonly actor: SubjectActor;
  readonly request: StoredSubjectRequest;
  readonly places: readonly string[] | null;
  readonly tags: readonly string[];
  readonly entries: readonly StoredEntry[];
  readonly now: number;
}

function workFor(work: Work, correction: z.infer<typeof subjectCorrection> | undefined) {
  switch (work.request.kind) {
    case "access":
    case "export":
      return handOut(work);
    case "correct":
      return correct(work, correction);
    case "erase":
      return erase(work);
  }
}

const stationNote =
  "Lượt quét còn trên máy trạm chưa gửi được tính khi chúng đến. / Scans still waiting on stations are reached when they arrive.";
const backupNote =
  "Bản sao lưu của máy chủ vẫn giữ dữ liệu cũ cho đến khi được thay: người vận hành phải xóa hoặc thay chúng. / " +
  "Backups of the central service keep the old data until they are replaced: its operator must delete or replace them.";
const rawNote =
  "Chỉ sửa phần hiển thị; nội dung gốc của mã vẫn giữ nguyên. / What people read is corrected; the bytes of the code stay as scanned.";

async function handOut({
  parts,
  within,
  actor,
  request,
  entries,
  now,
}: Work): Promise<Omit<SubjectOutcome, "request">> {
  const names = new Map<string, string>();
  for (const { checkpointId } of entries) {
    if (!names.has(checkpointId)) names.set(checkpointId, (await within.checkpoints.find(checkpointId))?.name ?? "");
  }
  await note(parts, within, "subject_exported", actor, request, undefined, entries);
  return {
    entries: entries.length,
    data: {
      made_at: new Date(now).toISOString(),
      entries: entries.map((entry) => ({
        entry_id: entry.id,
        checkpoint_id: entry.checkpointId,
        place_name: names.get(entry.checkpointId) ?? "",
        at: new Date(entry.correctedAt).toISOString(),
        received_at: new Date(entry.receivedAt).toISOString(),
        direction: entry.direction,
        code_kind: entry.kind,
        fields: entry.fields ?? {},
      })),
    },
    notes: [stationNote],
  };
}

async function correct(
  { parts, within, actor, request, entries }: Work,
  correction: z.infer<typeof subjectCorrection> | undefined,
): Promise<Omit<SubjectOutcome, "request">> {
  const values = Object.fromEntries(
    Object.entries({
      fullName: correction?.full_name,
      dateOfBirth: correction?.date_of_birth,
      address: correction?.address,
    }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  if (Object.keys(values).length === 0) throw wrongValue("/correction", "missing", "Say what is to be corrected.");
  for (const { id } of entries) await within.entries.correct(id, values);
  await note(parts, within, "subject_corrected", actor, request, Object.keys(values).join(", "), entries);
  return { entries: entries.length, notes: [rawNote, stationNote] };
}

async function erase(work: Work): Promise<Omit<SubjectOutcome, "request">> {
  const { parts, within, actor, request, places, tags, now } = work;
  const erased: string[] = [];
  for (let entries = work.entries; entries.length > 0; ) {
    const ids = entries.map(({ id }) => id);
    await within.entries.erase(ids);
    erased.push(...ids);
    entries = await within.entries.ofPerson(tags, places, mostEntries);
  }
  await within.entries.forgetPresence(tags, places);
  const endsAt = now + longestRetentionMs;
  await within.subjects.rememberErased(tags, places, now, endsAt);
  const phone = normalisePhone(request.subject?.phone ?? "");
  await note(parts, within, "subject_erased", actor, request, `${erased.length} entries`);
  return {
    entries: erased.length,
    late_rows_erased_until: new Date(endsAt).toISOString(),
    notes: [backupNote, ...(await staffNotes(within, phone, places))],
  };
}

/** A phone of staff is not a visitor's data: the right is ended where staff are managed. */
async function staffNotes(within: Store, phone: string | null, places: readonly string[] | null): Promise<string[]> {
  const personRef = phone === null ? null : await within.staff.knownPerson(phone);
  if (personRef === null) return [];
  const here = (await within.staff.grantsOf(personRef)).some(
    ({ checkpointId, validTo }) => validTo === null && (places === null || places.includes(checkpointId)),
  );
  return here
    ? [
        "Số này là của nhân viên đang làm tại đây: hãy xóa ở trang nhân viên. / This phone is a staff member's here: remove it on the staff page.",
      ]
    : [];
}

/** The places of the request that the actor may still act on. */
function reached(request: StoredSubjectRequest, actor: SubjectActor): readonly string[] | null {
  if (actor.places === null) return request.places;
  const owned = actor.places;
  return request.places === null ? owned : request.places.filter((id) => owned.includes(id));
}

async function openRequest(within: Store, actor: SubjectActor, id: string): Promise<StoredSubjectRequest> {
  const request = await within.subjects.find(id);
  if (!request || request.madeBy !== actor.ref)
    throw new HttpProblem("not_found", "There is no such request of yours.");
  if (request.state === "done" || request.state === "refused") {
    throw new HttpProblem("already_decided", "This request has ended.");
  }
  return request;
}

/** One record per place it touches, so that each owner of it reads of it; one at least. */
async function note(
  { accessLog }: Pick<SubjectParts, "accessLog">,
  within: Store,
  action:
    | "subject_request"
    | "subject_acknowledged"
    | "subject_refused"
    | "subject_exported"
    | "subject_corrected"
    | "subject_erased",
  actor: SubjectActor,
  request: StoredSubjectRequest,
  reason?: string,
  entries: readonly StoredEntry[] = [],
): Promise<void> {
  const told = reason === undefined ? {} : { reason };
  for (const checkpointId of request.places ?? [null]) {
    const here = entries.filter((entry) => checkpointId === null || entry.checkpointId === checkpointId);
    const objects = [request.id, ...here.map(({ id }) => id)];
    await accessLog.write(within, { action, actor: actor.ref, checkpointId, objects, ...told });
  }
}

/** @throws HttpProblem `validation` for a phone that is none. */
function checkedSubject({ phone, ...numbers }: SubjectIdentity): SubjectIdentity {
  if (phone === undefined) return numbers;
  const normalised = normalisePhone(phone);
  if (normalised === null) throw wrongValue("/subject/phone", "phone_format", "Give a Vietnamese phone number.");
  return { ...numbers, phone: normalised };
}

/** A request as its maker reads it. */
export function subjectRequestOf(request: StoredSubjectRequest): SubjectRequest {
  const time = (at: number) => new Date(at).toISOString();
  return {
    id: request.id,
    kind: request.kind,
    subject_masked: maskedSubjectIdentity(request.subject),
    reason: request.reason,
    state: request.state,
    received_at: time(request.receivedAt),
    acknowledge_by: time(request.acknowledgeBy),
    due_by: time(request.dueBy),
    acknowledged_at: request.acknowledgedAt === null ? null : time(request.acknowledgedAt),
    done_at: request.doneAt === null ? null : time(request.doneAt),
    found: request.found,
    checkpoint_ids: [...(request.places ?? [])],
  };
}

function maskedSubjectIdentity(subject: SubjectIdentity | null): string {
  if (subject === null) return "•••••";
  const { citizen_number, insurance_number, phone } = subject;
  return [
    ...[citizen_number, insurance_number].flatMap((number) => (number === undefined ? [] : [maskNumber(number)])),
    ...(phone === undefined ? [] : [maskPhone(phone)]),
  ].join(", ");
}
