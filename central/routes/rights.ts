import { HttpProblem } from "../http-problem.ts";
import type { Grant } from "../store/staff-store.ts";
import type { Store } from "../store/store.ts";

/** The caller's current right at a place. An unknown place answers like a foreign one. @throws HttpProblem `forbidden`. */
export async function grantHere(store: Store, checkpointId: string, personRef: string): Promise<Grant> {
  const grant = await store.staff.currentGrant(checkpointId, personRef);
  if (!grant) throw new HttpProblem("forbidden", "You have no right at this checkpoint.");
  return grant;
}
