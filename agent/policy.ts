import { fullViewSignInMs } from "../contract/limits.ts";
import type { Role } from "../contract/people.ts";
import { type Checkpoint, fullViewKinds } from "../contract/places.ts";
import type { MaskedOnlyReason } from "../contract/privacy.ts";
import type { ViewDecision, ViewQuestion } from "../contract/view-question.ts";
import type { Code } from "./codes/code.ts";
import { fullPerson, type MaskedPerson, maskedPerson } from "./codes/person.ts";
import type { StaffView } from "./kiosk-port/view.ts";

/** What keeps a screen masked, in the order it is told. */
const obstacles: readonly (readonly [reason: MaskedOnlyReason, isThere: (question: ViewQuestion) => boolean])[] = [
  ["kind", ({ kind }) => !fullViewKinds.includes(kind)],
  ["not_approved", ({ kindStatus }) => kindStatus !== "approved"],
  ["no_flag", ({ fullView }) => !fullView],
  ["stale_sign_in", ({ signInAgeMs }) => !(signInAgeMs >= 0 && signInAgeMs <= fullViewSignInMs)],
  ["no_purpose", ({ purpose }) => purpose === null],
];

/**
 * Who sees what at this station: what the centre decides in `central/policy.ts`, from what this machine remembers.
 * `testing/policy-table.ts` holds both to the same table. `refused` shows no list; whoever scans still sees its own
 * masked name.
 */
export function viewOf(question: ViewQuestion): ViewDecision {
  const isStaff = question.audience === "staff" || question.audience === "owner";
  if (!isStaff || question.role === null) return { view: "refused" };
  if (question.wanted === "masked") return { view: "masked" };
  const [reason] = obstacles.find(([, isThere]) => isThere(question)) ?? [];
  return reason === undefined ? { view: "full" } : { view: "masked-only", reason };
}

/**
 * Whether this station's screen shows who scans in full: to the member on duty, for the purpose a gate has. Such a scan
 * is marked `shown-in-full` on its row, which is its line of the access log and is on the disk before it is shown.
 */
export function showsInFull(
  place: Pick<Checkpoint, "kind" | "kind_status"> | null,
  member: { readonly role: Role; readonly fullView: boolean; readonly expired: boolean } | null,
  proofAgeMs: number,
): boolean {
  if (place === null || member === null || member.expired) return false;
  const decision = viewOf({
    audience: "staff",
    role: member.role,
    kind: place.kind,
    kindStatus: place.kind_status,
    fullView: member.fullView,
    signInAgeMs: proofAgeMs,
    wanted: "full",
    purpose: "identity_check",
  });
  return decision.view === "full";
}

/** A person as the screen may show it. */
export function shownPerson(code: Code, inFull: boolean): MaskedPerson {
  return inFull ? fullPerson(code) : maskedPerson(code);
}

/** What whoever is on duty may do at the screen of this machine. */
export interface ScreenRights {
  readonly may: StaffView["may"];
  /** How many of the recent entries the staff panel lists. */
  readonly recentEntries: number;
}

const nothing: ScreenRights = {
  may: { testReaders: false, sendRefusedAgain: false, forgetOthers: false, enrolAgain: false },
  recentEntries: 0,
};

/**
 * Anybody may touch the screen of a gate: what disturbs it needs a supervisor on duty. A machine that knows no staff yet is
 * being set up, and its readers may be tested. Commands of the machine's own user ask nobody.
 */
export function screenRights(
  duty: { readonly role: Role; readonly expired: boolean } | "nobody" | "nobody-known",
): ScreenRights {
  if (duty === "nobody-known") return { ...nothing, may: { ...nothing.may, testReaders: true } };
  if (duty === "nobody") return nothing;
  const leads = duty.role !== "scanner" && !duty.expired;
  return {
    may: { testReaders: leads, sendRefusedAgain: leads, forgetOthers: leads, enrolAgain: leads },
    recentEntries: duty.expired ? 0 : leads ? 20 : 8,
  };
}
