import { mkdirSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { draft, randomKeys } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { JournalStore } from "../journal/store.ts";
import { Recovery } from "./recover.ts";

test("two rows under one number, as a disk that was rolled back leaves them, both come out wherever a page ends", () => {
  using folder = temporaryFolder();
  const keys = randomKeys();
  const ids = new Set<string>();
  for (const name of [".", "aside"]) {
    mkdirSync(path.join(folder.path, name), { recursive: true });
    const store = new JournalStore(path.join(folder.path, name, "journal.db"), keys);
    store.transaction(() => {
      for (let index = 1; index <= 300; index++) ids.add(store.insert(draft(index)).id);
    });
    // One fewer: a page of an even number of rows ends between two of the same number.
    if (name === "aside") {
      const [first] = store.unsent(1).entries;
      store.acknowledge([{ id: first?.id ?? "", state: "stored" }], 1);
      ids.delete(first?.id ?? "");
    }
    store.close();
  }
  using recovery = new Recovery(folder.path, null, keys, folder.path);
  const got = [...recovery.entries(["unsent"])].map(({ id }) => id);
  expect(got).toHaveLength(599);
  expect(new Set(got)).toEqual(ids);
});

test("rows gone from the end are told also where no witness is left: the journal has counted what it gave", () => {
  using folder = temporaryFolder();
  const keys = randomKeys();
  const file = path.join(folder.path, "journal.db");
  const store = new JournalStore(file, keys);
  for (let index = 1; index <= 5; index++) store.append(draft(index));
  store.close();
  const database = new Database(file);
  database.pragma("secure_delete = ON");
  database.exec("DELETE FROM entry WHERE seq >= 4; VACUUM");
  database.close();
  using recovery = new Recovery(folder.path, null, keys, folder.path);
  expect(recovery.report).toMatchObject({ rows: { unsent: 3 }, missing: 2, missingRanges: [{ first: 4, last: 5 }] });
});
