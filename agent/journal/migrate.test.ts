import { existsSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { draft, randomKeys } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { openDatabase } from "./database.ts";
import { applicationId, schemaOf, schemaVersion } from "./migrate.ts";
import { entries } from "./migrations/001-entries.ts";
import { dataKeys } from "./migrations/002-data-keys.ts";
import { backupFile } from "./set-aside.ts";
import { JournalStore } from "./store.ts";

let folder: ReturnType<typeof temporaryFolder>;
const file = () => path.join(folder.path, "journal.db");
const backup = () => path.join(folder.path, backupFile);

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder[Symbol.dispose]());

const changed = (sql: string): void => {
  const database = new Database(file());
  database.exec(sql);
  database.close();
};

/** A journal of schema 2, with as many rows as asked for. */
function writeSchema2(rows: number): void {
  changed(`PRAGMA journal_mode = WAL; PRAGMA application_id = ${applicationId}; ${entries} ${dataKeys}
    PRAGMA user_version = 2;`);
  for (let row = 1; row <= rows; row++) {
    changed(`INSERT INTO entry (seq, id, schema, boot_id, mono_ms, wall_ms, clock_state, checkpoint_id, reader_id,
      reader_name, kind, direction, marks, person_tag, body, state_at)
      VALUES (${row}, 'id-${row}', 2, 'boot', 1, 1, 'synced', 'place', 'r', 'r', 'cccd', 'in', '[]', x'01', x'02', 1)`);
  }
}

function idsIn(from: string): unknown[] {
  const database = new Database(from, { readonly: true });
  const ids = database.prepare("SELECT id FROM entry ORDER BY seq").pluck().all();
  database.close();
  return ids;
}

test("a journal with rows is copied as it was, then brought to this build's schema", () => {
  writeSchema2(3);
  const database = openDatabase(file(), true);
  expect(schemaOf(database)).toEqual({ version: schemaVersion, readableFrom: schemaVersion });
  database.close();
  expect(idsIn(file())).toEqual(["id-1", "id-2", "id-3"]);
  expect(idsIn(backup())).toEqual(["id-1", "id-2", "id-3"]);
  const before = new Database(backup(), { readonly: true });
  expect(schemaOf(before).version).toBe(2);
  before.close();
  expect(existsSync(`${backup()}.new`)).toBe(false);
});

test("an empty journal is not copied, and one of this schema is not touched", () => {
  writeSchema2(0);
  openDatabase(file(), true).close();
  openDatabase(file(), true).close();
  expect(existsSync(backup())).toBe(false);
});

test("what a crash left of a copy is no hindrance", () => {
  writeSchema2(1);
  const left = new Database(`${backup()}.new`);
  left.exec("CREATE TABLE half (a)");
  left.close();
  openDatabase(file(), true).close();
  expect(idsIn(backup())).toEqual(["id-1"]);
});

test("a newer file that says so is read and written, and stays of its schema; one that does not is refused", () => {
  const keys = randomKeys();
  new JournalStore(file(), keys).close();
  changed(`ALTER TABLE entry ADD COLUMN badge TEXT; PRAGMA user_version = ${schemaVersion + 1}`);
  const store = new JournalStore(file(), keys);
  const entry = store.append(draft(1));
  store.acknowledge([{ id: entry.id, state: "stored" }], 1);
  store.append(draft(2));
  expect(store.unsent(10)).toMatchObject({ entries: [{ seq: 2 }], damaged: [] });
  store.close();
  const database = openDatabase(file(), false);
  expect(schemaOf(database)).toEqual({ version: schemaVersion + 1, readableFrom: schemaVersion });
  database.close();
  changed(`UPDATE readable_from SET schema = ${schemaVersion + 1}`);
  expect(() => new JournalStore(file(), keys)).toThrow(/written by a newer version.*update the program/);
  expect(() => new JournalStore(file(), keys, "read")).toThrow(/written by a newer version/);
});
