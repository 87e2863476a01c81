import { readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../testing/folder.ts";
import { writeDurably } from "./durable-file.ts";

test("nothing that somebody laid in the way is written to, and its permissions are not taken over", () => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, "one.receipt");
  const victim = path.join(folder.path, "victim");
  writeFileSync(victim, "as it was");
  symlinkSync(victim, `${file}.new`);
  writeDurably(file, "first");
  expect(readFileSync(victim, "utf8")).toBe("as it was");
  expect(readFileSync(file, "utf8")).toBe("first");
  rmSync(file);
  writeFileSync(`${file}.new`, "left by a kill", { mode: 0o644 });
  writeDurably(file, "second");
  expect(readFileSync(file, "utf8")).toBe("second");
  expect(statSync(file).mode & 0o077).toBe(0);
});
