import { fullViewSignInMs } from "../contract/limits.ts";
import type { Role } from "../contract/people.ts";
import { type CheckpointKind, fullViewKinds } from "../contract/places.ts";
import type { EntriesView, MaskedOnlyReason } from "../contract/privacy.ts";
import type { ViewDecision, ViewQuestion } from "../contract/view-question.ts";
import { HttpProblem } from "./http-problem.ts";
import type { LateBecause } from "./store/entry-store.ts";
import type { Grant } from "./store/staff-store.ts";

/** What a gate may decide by itself. */
export const gatePolicyDefaults = { record_when_expired: true, rescan_s: 3 } as const;

/** Whether a place of this kind may have anybody see people in full. */
export function fullViewPossible(kind: CheckpointKind, kindStatus: "declared" | "approved"): boolean {
  return fullViewKinds.includes(kind) && kindStatus === "approved";
}

/**
 * Who sees what of the people at a place: the one decision of every list, stream and export. Officials see no person
 * at all, whatever else their phone may do. Stations decide by `agent/policy.ts`; `testing/policy-table.ts` holds both
 * to the same table.
 */
export function viewOf(question: ViewQuestion): ViewDecision {
  const { audience, role, kind, kindStatus, fullView, signInAgeMs, wanted, purpose } = question;
  if (role === null || audience === "official" || audience === "device") return { view: "refused" };
  if (wanted === "masked") return { view: "masked" };
  if (!fullViewKinds.includes(kind)) return { view: "masked-only", reason: "kind" };
  if (kindStatus !== "approved") return { view: "masked-only", reason: "not_approved" };
  if (!fullView) return { view: "masked-only", reason: "no_flag" };
  if (!(signInAgeMs >= 0 && signInAgeMs <= fullViewSignInMs)) return { view: "masked-only", reason: "stale_sign_in" };
  if (purpose === null) return { view: "masked-only", reason: "no_purpose" };
  return { view: "full" };
}

const maskedOnlyBecause: Record<MaskedOnlyReason, string> = {
  kind: "Places of this kind never show people in full.",
  not_approved: "The kind of this place is not approved yet, so people are shown masked.",
  no_flag: "You have not been given the full view; ask the owner of the place.",
  stale_sign_in: "Sign in again with a one-time code to see people in full.",
  no_purpose: "Say why people are looked at in full.",
};

/** The view that was wanted. @throws HttpProblem `forbidden` or `masked_only` with its reason. */
export function allowedView(question: ViewQuestion): EntriesView {
  const decision = viewOf(question);
  switch (decision.view) {
    case "masked":
    case "full":
      return decision.view;
    case "masked-only":
      throw new HttpProblem("masked_only", maskedOnlyBecause[decision.reason], { reason: decision.reason });
    case "refused":
      throw new HttpProblem("forbidden", "You have no right at this checkpoint.");
  }
}

/** How far a list reaches, in whichever view. */
export interface ListView {
  /** Scanners see this window whatever they ask for; null: the whole list, in pages. */
  readonly window: { readonly entries: number; readonly ms: number } | null;
}

const scannerWindow = { entries: 20, ms: 15 * 60_000 } as const;

export function listViewOf(role: Role): ListView {
  return { window: role === "scanner" ? scannerWindow : null };
}

/** Which staff a role may see, add and remove. */
export function rolesManagedBy(role: Role): readonly Role[] {
  switch (role) {
    case "owner":
      return ["scanner", "supervisor", "owner"];
    case "supervisor":
      return ["scanner"];
    case "scanner":
      return [];
  }
}

/**
 * Whether a credential with these grants at a checkpoint may bring a scan made at `scannedAt`. A right of today
 * covers old scans too; an ended one covers what was scanned before its end, so that rows of a removed scanner
 * arrive weeks later. A scan time nobody knows is not a reason to refuse.
 */
export function mayUpload(grants: readonly Grant[], scannedAt: number, timeKnown: boolean): boolean {
  return grants.some(
    ({ validFrom, validTo }) => validTo === null || !timeKnown || (validFrom <= scannedAt && scannedAt < validTo),
  );
}

/** Under which right a scan was made: `valid`, or which one had ended (or never was) when it was made. */
export type ScanRight = "valid" | LateBecause;

/** What the right to make a scan rests on. */
export interface ScanJudged {
  /** Rights at the place of the member on duty; null when nobody was signed in. */
  readonly staffGrants: readonly Grant[] | null;
  /** When the machine was revoked; null while it is valid. */
  readonly deviceRevokedAt: number | null;
  readonly scannedAt: number;
  readonly timeKnown: boolean;
}

/** A scan is judged by the moment it was made; one whose time nobody knows is taken. */
export function scanRight({ staffGrants, deviceRevokedAt, scannedAt, timeKnown }: ScanJudged): ScanRight {
  if (deviceRevokedAt !== null && timeKnown && scannedAt >= deviceRevokedAt) return "device";
  if (staffGrants !== null && !mayUpload(staffGrants, scannedAt, timeKnown)) return "staff";
  return "valid";
}

/** What the place's rule makes of a scan: stored as any other, stored and marked, held, or refused. */
export function lateScanOf(
  right: ScanRight,
  rule: "hold" | "accept" | "refuse",
): { readonly because: LateBecause; readonly review: "held" | "accepted" } | "refused" | null {
  if (right === "valid") return null;
  switch (rule) {
    case "hold":
      return { because: right, review: "held" };
    case "accept":
      return { because: right, review: "accepted" };
    case "refuse":
      return "refused";
  }
}
