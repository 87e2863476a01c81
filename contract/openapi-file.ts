import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { createDocument, type ZodOpenApiOperationObject } from "zod-openapi";
import { countEvent, wireEntry } from "./entries.ts";
import { type Operation, operations } from "./operations.ts";
import { problem, problemBase, problemNames } from "./problem.ts";

const path = fileURLToPath(new URL("openapi.json", import.meta.url));

const requestId = {
  "X-Request-Id": {
    description: "The request's id, repeated; made by the service when absent.",
    schema: { type: "string" as const },
  },
};

/** Query parameters by name; their meaning does not depend on the call. */
const queryParameters: Record<string, z.ZodType> = {
  after: z.string().max(100).optional().meta({ description: "Cursor of an earlier reply or stream event." }),
  limit: z.int().min(1).max(100).optional().meta({ description: "Items per page." }),
  direction: z.enum(["in", "out"]).optional().meta({ description: "Only this direction." }),
};

/** The contract as an OpenAPI 3.1 document, made from the schemas both ends use. */
export function openapiDocument(): ReturnType<typeof createDocument> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [name, operation] of Object.entries<Operation>(operations)) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationObject(name, operation) };
  }
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "Trạm QR checkpoint service",
      version: "1",
      description: [
        "Clients switch on the last segment of a problem's `type`, never on text; unknown fields are ignored.",
        `Problem types: ${problemNames.map((name) => `\`${name}\``).join(", ")}.`,
        "Request bodies may be sent with `Content-Encoding: gzip`.",
      ].join("\n\n"),
    },
    paths,
    components: {
      // Items of a batch are checked one by one and stream data has no place in a reply: named here to be found.
      schemas: { Problem: problem, Entry: wireEntry, CountEvent: countEvent },
      securitySchemes: { bearer: { type: "http", scheme: "bearer", description: "Access token of /v1/auth." } },
    },
  });
}

function operationObject(name: string, operation: Operation): ZodOpenApiOperationObject {
  const parameters = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, parameter = ""]) => parameter);
  const query = (operation.query ?? []).map((parameter) => [parameter, queryParameters[parameter] ?? z.string()]);
  return {
    operationId: name,
    summary: operation.summary,
    security: operation.auth === "bearer" ? [{ bearer: [] }] : [],
    ...(parameters.length + query.length === 0
      ? {}
      : {
          requestParams: {
            ...(parameters.length === 0
              ? {}
              : { path: z.object(Object.fromEntries(parameters.map((parameter) => [parameter, z.uuid()]))) }),
            ...(query.length === 0 ? {} : { query: z.object(Object.fromEntries(query)) }),
          },
        }),
    ...(operation.request
      ? { requestBody: { required: true, content: { "application/json": { schema: operation.request } } } }
      : {}),
    responses: {
      [`${operation.success}` as "200"]: {
        description: operation.summary,
        headers: requestId,
        ...contentOf(operation),
      },
      default: {
        description: `RFC 9457 problem; \`type\` begins with ${problemBase}`,
        headers: requestId,
        content: { "application/problem+json": { schema: problem } },
      },
    },
  };
}

function contentOf(operation: Operation) {
  if (operation.responseType === "text/event-stream") {
    return { content: { "text/event-stream": { schema: z.string() } } };
  }
  return operation.response ? { content: { "application/json": { schema: operation.response } } } : {};
}

/** What `contract/openapi.json` must hold. */
export function openapiText(): string {
  return `${JSON.stringify(openapiDocument(), null, 2)}\n`;
}

function main(check: boolean): void {
  if (!check) {
    writeFileSync(path, openapiText());
    return;
  }
  let found = "";
  try {
    found = readFileSync(path, "utf8").replaceAll("\r\n", "\n");
  } catch {
    // Missing is different, too.
  }
  if (found === openapiText()) return;
  console.error("contract/openapi.json differs from the schemas: run node contract/openapi-file.ts and commit it.");
  process.exitCode = 1;
}

if (import.meta.main) main(process.argv.includes("--check"));
