import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openapiDocument, openapiText } from "./openapi-file.ts";
import { operations } from "./operations.ts";

test("the committed OpenAPI file is the one the schemas make", () => {
  expect(readFileSync(new URL("openapi.json", import.meta.url), "utf8")).toBe(openapiText());
});

test("every call is in it, with its success, its problems and its right", () => {
  const { paths } = openapiDocument();
  for (const [name, { path, method, success, auth }] of Object.entries(operations)) {
    const operation = paths?.[path]?.[method];
    expect(operation).toMatchObject({
      operationId: name,
      security: auth === "bearer" ? [{ bearer: [] }] : [],
      responses: {
        [success]: { description: expect.any(String) },
        default: { content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } } },
      },
    });
  }
});
