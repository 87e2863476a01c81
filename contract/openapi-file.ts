/**
 * Writes `openapi.json` beside this file from `operations`, or with `--check` tells (exit 1) that it is out of date:
 * `node contract/openapi-file.ts [--check]`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { unitLevel, unitsVersion } from "./admin-units.ts";
import { maxProofLength } from "./dpop.ts";
import { codeKind, countEvent, direction, listedEntry, wireEntry } from "./entries.ts";
import { type Operation, operations } from "./operations.ts";
import { checkpointKind } from "./places.ts";
import { entriesView, fullEntry, viewPurpose } from "./privacy.ts";
import { problem, problemBase, problemNames } from "./problem.ts";

const queryParameters: Record<string, z.ZodType> = {
  after: z.string().meta({ description: "Cursor of an earlier page or stream event: everything that came after it" }),
  limit: z.int().min(1).max(100).meta({ description: "Entries per page" }),
  direction,
  include_children: z.boolean().meta({ description: "Entries of the places below this one too" }),
  view: entriesView,
  purpose: viewPurpose.meta({ description: "Why people are looked at in full; needed with `view=full`" }),
  checkpoint_id: z.uuid(),
  version: unitsVersion,
  level: unitLevel,
  kind: checkpointKind,
  kind_status: z.enum(["declared", "approved"]),
  parent: z.string().meta({ description: "Code of the unit that holds those asked for" }),
};

const requestId = z
  .string()
  .meta({ description: "Any id of the caller; the reply carries it back, which proves that it is our server's" });

const proof = z
  .string()
  .max(maxProofLength)
  .meta({
    description:
      "Proof of possession (RFC 9449): ES256, `htu` without the query, `ath` where a token goes with it, and the `nonce` " +
      "of the newest reply. `iat` is not judged. A reply `use_dpop_nonce` carries a nonce to repeat the call with",
  });
const dpopNonce = z.string().optional().meta({ description: "Nonce of the next proof; every reply carries one" });

const problemReply = {
  description: `What went wrong (RFC 9457). \`type\` is ${problemBase} and one of: ${problemNames.join(", ")}`,
  headers: z.object({ "X-Request-Id": requestId, "DPoP-Nonce": dpopNonce }),
  content: { "application/problem+json": { schema: problem } },
};

const streamDescription =
  "Server-sent events: `entry` (ListedEntry, or FullEntry with `view=full`), `count` (CountEvent), `reset` (load the list again), " +
  "`bye` with a `reason` of `token`, `rights` or `restart`; a comment every 15 s";

function successOf(operation: Operation) {
  const headers = z.object({ "X-Request-Id": requestId, "DPoP-Nonce": dpopNonce });
  const description = operation.summary;
  if (operation.responseType === "text/event-stream") {
    const schema = z.string().meta({ description: streamDescription });
    return { description, headers, content: { "text/event-stream": { schema } } };
  }
  if (operation.fileTypes) {
    // Bytes have no schema (OpenAPI 3.1, "Considerations for file uploads").
    return { description, headers, content: Object.fromEntries(operation.fileTypes.map((type) => [type, {}])) };
  }
  if (!operation.response) return { description, headers };
  return { description, headers, content: { "application/json": { schema: operation.response } } };
}

/** One call of the contract as OpenAPI has it. `operationId` is its name in `operations`. */
function operationObject(operationId: string, operation: Operation): ZodOpenApiOperationObject {
  const pathNames = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const path = Object.fromEntries(pathNames.map((name) => [name, z.uuid()]));
  const query = Object.fromEntries((operation.query ?? []).map((name) => [name, queryOf(name).optional()]));
  const header = {
    "X-Request-Id": requestId.optional(),
    ...(operation.ifMatch ? { "If-Match": z.string().meta({ description: "ETag of what is changed" }) } : {}),
    ...(operation.auth === "public" ? {} : { DPoP: proof }),
    ...(operation.responseType === "text/event-stream" ? { "Last-Event-ID": z.string().optional() } : {}),
  };
  return {
    operationId,
    summary: operation.summary,
    security: operation.auth === "dpop" ? [{ dpop: [] }] : [],
    requestParams: { path: z.object(path), query: z.object(query), header: z.object(header) },
    ...(operation.request
      ? { requestBody: { required: true, content: { "application/json": { schema: operation.request } } } }
      : {}),
    responses: { [`${operation.success}`]: successOf(operation), "4XX": problemReply, "5XX": problemReply },
  };
}

function queryOf(name: string): z.ZodType {
  const schema = queryParameters[name];
  if (!schema) throw new Error(`Say in openapi-file.ts what the query parameter "${name}" is.`);
  return schema;
}

/** The contract as one OpenAPI 3.1 document. */
export function openApiText(): string {
  const paths: ZodOpenApiPathsObject = {};
  for (const [name, operation] of Object.entries(operations)) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationObject(name, operation) };
  }
  const document = createDocument({
    openapi: "3.1.0",
    info: {
      title: "Trạm QR central service",
      version: "1",
      description:
        "JSON bodies may be sent with `Content-Encoding: gzip`. Status codes are hints: clients switch on the `type` " +
        "of a problem and, for uploaded entries, on the status of each item. Changes within /v1 only add.",
    },
    paths,
    components: {
      schemas: {
        Entry: wireEntry,
        ListedEntry: listedEntry,
        FullEntry: fullEntry,
        CountEvent: countEvent,
        CodeKind: codeKind,
      },
      securitySchemes: {
        dpop: {
          type: "http",
          scheme: "dpop",
          description: "Access token, valid 10 minutes, bound to the key of the `DPoP` proof beside it (RFC 9449)",
        },
      },
    },
  });
  return `${JSON.stringify(document, null, 2)}\n`;
}

function main(): number {
  const file = fileURLToPath(new URL("openapi.json", import.meta.url));
  const text = openApiText();
  if (!process.argv.includes("--check")) {
    writeFileSync(file, text);
    return 0;
  }
  let onDisk = "";
  try {
    onDisk = readFileSync(file, "utf8");
  } catch {
    // Missing counts as different.
  }
  if (onDisk === text) return 0;
  console.error("contract/openapi.json does not fit the schemas: run node contract/openapi-file.ts and commit it.");
  return 1;
}

if (import.meta.main) process.exitCode = main();
