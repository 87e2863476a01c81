import { randomUUID } from "node:crypto";
import {
  type CheckpointChange,
  maxPlaceDepth,
  maxPlacesOwned,
  type NewCheckpoint,
  type PlaceNotice,
  type PlaceState,
  usualNotice,
} from "../contract/places.ts";
import type { Problem } from "../contract/problem.ts";
import { mostPlaceCodes } from "../contract/signed-code.ts";
import { foldedText } from "../contract/written-text.ts";
import type { Central } from "./context.ts";
import { refuseOldVersion } from "./etag.ts";
import { wrongValue } from "./http-body.ts";
import { HttpProblem } from "./http-problem.ts";
import { maskedAddressLine, resolvedAddress } from "./place-address.ts";
import { gatePolicyDefaults } from "./policy.ts";
import { normalisedPhone } from "./routes/auth.ts";
import { grantHere } from "./routes/rights.ts";
import type { StoredCheckpoint } from "./store/checkpoint-store.ts";
import type { Grant } from "./store/staff-store.ts";
import type { Store } from "./store/store.ts";

/** Who changes a place: a person who signed in. */
type PersonRef = string;

/** The place with the caller's right there. */
export interface OwnPlace {
  readonly place: StoredCheckpoint;
  readonly grant: Grant;
}

/** A place the caller owns. @throws HttpProblem `forbidden` */
async function ownedPlace(store: Store, id: string, personRef: PersonRef): Promise<OwnPlace> {
  const grant = await grantHere(store, id, personRef);
  if (grant.role !== "owner") throw new HttpProblem("forbidden", "Only an owner of this place may do this.");
  const place = await store.checkpoints.find(id);
  if (!place) throw new Error("A grant has its place.");
  return { place, grant };
}

/** @throws HttpProblem `closed` */
function refuseEnded(place: StoredCheckpoint): void {
  if (place.state === "closed" || place.state === "merged") {
    throw new HttpProblem("closed", "This place is closed for good; nothing of it can be changed any more.");
  }
}

const isOpen = ({ state }: StoredCheckpoint) => state === "active" || state === "suspended";

/** Registers a place, or gives the same one again. The caller becomes its owner. */
export async function registerPlace(
  central: Central,
  store: Store,
  personRef: PersonRef,
  given: NewCheckpoint,
): Promise<OwnPlace> {
  const { confirm = false, ...content } = given;
  const wanted = { ...content, phone: normalisedPhone(given.phone) };
  const contentTag = central.keys.tag("checkpoint-content", JSON.stringify([personRef, wanted]));
  const existing = await store.checkpoints.find(wanted.id);
  if (existing) {
    const grant = await store.staff.currentGrant(existing.id, personRef);
    if (existing.contentTag !== contentTag || !grant) {
      throw new HttpProblem("id_conflict", "This id is taken by another place.");
    }
    return { place: existing, grant };
  }
  if ((await store.checkpoints.countOwned(personRef)) >= maxPlacesOwned) {
    throw new HttpProblem("owner_limit", `You own ${maxPlacesOwned} open places already: close some of them first.`);
  }
  const parent = wanted.parent_id === undefined ? null : await parentFor(store, personRef, wanted.parent_id, 1);
  const now = central.clock.now();
  const created: StoredCheckpoint = {
    id: wanted.id,
    version: 1,
    name: wanted.name,
    kind: wanted.kind,
    kindStatus: "declared",
    kindDecision: null,
    state: "active",
    stateSince: now,
    stateReason: null,
    successorId: null,
    parentId: parent?.id ?? null,
    part: wanted.part ?? null,
    phone: wanted.phone,
    ...addressOf(wanted.address ?? null, parent),
    ...retentionOf(wanted.retention_days ?? null, parent),
    policy: { ...gatePolicyDefaults, late_scans: "hold", ...known(wanted.policy ?? {}) },
    legalBasis: wanted.legal_basis ?? "consent",
    notice: wanted.notice ? { version: 1, ...wanted.notice } : usualNotice,
    codeNumber: 1,
    codeIssuedAt: now,
    contentTag,
    createdBy: personRef,
    createdAt: now,
  };
  if (!confirm) await refuseLookAlike(store, personRef, created);
  await store.checkpoints.add(created);
  const grantId = randomUUID();
  await store.staff.addGrant({
    id: grantId,
    checkpointId: created.id,
    personRef,
    role: "owner",
    displayName: "",
    contentTag: central.keys.tag("staff-content", grantId),
    addedBy: personRef,
    validFrom: now,
  });
  await central.accessLog.write(store, {
    action: "place_registered",
    actor: personRef,
    checkpointId: created.id,
    objects: [created.id],
  });
  return ownedPlace(store, created.id, personRef);
}

/** What is there of an object whose values may be left out. */
function known<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/**
 * A place another is to lie in, with `height` levels from that one down.
 * @throws HttpProblem `validation` at `/parent_id`
 */
async function parentFor(
  store: Store,
  personRef: PersonRef,
  parentId: string,
  height: number,
): Promise<StoredCheckpoint> {
  const grant = await store.staff.currentGrant(parentId, personRef);
  const parent = grant?.role === "owner" ? await store.checkpoints.find(parentId) : null;
  if (!parent) throw wrongValue("/parent_id", "parent_not_yours", "Sub-places are registered at a place of your own.");
  if (!isOpen(parent)) throw wrongValue("/parent_id", "parent_closed", "The place this one would lie in is closed.");
  if ((await store.checkpoints.parents(parentId)).length + 1 + height > maxPlaceDepth) {
    throw wrongValue("/parent_id", "parent_depth", `Places lie in each other ${maxPlaceDepth} levels deep at most.`);
  }
  return parent;
}

function addressOf(
  given: NewCheckpoint["address"] | null,
  parent: StoredCheckpoint | null,
): Pick<StoredCheckpoint, "address" | "inheritsAddress"> {
  if (given) return { address: resolvedAddress(given), inheritsAddress: false };
  if (parent) return { address: parent.address, inheritsAddress: true };
  throw wrongValue("/address", "required", "A place that lies in no other needs an address.");
}

function retentionOf(
  given: number | null,
  parent: StoredCheckpoint | null,
): Pick<StoredCheckpoint, "retentionDays" | "inheritsRetention"> {
  if (given !== null) return { retentionDays: given, inheritsRetention: false };
  if (parent) return { retentionDays: parent.retentionDays, inheritsRetention: true };
  throw wrongValue("/retention_days", "required", "Say how many days entries are kept.");
}

/** Same name in the same commune and the same parent. Of strangers' places no id is told and no house. */
async function refuseLookAlike(store: Store, personRef: PersonRef, wanted: StoredCheckpoint): Promise<void> {
  const name = foldedText(wanted.name);
  const names = await store.checkpoints.openNames(wanted.address.commune_code, wanted.parentId);
  const alike = names.filter((other) => foldedText(other.name) === name).slice(0, 10);
  if (alike.length === 0) return;
  const candidates: NonNullable<Problem["candidates"]> = [];
  for (const { id } of alike) {
    const other = await store.checkpoints.find(id);
    const isOwn = (await store.staff.currentGrant(id, personRef))?.role === "owner";
    if (other)
      candidates.push({ ...(isOwn ? { id } : {}), name: other.name, detail: maskedAddressLine(other.address) });
  }
  throw new HttpProblem(
    "looks_like_existing",
    "A place of this name is registered in this commune: use that one, or confirm that yours is another.",
    { candidates },
  );
}

/**
 * Changes a place as it was read at `version`.
 * @throws HttpProblem `version_changed` with the current version, `closed`, or what is wrong at which field
 */
export async function changePlace(
  central: Central,
  store: Store,
  personRef: PersonRef,
  id: string,
  version: number,
  change: CheckpointChange,
): Promise<OwnPlace> {
  const { place, grant } = await ownedPlace(store, id, personRef);
  refuseOldVersion(version, place.version);
  refuseEnded(place);
  const parent = await parentAfter(store, personRef, place, change.parent_id);
  const kindChanged = change.kind !== undefined && change.kind !== place.kind;
  const changed: StoredCheckpoint = {
    ...place,
    name: change.name ?? place.name,
    phone: change.phone === undefined ? place.phone : normalisedPhone(change.phone),
    kind: change.kind ?? place.kind,
    ...(kindChanged ? { kindStatus: "declared", kindDecision: null } : {}),
    parentId: parent?.id ?? null,
    part: change.part === undefined ? place.part : change.part,
    ...(change.address !== undefined
      ? addressOf(change.address, parent)
      : place.inheritsAddress
        ? addressOf(null, parent)
        : {}),
    ...(change.retention_days !== undefined
      ? retentionOf(change.retention_days, parent)
      : place.inheritsRetention
        ? retentionOf(null, parent)
        : {}),
    policy: { ...place.policy, ...known(change.policy ?? {}) },
    legalBasis: change.legal_basis ?? place.legalBasis,
    notice: change.notice === undefined ? place.notice : nextNotice(place.notice, change.notice),
  };
  const saved = await save(central, store, changed, personRef, kindChanged ? "kind_changed" : "place_changed");
  await passOn(store, saved);
  if (kindChanged) await store.staff.clearFullView(id);
  return { place: saved, grant: (await store.staff.currentGrant(id, personRef)) ?? grant };
}

function nextNotice(known: PlaceNotice, text: Pick<PlaceNotice, "vi" | "en">): PlaceNotice {
  return text.vi === known.vi && text.en === known.en ? known : { version: known.version + 1, ...text };
}

/** The parent a place has after a change; undefined leaves it, null makes it a place of its own. */
async function parentAfter(
  store: Store,
  personRef: PersonRef,
  place: StoredCheckpoint,
  wanted: string | null | undefined,
): Promise<StoredCheckpoint | null> {
  if (wanted === null) return null;
  if (wanted === undefined || wanted === place.parentId) {
    return place.parentId === null ? null : store.checkpoints.find(place.parentId);
  }
  if ((await store.checkpoints.tree(place.id)).includes(wanted)) {
    throw wrongValue("/parent_id", "parent_cycle", "A place cannot lie in itself or in one of its own sub-places.");
  }
  return parentFor(store, personRef, wanted, await height(store, place.id));
}

/** Levels from a place down, itself included. */
async function height(store: Store, id: string): Promise<number> {
  let most = 0;
  for (const child of await store.checkpoints.children(id)) most = Math.max(most, await height(store, child.id));
  return most + 1;
}

/** Gives address and retention on to the sub-places that have theirs from this one. */
async function passOn(store: Store, place: StoredCheckpoint): Promise<void> {
  for (const child of await store.checkpoints.children(place.id)) {
    const changed: StoredCheckpoint = {
      ...child,
      ...(child.inheritsAddress ? { address: place.address } : {}),
      ...(child.inheritsRetention ? { retentionDays: place.retentionDays } : {}),
    };
    if (JSON.stringify(changed) === JSON.stringify(child)) continue;
    await saved(store, changed);
    await passOn(store, changed);
  }
}

/** @throws HttpProblem `version_changed`: cannot be inside one transaction, and is not silent if it is */
async function saved(store: Store, changed: StoredCheckpoint): Promise<StoredCheckpoint> {
  if (!(await store.checkpoints.change(changed))) {
    const current = await store.checkpoints.find(changed.id);
    refuseOldVersion(changed.version, current?.version ?? 0);
  }
  return { ...changed, version: changed.version + 1 };
}

async function save(
  central: Central,
  store: Store,
  changed: StoredCheckpoint,
  actor: PersonRef,
  action: "place_changed" | "place_closed" | "place_merged" | "kind_changed" | "kind_decided" | "place_code_reissued",
  reason?: string,
): Promise<StoredCheckpoint> {
  const after = await saved(store, changed);
  await central.accessLog.write(store, {
    action,
    actor,
    checkpointId: changed.id,
    objects: changed.successorId === null ? [changed.id] : [changed.id, changed.successorId],
    ...(reason === undefined ? {} : { reason }),
  });
  return after;
}

/** Suspends, resumes or closes a place; what is so already stays as it is. */
export async function setPlaceState(
  central: Central,
  store: Store,
  personRef: PersonRef,
  id: string,
  state: Exclude<PlaceState, "merged">,
  reason: string,
): Promise<OwnPlace> {
  const { place, grant } = await ownedPlace(store, id, personRef);
  if (place.state === state) return { place, grant };
  refuseEnded(place);
  if (state === "closed") await refuseOpenChildren(store, place.id);
  const stateReason = state === "active" ? null : reason;
  const changed = { ...place, state, stateSince: central.clock.now(), stateReason };
  const action = state === "closed" ? "place_closed" : "place_changed";
  return { place: await save(central, store, changed, personRef, action, reason), grant };
}

async function refuseOpenChildren(store: Store, id: string): Promise<void> {
  const open = (await store.checkpoints.children(id)).filter(isOpen);
  if (open.length === 0) return;
  throw new HttpProblem("open_children", "Close or move the sub-places of this place first.", {
    candidates: open.slice(0, 100).map((child) => ({ id: child.id, name: child.name })),
  });
}

/** Lets another place of the caller go on for this one. Entries and staff stay at the place they were made at. */
export async function mergePlace(
  central: Central,
  store: Store,
  personRef: PersonRef,
  id: string,
  into: string,
  reason: string,
): Promise<OwnPlace> {
  const { place, grant } = await ownedPlace(store, id, personRef);
  if (place.state === "merged" && place.successorId === into) return { place, grant };
  refuseEnded(place);
  const targetGrant = await store.staff.currentGrant(into, personRef);
  const target = targetGrant?.role === "owner" ? await store.checkpoints.find(into) : null;
  if (!target) throw wrongValue("/into", "not_yours", "A place is merged into another place of your own.");
  if (target.id === id) throw wrongValue("/into", "itself", "A place cannot be merged into itself.");
  if (!isOpen(target)) throw wrongValue("/into", "closed", "The place that should go on is closed itself.");
  await refuseOpenChildren(store, id);
  const changed: StoredCheckpoint = {
    ...place,
    state: "merged",
    stateSince: central.clock.now(),
    stateReason: reason,
    successorId: target.id,
  };
  return { place: await save(central, store, changed, personRef, "place_merged", reason), grant };
}

/** A new code for the posters of a place: the ones before it are outdated from now on. */
export async function reissueCode(
  central: Central,
  store: Store,
  personRef: PersonRef,
  id: string,
  reason: string,
): Promise<OwnPlace> {
  const { place, grant } = await ownedPlace(store, id, personRef);
  refuseEnded(place);
  if (place.codeNumber >= mostPlaceCodes) throw new HttpProblem("forbidden", "This place has no more code numbers.");
  const changed = { ...place, codeNumber: place.codeNumber + 1, codeIssuedAt: central.clock.now() };
  return { place: await save(central, store, changed, personRef, "place_code_reissued", reason), grant };
}

/**
 * An official's word on the declared kind. Refusing takes back an approval; the full view ends with it.
 * @throws HttpProblem `already_decided`
 */
export async function decideKind(
  central: Central,
  store: Store,
  official: PersonRef,
  id: string,
  decision: "approve" | "refuse",
  reference: string,
): Promise<StoredCheckpoint> {
  const place = await store.checkpoints.find(id);
  if (!place) throw new HttpProblem("forbidden", "You have no right over this place.");
  refuseEnded(place);
  if (place.kindDecision?.decision === decision) {
    if (place.kindDecision.reference === reference) return place;
    throw new HttpProblem("already_decided", "This kind has been decided so already, under another reference.");
  }
  const changed: StoredCheckpoint = {
    ...place,
    kindStatus: decision === "approve" ? "approved" : "declared",
    kindDecision: { decision, reference, at: central.clock.now() },
  };
  const after = await save(central, store, changed, official, "kind_decided", reference);
  if (decision === "refuse") await store.staff.clearFullView(id);
  return after;
}
