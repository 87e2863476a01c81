import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../testing/folder.ts";
import { loadReaderProfiles, type ReaderProfile, saveReaderProfile } from "./reader-profiles.ts";

const profile = (readerId: string, verdict: ReaderProfile["verdict"]): ReaderProfile => ({
  readerId,
  name: "Cổng 1",
  transport: "serial",
  testedAt: "2026-11-21T08:00:00.000Z",
  verdict,
  findings: [{ code: "letters-lost", detail: "dropped" }],
  terminator: "CR",
  encoding: "UTF-8",
  layout: null,
  prefix: null,
  msPerKey: null,
});

test("a profile replaces the older one of the same reader and leaves the others; only the owner may read the file", () => {
  using folder = temporaryFolder();
  expect(loadReaderProfiles(folder.path)).toEqual({ readers: [], problem: null });
  saveReaderProfile(folder.path, profile("a", "faulty"));
  saveReaderProfile(folder.path, profile("b", "exact"));
  saveReaderProfile(folder.path, profile("a", "exact"));
  expect(loadReaderProfiles(folder.path).readers).toEqual([profile("b", "exact"), profile("a", "exact")]);
  if (process.platform !== "win32") {
    expect(statSync(path.join(folder.path, "reader-profiles.json")).mode & 0o777).toBe(0o600);
  }
});

test.each(["{", "[]", '{"version":2,"readers":[]}', '{"version":1,"readers":[{"readerId":7}]}'])(
  "a file that cannot be used (%s) is as good as none, and says so in one sentence",
  (content) => {
    using folder = temporaryFolder();
    const file = path.join(folder.path, "reader-profiles.json");
    writeFileSync(file, content);
    const { readers, problem } = loadReaderProfiles(folder.path);
    expect(readers).toEqual([]);
    expect(problem).toMatch(/^The reader profiles .* cannot be used \(.*\); test the readers again.*\.$/);
    saveReaderProfile(folder.path, profile("a", "exact"));
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ version: 1 });
  },
);
