import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openApiText } from "./openapi-file.ts";
import { operations } from "./operations.ts";

test("the committed OpenAPI file fits the schemas", () => {
  expect(readFileSync(new URL("openapi.json", import.meta.url), "utf8")).toBe(openApiText());
});

test("every operation is named, with problem replies, and entries are described though items are checked one by one", () => {
  const document = JSON.parse(openApiText());
  for (const [name, operation] of Object.entries(operations)) {
    const described = document.paths[operation.path][operation.method];
    expect(described.operationId).toBe(name);
    expect(described.responses["4XX"].content["application/problem+json"].schema).toEqual({
      $ref: "#/components/schemas/Problem",
    });
  }
  expect(document.components.schemas.Entry.required).toContain("sha256");
});
