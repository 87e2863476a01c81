import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ProofCheck } from "./dpop.ts";
import { codeOf } from "./fault.ts";
import { tooLarge } from "./http-body.ts";
import { HttpProblem, sendProblem } from "./http-problem.ts";

/** What an API answer may do in a browser: nothing. */
const apiPolicy = "default-src 'none'; frame-ancestors 'none'";

/** The caller's request id when it is a harmless one, else a new one. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === "string" && /^[\w.:-]{1,100}$/.test(header) ? header : randomUUID();
}

/** Headers of every answer, also of those past the hooks. */
export function commonHeaders(requestId: string): Record<string, string> {
  return {
    "x-request-id": requestId,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": apiPolicy,
  };
}

/** Rules of every answer: request id, security headers, problems for all errors, a log line without any value. */
export function applyHttpRules(server: FastifyInstance, proofs: Pick<ProofCheck, "nonce">): void {
  server.addHook("onRequest", async (request, reply) => {
    reply.headers(commonHeaders(request.id));
    if (!request.url.startsWith("/v1/")) return;
    reply.headers({ "cache-control": "no-store", "dpop-nonce": proofs.nonce() });
  });
  server.addHook("onResponse", async (request, reply) => noteAnswered(request, reply));
  server.setNotFoundHandler((request, reply) =>
    sendProblem(reply, new HttpProblem("not_found", `There is no ${request.method} call at this address.`)),
  );
  server.setErrorHandler((error, request, reply) => sendProblem(reply, problemFor(error, request)));
}

/** The one line that the log has of a call, also of one that never reached a route. */
export function noteAnswered(request: FastifyRequest, reply: FastifyReply): void {
  request.log.info(
    {
      method: request.method,
      // The pattern, never the address: an unknown path can hold anything.
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    },
    "answered",
  );
}

/** The problem for anything thrown below a route. */
export function problemFor(error: unknown, request: FastifyRequest): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const code = codeOf(error);
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return tooLarge(request.routeOptions.bodyLimit ?? 0);
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return new HttpProblem("malformed", "Send the body as Content-Type: application/json.", { status: 415 });
  }
  const status = statusOf(error);
  if (status >= 400 && status < 500) {
    return new HttpProblem("malformed", "The request cannot be read.", { status });
  }
  request.log.error({ fault: faultOf(error) }, "a call failed");
  return new HttpProblem("unavailable", "The service cannot answer this now; try again.", { retryAfterS: 5 });
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : 500;
  return typeof status === "number" ? status : 500;
}

/** Where and of which kind a fault was. Its message is left out: it may quote what somebody sent. */
export function faultOf(error: unknown): { name: string; code: string; at: string[] } {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return {
    name: error instanceof Error ? error.name : typeof error,
    code: codeOf(error),
    at: frames.slice(0, 8).map((line) => line.trim()),
  };
}
