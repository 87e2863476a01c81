import type { FastifyReply } from "fastify";
import { proofAlgorithm } from "../contract/dpop.ts";
import { type Problem, type ProblemName, problemBase } from "../contract/problem.ts";

const known: Record<ProblemName, readonly [status: number, title: string]> = {
  malformed: [400, "The request cannot be read"],
  invalid_grant: [400, "The sign-in has ended"],
  wrong_code: [400, "The code is wrong"],
  authorization_pending: [400, "Nobody has decided yet"],
  slow_down: [400, "Ask less often"],
  access_denied: [400, "The owner has refused"],
  expired_token: [400, "The code has ended"],
  invalid_token: [401, "The access token is not valid"],
  use_dpop_nonce: [401, "The proof needs the nonce of this reply"],
  invalid_dpop_proof: [401, "The proof of the key is not valid"],
  forbidden: [403, "Not allowed"],
  device_not_enrolled: [403, "This machine is not enrolled"],
  phone_not_authorised: [403, "This phone has no right here"],
  role_too_high: [403, "This role is above yours"],
  owner_limit: [403, "This owner has as many places as allowed"],
  masked_only: [403, "Only the masked view is allowed"],
  not_found: [404, "Not found"],
  in_progress: [409, "Already in progress"],
  last_owner: [409, "The last owner cannot be removed"],
  already_staff: [409, "This phone is already staff here"],
  looks_like_existing: [409, "This looks like a place that exists"],
  open_children: [409, "The place has open sub-places"],
  already_decided: [409, "This has been decided already"],
  challenge_expired: [410, "The one-time code has ended"],
  cursor_expired: [410, "The cursor cannot be used any more"],
  version_changed: [412, "Somebody changed it meanwhile"],
  closed: [410, "This place is closed"],
  invitation_ended: [410, "The invitation has ended"],
  too_large: [413, "The request is too large"],
  validation: [422, "A value is not valid"],
  id_conflict: [422, "This id is taken by other content"],
  unknown_unit: [422, "This administrative unit is not in the list"],
  full_view_not_allowed: [422, "The full view cannot be given here"],
  precondition_required: [428, "Say which version is changed"],
  rate_limited: [429, "Too many requests"],
  locked: [429, "Locked for a while"],
  too_many_streams: [429, "Too many open streams"],
  unavailable: [503, "Not available now"],
};

export interface ProblemExtras
  extends Pick<Problem, "errors" | "attempts_left" | "staff_id" | "reason" | "version" | "candidates"> {
  /** Another status than the usual one of this type. */
  readonly status?: number;
  /** Seconds for the `Retry-After` header. */
  readonly retryAfterS?: number;
}

/** An answer that is not a success: thrown anywhere below a route, sent as `application/problem+json`. */
export class HttpProblem extends Error {
  readonly type: ProblemName;
  readonly extras: ProblemExtras;

  /** `detail` is one clear sentence for a person; it never quotes personal data. */
  constructor(type: ProblemName, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.name = "HttpProblem";
    this.type = type;
    this.extras = extras;
  }
}

/** Sends one problem. */
export function sendProblem(reply: FastifyReply, problem: HttpProblem): FastifyReply {
  const [usualStatus, title] = known[problem.type];
  const { status = usualStatus, retryAfterS, ...extras } = problem.extras;
  const body: Problem = { type: `${problemBase}${problem.type}`, title, status, detail: problem.message, ...extras };
  if (retryAfterS !== undefined) reply.header("retry-after", String(Math.max(1, Math.ceil(retryAfterS))));
  if (status === 401) reply.header("www-authenticate", challengeOf(problem.type));
  return reply
    .code(status)
    .header("cache-control", "no-store")
    .type("application/problem+json; charset=utf-8")
    .send(JSON.stringify(body));
}

/** RFC 9449, section 7.1. */
function challengeOf(type: ProblemName): string {
  const error = type === "use_dpop_nonce" || type === "invalid_dpop_proof" ? type : "invalid_token";
  return `DPoP algs="${proofAlgorithm}", error="${error}"`;
}
