import type { Checkpoint, CheckpointDetail, OverseenPage } from "../contract/places.ts";
import type { Central } from "./context.ts";
import { namedAddress } from "./place-address.ts";
import { fullViewPossible } from "./policy.ts";
import type { StoredCheckpoint } from "./store/checkpoint-store.ts";
import type { Grant } from "./store/staff-store.ts";
import type { Store } from "./store/store.ts";

/** The code to print for a place. */
export function placeCodeOf(central: Central, place: StoredCheckpoint): NonNullable<Checkpoint["place_code"]> {
  const { id: checkpointId, codeNumber: number, codeIssuedAt: issuedAt } = place;
  return central.codes.placeCode(central.publicUrl(), { checkpointId, number, issuedAt });
}

const timeOf = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** A place as somebody with this grant may know it. */
export function checkpointOf(
  central: Central,
  place: StoredCheckpoint,
  grant: Pick<Grant, "role" | "fullView">,
): Checkpoint {
  const fullView = fullViewPossible(place.kind, place.kindStatus);
  return {
    id: place.id,
    version: place.version,
    name: place.name,
    kind: place.kind,
    kind_status: place.kindStatus,
    kind_decision: kindDecisionOf(place),
    state: place.state,
    state_since: timeOf(place.stateSince),
    state_reason: grant.role === "scanner" ? null : place.stateReason,
    successor_id: place.successorId,
    parent_id: place.parentId,
    part: place.part,
    address: namedAddress(place.address),
    inherits: { address: place.inheritsAddress, retention: place.inheritsRetention },
    policy: { ...place.policy, full_view: fullView },
    legal_basis: place.legalBasis,
    retention_days: place.retentionDays,
    notice: place.notice,
    role: grant.role,
    full_view: fullView && grant.fullView,
    place_code: placeCodeOf(central, place),
    created_at: timeOf(place.createdAt),
  };
}

/** A place as an official over its units may know it: without its phone. */
export function overseenPlaceOf(place: StoredCheckpoint): OverseenPage["items"][number] {
  return {
    id: place.id,
    version: place.version,
    name: place.name,
    kind: place.kind,
    kind_status: place.kindStatus,
    kind_decision: kindDecisionOf(place),
    state: place.state,
    parent_id: place.parentId,
    part: place.part,
    address: namedAddress(place.address),
    created_at: timeOf(place.createdAt),
  };
}

/** What was decided about the kind last. */
export function kindDecisionOf({ kindDecision }: StoredCheckpoint): Checkpoint["kind_decision"] {
  return kindDecision && { ...kindDecision, at: new Date(kindDecision.at).toISOString() };
}

/** The place with its relatives. */
export async function checkpointDetailOf(
  central: Central,
  store: Store,
  place: StoredCheckpoint,
  grant: Grant,
): Promise<CheckpointDetail> {
  const relativeOf = ({ id, name, part, state }: StoredCheckpoint) => ({ id, name, part, state });
  const merged: CheckpointDetail["merged_from"] = [];
  for (const id of await store.checkpoints.withMerged(place.id)) {
    const other = id === place.id ? null : await store.checkpoints.find(id);
    if (other) merged.push(relativeOf(other));
  }
  return {
    ...checkpointOf(central, place, grant),
    phone: grant.role === "owner" ? place.phone : null,
    parents: (await store.checkpoints.parents(place.id)).map(relativeOf),
    children: (await store.checkpoints.children(place.id)).map(relativeOf),
    merged_from: merged,
  };
}
