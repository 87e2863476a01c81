import { signal } from "@preact/signals";
import { type CallProblem, problemOf } from "./api.ts";
import { ask, placeUrl } from "./service.ts";

/** A removal that was asked for and is not confirmed by the service yet. */
export interface Removal {
  readonly placeId: string;
  readonly staffId: string;
  readonly name: string;
  /** Why the last try did not succeed; null while one is under way. */
  readonly problem: CallProblem | null;
}

/** Removals under way. They outlive the page they were asked on, and are never shown as done before they are. */
export const removals = signal<readonly Removal[]>([]);

const firstWaitMs = 2_000;
const longestWaitMs = 30_000;
/** What trying again may mend. */
const passing = new Set(["network", "unavailable", "rate_limited"]);

/**
 * Ends a grant, trying again for as long as the service cannot be reached; true when it is gone. A refusal of the
 * service ends the tries and is shown until it is put away.
 */
export async function removeStaff(
  { placeId, staffId, name }: Omit<Removal, "problem">,
  wait: (ms: number) => Promise<void> = (ms) => new Promise((done) => setTimeout(done, ms)),
): Promise<boolean> {
  if (removals.peek().some((each) => each.staffId === staffId)) return false;
  const show = (problem: CallProblem | null) => {
    removals.value = [...others(staffId), { placeId, staffId, name, problem }];
  };
  show(null);
  for (let tries = 0; ; tries += 1) {
    try {
      await ask(placeUrl(placeId, `/staff/${encodeURIComponent(staffId)}`), { method: "DELETE" });
      removals.value = others(staffId);
      return true;
    } catch (error) {
      const problem = problemOf(error);
      show(problem);
      if (!passing.has(problem.problem)) return false;
      await wait(Math.max(problem.retryAfterS * 1000, Math.min(longestWaitMs, firstWaitMs * 2 ** tries)));
      if (!removals.peek().some((each) => each.staffId === staffId)) return false;
    }
  }
}

const others = (staffId: string): readonly Removal[] => removals.peek().filter((each) => each.staffId !== staffId);

/** Puts a removal away; one that still runs is given up. */
export function putAway(staffId: string): void {
  removals.value = others(staffId);
}
