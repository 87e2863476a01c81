import { createHash } from "node:crypto";
import { type BatchRequest, type BatchResponse, contentOf, type WireEntry, wireEntry } from "../contract/entries.ts";
import { maxEntryBytes, maxMissingRanges, maxSequenceLeap } from "../contract/limits.ts";
import type { LateScans } from "../contract/places.ts";
import type { Central } from "./context.ts";
import { correctedTime } from "./corrected-time.ts";
import { codeOf } from "./fault.ts";
import { HttpProblem } from "./http-problem.ts";
import { faultOf } from "./http-rules.ts";
import type { CentralKeys } from "./keys.ts";
import { notEnrolled } from "./not-enrolled.ts";
import { otherTags, personTag } from "./person-tag.ts";
import { lateScanOf, scanRight } from "./policy.ts";
import type { DeviceStay } from "./store/device-store.ts";
import type { KnownEntry } from "./store/entry-store.ts";
import type { Grant } from "./store/staff-store.ts";
import type { Store } from "./store/store.ts";
import type { ErasedIdentity } from "./store/subject-store.ts";

type ItemResult = BatchResponse["results"][number];
type Checked = { readonly wire: WireEntry } | { readonly refused: ItemResult };

const retryAfterS = 60;

const rejected = (id: string, type: string, detail: string): ItemResult => ({ id, status: "rejected", type, detail });

/** Under whose credential a batch came: a person's or the machine's own. */
export interface Uploader {
  readonly personRef: string | null;
  readonly deviceId: string | null;
  /** The key of the credential: somebody signed in on the machine itself has the machine's. */
  readonly jkt: string;
}

/**
 * Stores a batch in one transaction and answers each item in its place, after the commit. Items are judged one by
 * one: a bad one is refused alone. Sent by the machine itself they are judged by who was on duty and by when the machine
 * was at the place; brought by somebody else, that person must have a right there today, too: nothing shows when the
 * entries were put into such hands, so that an ended right would let its former holder write into the past.
 * @throws HttpProblem `device_not_enrolled`, `forbidden`
 */
export async function ingestBatch(central: Central, uploader: Uploader, batch: BatchRequest): Promise<BatchResponse> {
  const receivedAt = central.clock.now();
  const items = batch.entries.map(checkItem);
  const touched = new Set<string>();
  const response = await central.store.transaction(async (store) => {
    const device = await store.devices.find(batch.device_id);
    if (!device) throw notEnrolled("unknown");
    const { personRef } = uploader;
    const isMachine = uploader.deviceId === device.id || uploader.jkt === device.jkt;
    if (personRef === null && !isMachine) throw new HttpProblem("forbidden", "A machine sends its own entries only.");
    const uploadedBy = personRef ?? device.enrolledBy;
    const bringer = isMachine ? null : personRef;
    const stays = await store.devices.stays(device.id);
    const rights = rightsIn(store, stays);
    // Before anything is told of the machine or noted about it.
    if (bringer !== null && !(await servesOneOf(rights, stays, bringer))) {
      throw new HttpProblem("forbidden", "Only somebody who serves a place of this machine may bring its entries.");
    }
    if (isMachine) await store.devices.touch(device.id, receivedAt);
    if (personRef !== null) await store.staff.markSeen(personRef, receivedAt);
    const known = await knownEntries(store, batch.device_id, items);
    const erased = await erasedAmong(central.keys, store, items, receivedAt);
    const lastSeq = (await store.devices.highWater(batch.device_id)) + maxSequenceLeap;
    const results: ItemResult[] = [];
    const seqsHere: number[] = [];
    const looks = new Map<string, WireEntry[]>();
    for (const item of items) {
      if ("refused" in item) {
        results.push(item.refused);
        continue;
      }
      const ingest = { central, store, batch, uploadedBy, receivedAt, bringer, rights, known, erased, lastSeq };
      const result = await ingestItem(ingest, item.wire);
      if (result.status === "stored") {
        touched.add(item.wire.checkpoint_id);
        if (item.wire.marks.includes("shown-in-full")) {
          const look = `${item.wire.checkpoint_id} ${item.wire.staff_ref}`;
          looks.set(look, [...(looks.get(look) ?? []), item.wire]);
        }
      }
      // Also a repeated one: whatever the list of gaps says of it, it is here.
      if (result.status === "stored" || result.status === "duplicate") seqsHere.push(item.wire.seq);
      if (result.type === "id_conflict") {
        central.logger.warn({ deviceId: batch.device_id, entryId: result.id, seq: item.wire.seq }, "id conflict");
      }
      results.push(result);
    }
    await store.devices.addReceived(batch.device_id, seqsHere);
    for (const entries of looks.values()) await noteKioskLook(central, store, batch.device_id, entries);
    const seq = await store.devices.highWater(batch.device_id);
    const missing = await store.devices.missing(batch.device_id, {
      after: 0,
      acknowledged: 0,
      limit: maxMissingRanges,
    });
    return { batch_id: batch.batch_id, results, high_water: { seq }, missing };
  });
  for (const checkpointId of touched) central.live.changed(checkpointId);
  return response;
}

/** People a station showed in full to the member on duty, as their rows say: the station's part of the access log. */
async function noteKioskLook(
  { accessLog }: Central,
  store: Store,
  deviceId: string,
  entries: readonly WireEntry[],
): Promise<void> {
  const [first] = entries;
  if (!first) return;
  await accessLog.write(store, {
    action: "kiosk_full_view",
    actor: first.staff_ref ?? deviceId,
    checkpointId: first.checkpoint_id,
    objects: entries.map(({ id }) => id),
    purpose: "identity_check",
  });
}

/** The item as an entry, or why it is none. Nothing of the item but its id is repeated in the answer. */
function checkItem(item: unknown): Checked {
  const named = typeof item === "object" && item !== null && "id" in item ? item.id : null;
  const id = typeof named === "string" ? named.slice(0, 64) : "";
  if (Buffer.byteLength(JSON.stringify(item), "utf8") > maxEntryBytes) {
    return { refused: rejected(id, "too_large", `An entry may have at most ${maxEntryBytes} bytes.`) };
  }
  const parsed = wireEntry.safeParse(item);
  if (!parsed.success) {
    const places = new Set(parsed.error.issues.map((issue) => String(issue.path[0] ?? "entry")));
    return { refused: rejected(id, "validation", `Not valid: ${[...places].join(", ")}.`) };
  }
  const wire = parsed.data;
  // Half characters change on their way into the database and would break the seal of the row.
  if (![wire.reader_id, wire.reader_label, wire.boot_id, wire.staff_ref ?? ""].every((text) => text.isWellFormed())) {
    return { refused: rejected(id, "validation", "A text holds half a character.") };
  }
  if (createHash("sha256").update(contentOf(wire), "utf8").digest("hex") !== wire.sha256) {
    return { refused: rejected(id, "validation", "sha256 does not fit the content.") };
  }
  return { wire };
}

/** Entries the device may not use again: by id, and by sequence number of this device. Grows as items are stored. */
interface Known {
  readonly byId: Map<string, KnownEntry>;
  readonly bySeq: Map<number, KnownEntry>;
}

async function knownEntries(store: Store, deviceId: string, items: readonly Checked[]): Promise<Known> {
  const wires = items.flatMap((item) => ("wire" in item ? [item.wire] : []));
  const known: Known = { byId: new Map(), bySeq: new Map() };
  if (wires.length === 0) return known;
  const rows = await store.entries.known(
    deviceId,
    wires.map((wire) => wire.id),
    wires.map((wire) => wire.seq),
  );
  for (const row of rows) remember(known, deviceId, row);
  return known;
}

function remember(known: Known, deviceId: string, entry: KnownEntry): void {
  known.byId.set(entry.id, entry);
  if (entry.deviceId === deviceId) known.bySeq.set(entry.seq, entry);
}

interface Ingest {
  readonly central: Central;
  readonly store: Store;
  readonly batch: BatchRequest;
  readonly uploadedBy: string;
  readonly receivedAt: number;
  /** Whoever brings the entries; null when the machine itself sends them. */
  readonly bringer: string | null;
  readonly rights: Rights;
  readonly erased: readonly ErasedIdentity[];
  readonly known: Known;
  /** No number of the device above this is believed. */
  readonly lastSeq: number;
}

async function ingestItem(ingest: Ingest, wire: WireEntry): Promise<ItemResult> {
  const { central, store, batch, uploadedBy, receivedAt, bringer, rights, known, erased, lastSeq } = ingest;
  const deviceId = batch.device_id;
  const contentTag = contentTagOf(central.keys, wire);
  const same = known.byId.get(wire.id);
  if (same) {
    const isSame = same.contentTag === null ? same.seq === wire.seq : same.contentTag === contentTag;
    if (same.deviceId === deviceId && isSame) return { id: wire.id, status: "duplicate" };
    return rejected(wire.id, "id_conflict", "This id is stored with other content.");
  }
  const correctedAt = correctedTime(wire, batch.sent, receivedAt);
  const here = bringer === null ? null : (await rights.member(wire.checkpoint_id, bringer)).filter(isCurrent);
  if (here?.length === 0) {
    return rejected(wire.id, "forbidden", "This sign-in has no right at the checkpoint of this entry.");
  }
  const stay = rights.stayAt(wire.checkpoint_id, correctedAt);
  if (stay === "never") {
    return rejected(wire.id, "forbidden", "This machine was never enrolled for the checkpoint of this entry.");
  }
  if (known.bySeq.has(wire.seq)) {
    return rejected(wire.id, "id_conflict", "This sequence number of the device is stored with another id.");
  }
  if (wire.seq > lastSeq) {
    return rejected(wire.id, "validation", "This sequence number is too far above those of the device before it.");
  }
  const timeKnown = timeIsKnown(wire, batch);
  const right = scanRight({
    staffGrants: wire.staff_ref === null ? here : await rights.member(wire.checkpoint_id, wire.staff_ref),
    deviceRevokedAt: stay.validTo,
    scannedAt: correctedAt,
    timeKnown,
  });
  const late = lateScanOf(right, await rights.ruleAt(wire.checkpoint_id));
  if (late === "refused") {
    return rejected(
      wire.id,
      "forbidden",
      "It was made after the right to scan here had ended, and this place refuses such.",
    );
  }
  const tags = { person: personTag(central.keys, wire), others: otherTags(central.keys, wire) };
  try {
    if (isErased(erased, wire.checkpoint_id, [tags.person, ...tags.others], correctedAt, timeKnown)) {
      await store.entries.addGone(deviceId, wire);
      remember(known, deviceId, { id: wire.id, deviceId, seq: wire.seq, contentTag: null });
      return { id: wire.id, status: "stored" };
    }
    await store.entries.add({
      deviceId,
      wire,
      contentTag,
      personTag: tags.person,
      otherTags: tags.others,
      late,
      uploadedBy,
      correctedAt,
      receivedAt,
    });
  } catch (error) {
    // A broken rule of the schema undoes this one statement, and a fault of ours in one entry is of that entry alone;
    // what the database cannot do (disk, memory) is for the whole batch.
    if (/^SQLITE_(?!CONSTRAINT)/.test(codeOf(error))) throw error;
    central.logger.error({ fault: faultOf(error), entryId: wire.id }, "an entry could not be stored");
    return { id: wire.id, status: "retry", retry_after_s: retryAfterS };
  }
  remember(known, deviceId, { id: wire.id, deviceId, seq: wire.seq, contentTag });
  return { id: wire.id, status: "stored" };
}

/** What the scans of one batch are judged by; each place and member is read once. */
interface Rights {
  /**
   * The machine's stay at the place that a scan of this moment belongs to, or came after; one from before the first stay
   * belongs to that: it was made while the machine waited to be enrolled.
   */
  stayAt(checkpointId: string, scannedAt: number): DeviceStay | "never";
  /** Rights a member has or had at a place. */
  member(checkpointId: string, staffRef: string): Promise<readonly Grant[]>;
  /** What the place wants done with scans made after a right had ended. */
  ruleAt(checkpointId: string): Promise<LateScans>;
}

function rightsIn(store: Store, stays: readonly DeviceStay[]): Rights {
  const members = new Map<string, Promise<Grant[]>>();
  const rules = new Map<string, Promise<LateScans>>();
  const once = <T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> => {
    const found = known.get(key) ?? read();
    known.set(key, found);
    return found;
  };
  return {
    stayAt: (checkpointId, scannedAt) => {
      const here = stays.filter((stay) => stay.checkpointId === checkpointId);
      const last = here.findLast(({ validFrom }) => validFrom <= scannedAt);
      // Before the first one: nothing has ended yet.
      return last ?? (here[0] === undefined ? "never" : { ...here[0], validTo: null });
    },
    member: (checkpointId, staffRef) =>
      once(members, `${checkpointId} ${staffRef}`, () => store.staff.grantsAt(checkpointId, staffRef)),
    ruleAt: (checkpointId) => once(rules, checkpointId, () => store.checkpoints.lateScans(checkpointId)),
  };
}

const isCurrent = ({ validTo }: Grant): boolean => validTo === null;

async function servesOneOf(rights: Rights, stays: readonly DeviceStay[], personRef: string): Promise<boolean> {
  for (const { checkpointId } of stays) {
    if ((await rights.member(checkpointId, personRef)).some(isCurrent)) return true;
  }
  return false;
}

/** Those of the batch's persons who asked to be erased. */
function erasedAmong(
  keys: CentralKeys,
  store: Store,
  items: readonly Checked[],
  now: number,
): Promise<ErasedIdentity[]> {
  const tags = items.flatMap((item) =>
    "wire" in item ? [personTag(keys, item.wire), ...otherTags(keys, item.wire)] : [],
  );
  return store.subjects.erasedAmong(tags, now);
}

/** A visit of after the erasure is a new one; one whose time nobody knows counts as from before. */
function isErased(
  erased: readonly ErasedIdentity[],
  checkpointId: string,
  tags: readonly string[],
  madeAt: number,
  timeKnown: boolean,
): boolean {
  return erased.some(
    (identity) =>
      tags.includes(identity.tag) &&
      (identity.checkpointId === null || identity.checkpointId === checkpointId) &&
      (!timeKnown || madeAt <= identity.erasedAt),
  );
}

/** The monotonic clock of the boot that sends knows the time even when the wall clock does not. */
function timeIsKnown(wire: WireEntry, batch: BatchRequest): boolean {
  return wire.clock_state !== "unknown" || wire.boot_id === batch.sent.boot_id;
}

/** A plain hash of card data can be guessed; a keyed one compares as well. */
function contentTagOf(keys: CentralKeys, wire: WireEntry): string {
  return keys.tag("entry-content", wire.sha256);
}
