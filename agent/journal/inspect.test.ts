import path from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { loadStationKeys } from "../../provisioning/secrets.ts";
import { draft } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { faultsOf, inspectJournal } from "./inspect.ts";
import { JournalStore } from "./store.ts";

test("a flipped bit that makes an unsent row a stored one is no sound journal", () => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, "journal.db");
  const store = new JournalStore(file, loadStationKeys(path.join(folder.path, "station.key"), true));
  for (let index = 1; index <= 3; index++) store.append(draft(index));
  store.close();
  expect(faultsOf(inspectJournal(folder.path))).toEqual([]);
  // The row alone changes, as on a disk that flips a bit: the index of unsent rows is not kept up.
  const indexed = (from: number, to: number): void => {
    const database = new Database(file);
    database.unsafeMode();
    database.pragma("writable_schema = ON");
    database
      .prepare("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'entry_unsent'")
      .run(`state = ${from}`, `state = ${to}`);
    database.close();
  };
  indexed(0, 9);
  const database = new Database(file);
  database.exec("UPDATE entry SET state = 1 WHERE seq = 2");
  database.close();
  indexed(9, 0);
  expect(faultsOf(inspectJournal(folder.path))).toEqual([
    "Row 2 was changed: its state is not the one that was written.",
  ]);
});
