import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { appVersion } from "./app-version.ts";

test("the version told to the centre is that of the package", () => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(appVersion).toBe(version);
});
