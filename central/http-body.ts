import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";
import { codeOf } from "./fault.ts";
import { HttpProblem } from "./http-problem.ts";

const inflate = promisify(gunzip);

/** Body limit of all calls but the upload, bytes. */
export const smallBodyBytes = 16 * 1024;

/** Reads JSON bodies, plain or gzip. The route's body limit bounds the bytes on the wire and the inflated text. */
export function readJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    async (request: FastifyRequest, body: Buffer) => {
      const bytes = await decoded(request, body);
      if (bytes.length === 0) return undefined;
      try {
        return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
      } catch {
        throw new HttpProblem("malformed", "The body is not valid JSON in UTF-8.");
      }
    },
  );
}

async function decoded(request: FastifyRequest, body: Buffer): Promise<Buffer> {
  const encoding = String(request.headers["content-encoding"] ?? "identity").toLowerCase();
  if (encoding === "identity") return body;
  if (encoding !== "gzip") {
    throw new HttpProblem("malformed", "Send the body plain or with Content-Encoding: gzip.", { status: 415 });
  }
  const limit = request.routeOptions.bodyLimit ?? smallBodyBytes;
  try {
    return await inflate(body, { maxOutputLength: limit });
  } catch (error) {
    if (codeOf(error) === "ERR_BUFFER_TOO_LARGE") throw tooLarge(limit);
    throw new HttpProblem("malformed", "The gzip body is damaged.");
  }
}

/** The answer to a body above `limit` bytes. */
export function tooLarge(limit: number): HttpProblem {
  return new HttpProblem("too_large", `The body is larger than ${Math.floor(limit / 1024)} KiB; send less at once.`);
}

/**
 * The request body in the form of `schema`.
 * @throws HttpProblem `malformed` without a JSON object, `validation` with one pointer per wrong value.
 */
export function bodyOf<T>(request: FastifyRequest, schema: z.ZodType<T>): T {
  if (typeof request.body !== "object" || request.body === null || Array.isArray(request.body)) {
    throw new HttpProblem("malformed", "The body must be a JSON object.");
  }
  return checked(request.body, schema);
}

/** `value` in the form of `schema`. @throws HttpProblem `validation`. */
export function checked<T>(value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues
    .slice(0, 20)
    .map((issue) => ({ pointer: pointerOf(issue.path), code: issue.code }));
  throw new HttpProblem("validation", `Not valid: ${errors.map((error) => error.pointer || "/").join(", ")}.`, {
    errors,
  });
}

/** JSON Pointer (RFC 6901). Only places named by a schema are named, so that no value gets into an answer. */
function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** A refused form value that the schema alone cannot judge. */
export function wrongValue(pointer: string, code: string, detail: string): HttpProblem {
  return new HttpProblem("validation", detail, { errors: [{ pointer, code }] });
}
