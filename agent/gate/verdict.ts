import type { Code } from "../codes/code.ts";
import { isInside, type Presence } from "./presence.ts";

export type Direction = "in" | "out";
export type LaneDirection = Direction | "auto";

/** Marks written on the row; the same names as on the wire. */
export type Mark = "no-duty" | "duty-expired" | "confirmed-by-staff" | "inconsistent-card" | "shown-in-full";

export type RepeatReason = "same-scan" | "already-inside" | "already-outside";
export type AskReason = "inconsistent-card" | "number-only" | "ambiguous-number";
export type RefuseReason =
  | "place-code"
  | "place-code-own"
  | "place-code-outdated"
  | "place-code-genuine"
  | "place-code-forged"
  | "place-code-unchecked"
  | "place-suspended"
  | "place-closed"
  | "old-declaration"
  | "paper-label"
  | "unknown-code"
  | "truncated"
  | "damaged"
  | "code-page"
  | "input-method"
  | "letters-lost"
  | "inconsistent-number"
  | "spoiled"
  | "no-person"
  | "sign-in-required"
  | "not-set-up"
  | "revoked"
  | "invitation"
  | "not-recorded"
  | "not-confirmed";

export type Verdict =
  | { readonly kind: "accept"; readonly direction: Direction; readonly marks: readonly Mark[] }
  | { readonly kind: "repeat"; readonly reason: RepeatReason; readonly direction: Direction; readonly sinceMs: number }
  | { readonly kind: "ask"; readonly reason: AskReason; readonly direction: Direction; readonly marks: readonly Mark[] }
  | { readonly kind: "refuse"; readonly reason: RefuseReason };

export interface GatePolicy {
  /** The same payload on the same reader within this time is one scan. */
  readonly rescanMs: number;
  /** A stay without any sighting ends after this time. */
  readonly forgottenExitAfterMs: number;
  /** A second exit within this time is the same exit; later it is an exit whose entry was missed. */
  readonly repeatedExitWithinMs: number;
  /** Record scans although nobody is signed in or the credential ended; the row is marked. */
  readonly recordWithoutDuty: boolean;
}

export const defaultGatePolicy: GatePolicy = {
  rescanMs: 3_000,
  forgottenExitAfterMs: 12 * 3_600_000,
  repeatedExitWithinMs: 5 * 60_000,
  recordWithoutDuty: true,
};

/** Everything the decision rests on; the caller reads presence and duty, this folder reads nothing. */
export interface Sighting {
  readonly code: Code;
  /** True when the same payload came from the same reader less than `rescanMs` ago. */
  readonly sameScan: boolean;
  readonly lane: LaneDirection;
  /** Null when the code names a person never seen here. */
  readonly presence: Presence | null;
  readonly personKnown: boolean;
  readonly duty: "signed-in" | "expired" | "none";
  /** A screen is connected, so that staff can answer a question. */
  readonly attended: boolean;
  /** The screen will show the person in full. */
  readonly shownInFull: boolean;
  readonly nowMs: number;
}

/**
 * What to do with one scan. Order: is it a person at all, is it the same scan, may we record, in or out, and
 * only then whether staff must look first. Total and pure.
 */
export function decide(sighting: Sighting, policy: GatePolicy): Verdict {
  const refusal = refuseReason(sighting.code);
  if (refusal) return { kind: "refuse", reason: refusal };
  if (!sighting.personKnown) return { kind: "refuse", reason: "no-person" };

  const inside = isInside(sighting.presence, sighting.nowMs, policy.forgottenExitAfterMs);
  const direction: Direction = sighting.lane === "auto" ? (inside ? "out" : "in") : sighting.lane;
  const sinceMs = sighting.presence?.sinceMs ?? sighting.nowMs;
  if (sighting.sameScan) return { kind: "repeat", reason: "same-scan", direction: lastDirection(sighting), sinceMs };
  if (sighting.duty !== "signed-in" && !policy.recordWithoutDuty) return { kind: "refuse", reason: "sign-in-required" };
  if (direction === "in" && inside) return { kind: "repeat", reason: "already-inside", direction, sinceMs };
  if (direction === "out" && justLeft(sighting, policy)) {
    return { kind: "repeat", reason: "already-outside", direction, sinceMs };
  }

  const marks: Mark[] = [];
  if (sighting.duty === "none") marks.push("no-duty");
  if (sighting.duty === "expired") marks.push("duty-expired");
  if (sighting.shownInFull) marks.push("shown-in-full");
  const doubt = askReason(sighting.code);
  if (doubt === null) return { kind: "accept", direction, marks };
  if (sighting.attended) return { kind: "ask", reason: doubt, direction, marks };
  // Nobody can answer at a headless gate. A card that contradicts itself still names a person and is recorded with
  // a mark (never a forgery verdict: numbers and birth dates are lawfully corrected); a bare number may be any barcode.
  return doubt === "inconsistent-card"
    ? { kind: "accept", direction, marks: [...marks, "inconsistent-card"] }
    : { kind: "refuse", reason: "not-confirmed" };
}

function lastDirection(sighting: Sighting): Direction {
  if (sighting.lane !== "auto") return sighting.lane;
  return sighting.presence?.inside === false ? "out" : "in";
}

function justLeft(sighting: Sighting, policy: GatePolicy): boolean {
  const { presence, nowMs } = sighting;
  return presence !== null && !presence.inside && nowMs - presence.sinceMs < policy.repeatedExitWithinMs;
}

function askReason(code: Code): AskReason | null {
  if (code.kind === "number") return code.form === "social-insurance" ? "ambiguous-number" : "number-only";
  if (code.warnings.includes("sex-mismatch") || code.warnings.includes("birth-year-mismatch")) {
    return "inconsistent-card";
  }
  return null;
}

function refuseReason(code: Code): RefuseReason | null {
  switch (code.kind) {
    case "cccd":
    case "bhyt":
    case "personal":
    case "certificate":
    case "tram-personal":
      return null;
    case "number":
      return code.form === "paper-label" ? "paper-label" : null;
    case "place":
    case "tram-place":
      return "place-code";
    case "tram-invitation":
      return "invitation";
    case "declaration":
      return "old-declaration";
    case "unknown":
      return "unknown-code";
    case "damaged":
      return damageReason(code.fields.reason);
  }
}

function damageReason(reason: Extract<Code, { kind: "damaged" }>["fields"]["reason"]): RefuseReason {
  switch (reason) {
    case "truncated":
    case "lost-start":
      return "truncated";
    case "letters-lost":
      return "letters-lost";
    case "input-method":
      return "input-method";
    case "code-page":
      return "code-page";
    case "impossible-date":
    case "impossible-number":
      return "inconsistent-number";
    case "bad-field":
    case "does-not-inflate":
    case "ambiguous-repair":
      return "damaged";
  }
}
