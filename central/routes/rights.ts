import type { EntriesView, ViewPurpose } from "../../contract/privacy.ts";
import type { ViewQuestion } from "../../contract/view-question.ts";
import type { Central } from "../context.ts";
import { HttpProblem } from "../http-problem.ts";
import type { FullLook } from "../listing.ts";
import { allowedView, viewOf } from "../policy.ts";
import type { Grant } from "../store/staff-store.ts";
import type { Store } from "../store/store.ts";
import type { Caller } from "../tokens.ts";

/** The caller's current right at a place. An unknown place answers like a foreign one. @throws HttpProblem `forbidden`. */
export async function grantHere(store: Store, checkpointId: string, personRef: string): Promise<Grant> {
  const grant = await store.staff.currentGrant(checkpointId, personRef);
  if (!grant) throw new HttpProblem("forbidden", "You have no right at this checkpoint.");
  return grant;
}

/**
 * The caller's right as owner of a place, by a sign-in as such: one of a gate lies for months on a machine that strangers
 * stand before, so that it decides nothing an owner decides.
 * @throws HttpProblem `forbidden`.
 */
export async function ownerHere(
  store: Store,
  checkpointId: string,
  { personRef, audience }: Pick<Caller, "personRef" | "audience">,
): Promise<Grant> {
  const grant = await grantHere(store, checkpointId, personRef);
  if (grant.role !== "owner") throw new HttpProblem("forbidden", "Only an owner of this place may do this.");
  if (audience !== "owner") throw new HttpProblem("forbidden", "Sign in as an owner on the owner's page for this.");
  return grant;
}

/** How people are wanted to be seen. */
export interface WantedView {
  readonly view: EntriesView;
  readonly purpose: ViewPurpose | null;
  readonly includeChildren: boolean;
}

/** What a caller may see: by which right, and the places whose entries make up the list. */
export interface AllowedView {
  readonly grant: Grant;
  readonly checkpointIds: readonly string[];
  /** Null for the masked view. */
  readonly look: FullLook | null;
}

/**
 * What `central/policy.ts` lets the caller see of the people at a place. Places below it are added as far as the
 * caller may see them in the same view, and those merged into any of them; each is judged by its own kind.
 * @throws HttpProblem `forbidden`, or `masked_only` with its reason.
 */
export async function viewHere(
  { store, clock }: Central,
  checkpointId: string,
  caller: Caller,
  { view, purpose, includeChildren }: WantedView,
): Promise<AllowedView> {
  const questionFor = async (id: string, grant: Grant): Promise<ViewQuestion | null> => {
    const place = await store.checkpoints.find(id);
    if (!place) return null;
    return {
      audience: caller.audience,
      role: grant.role,
      kind: place.kind,
      kindStatus: place.kindStatus,
      fullView: grant.fullView,
      signInAgeMs: clock.now() - caller.signedInAt,
      wanted: view,
      purpose,
    };
  };
  const grant = await grantHere(store, checkpointId, caller.personRef);
  const question = await questionFor(checkpointId, grant);
  if (!question) throw new HttpProblem("forbidden", "You have no right at this checkpoint.");
  allowedView(question);
  const checkpointIds = new Set([checkpointId]);
  for (const id of includeChildren ? await store.checkpoints.tree(checkpointId) : [checkpointId]) {
    const here = id === checkpointId ? grant : await store.staff.currentGrant(id, caller.personRef);
    if (!here) continue;
    for (const merged of await store.checkpoints.withMerged(id)) {
      const asked = await questionFor(merged, here);
      if (asked && viewOf(asked).view === view) checkpointIds.add(merged);
    }
  }
  const look = view === "full" && purpose !== null ? { personRef: caller.personRef, purpose } : null;
  return { grant, checkpointIds: [...checkpointIds], look };
}
