import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { HttpProblem } from "./http-problem.ts";

/** A JSON answer with the tag made from it. */
export interface TaggedText {
  readonly text: string;
  readonly etag: string;
}

export function tagged(value: object): TaggedText {
  const text = JSON.stringify(value);
  return { text, etag: `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"` };
}

/** Answers `value`, or 304 to a caller who has it already: the tag is made from what would be sent. */
export function sendTagged(request: FastifyRequest, reply: FastifyReply, value: object): FastifyReply {
  const { text, etag } = tagged(value);
  return sendWithTag(request, reply, etag, () => text);
}

/** The same with a tag the caller knows; `text` is made only when it is sent. */
export function sendWithTag(
  request: FastifyRequest,
  reply: FastifyReply,
  etag: string,
  text: () => string,
): FastifyReply {
  reply.header("etag", etag);
  const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known.includes(etag)) return reply.code(304).send();
  return reply.type("application/json; charset=utf-8").send(text());
}

/** The tag of an answer that shows more than what the version counts: `If-Match` looks at the version in it only. */
export function detailTag(version: number, text: string): string {
  return `"${version}-${createHash("sha256").update(text).digest("base64url").slice(0, 16)}"`;
}

/** The ETag of a version that counts. */
export function versionTag(version: number): string {
  return `"${version}"`;
}

/** The version a change was made from. @throws HttpProblem `precondition_required` when none is named. */
export function wantedVersion(request: FastifyRequest): number {
  const named = /^(?:W\/)?"(\d{1,9})(?:-[^"]*)?"$/.exec(request.headers["if-match"] ?? "")?.[1];
  if (named === undefined) {
    throw new HttpProblem("precondition_required", "Send If-Match with the ETag of what you have read.");
  }
  return Number(named);
}

/** @throws HttpProblem `version_changed` with the version that is current now */
export function refuseOldVersion(wanted: number, current: number): void {
  if (wanted !== current) {
    throw new HttpProblem("version_changed", "Somebody changed this meanwhile: look at it again, then repeat.", {
      version: current,
    });
  }
}
