import { z } from "zod";

/** Base of every error `type`; the last path segment is the stable name clients switch on (RFC 9457). */
export const problemBase = "https://tram-qr.example/problems/";

export const problemNames = [
  "malformed",
  "invalid_grant",
  "wrong_code",
  "authorization_pending",
  "slow_down",
  "access_denied",
  "expired_token",
  "invalid_token",
  "use_dpop_nonce",
  "invalid_dpop_proof",
  "forbidden",
  "device_not_enrolled",
  "phone_not_authorised",
  "device_not_enrolled",
  "role_too_high",
  "owner_limit",
  "masked_only",
  "not_found",
  "in_progress",
  "last_owner",
  "already_staff",
  "looks_like_existing",
  "open_children",
  "already_decided",
  "challenge_expired",
  "invitation_ended",
  "cursor_expired",
  "closed",
  "version_changed",
  "too_large",
  "validation",
  "id_conflict",
  "unknown_unit",
  "full_view_not_allowed",
  "precondition_required",
  "rate_limited",
  "locked",
  "too_many_streams",
  "unavailable",
] as const;

export type ProblemName = (typeof problemNames)[number];

/** `application/problem+json` body. Unknown `type`s are treated by their status class. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string() })).optional(),
    attempts_left: z.int().optional(),
    staff_id: z.string().optional(),
    reason: z.string().optional(),
    /** With `version_changed`: the version that is current now. */
    version: z.int().optional(),
    /** What it could be instead: units of an address, places that look like the new one. */
    candidates: z
      .array(
        z.object({
          /** Of a place, where it is the caller's own. */
          id: z.string().optional(),
          /** Of a unit. */
          code: z.string().optional(),
          name: z.string(),
          detail: z.string().optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: "Problem" });

export type Problem = z.infer<typeof problem>;

/** The stable name in a problem `type`, or null when it is not one of ours. */
export function problemName(type: string): ProblemName | null {
  const name = type.startsWith(problemBase) ? type.slice(problemBase.length) : "";
  return problemNames.find((known) => known === name) ?? null;
}
