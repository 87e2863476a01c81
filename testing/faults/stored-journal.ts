import { copyFileSync, existsSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { DataKeys, dataKeysFile } from "../../agent/journal/data-keys.ts";
import type { Entry } from "../../agent/journal/entry.ts";
import { entryRow, openRow } from "../../agent/journal/row.ts";
import { loadStationKeys } from "../../provisioning/secrets.ts";
import { temporaryFolder } from "../folder.ts";

/** A journal as it lies on the disk after a fault, read without the product's own journal code. */
export interface StoredJournal {
  /** Rows whose seal verifies, oldest first. */
  readonly entries: readonly Entry[];
  /** Ids of rows that were erased after delivery: whether they were delivered is the centre's to say. */
  readonly erased?: ReadonlySet<string>;
  /** One sentence for each thing that is wrong with the store; empty when it is sound (I9). */
  readonly faults: readonly string[];
}

/** Reads a station's journal, also beside a running agent. A folder without a journal holds no entry. */
export function readStoredJournal(dataDir: string): StoredJournal {
  const hotJournal = path.join(dataDir, "journal.db-journal");
  if (!existsSync(hotJournal)) return read(dataDir, true);
  // A crash while the file was made: only a connection that may write rolls back. The original stays as it is.
  using folder = temporaryFolder();
  for (const name of ["journal.db", "journal.db-wal", "journal.db-journal", "station.key"]) {
    if (existsSync(path.join(dataDir, name))) copyFileSync(path.join(dataDir, name), path.join(folder.path, name));
  }
  return read(folder.path, false);
}

function read(dataDir: string, readonly: boolean): StoredJournal {
  const file = path.join(dataDir, "journal.db");
  const entries: Entry[] = [];
  const faults: string[] = [];
  const erased = new Set<string>();
  if (!existsSync(file)) return { entries, faults };
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly, timeout: 5_000 });
    if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entry'").get() === undefined) {
      return { entries, faults };
    }
    const check: unknown = database.pragma("quick_check", { simple: true });
    if (check !== "ok") faults.push(`quick_check says ${String(check)}`);
    const keys = loadStationKeys(path.join(dataDir, "station.key"), false);
    const dataKeys = new DataKeys(database, path.join(dataDir, dataKeysFile), keys);
    const accounted = accountedRanges(database);
    for (const id of erasedIds(database)) erased.add(id);
    let expected: number | null = null;
    for (const raw of database.prepare("SELECT * FROM entry ORDER BY seq").all() as { seq: number }[]) {
      const row = entryRow.safeParse(raw);
      const entry = row.success ? openRow(dataKeys, row.data) : null;
      if (entry === null) faults.push(`the seal of row ${raw.seq} does not verify`);
      else entries.push(entry);
      while (expected !== null && expected < raw.seq) {
        const after = accounted.find(({ first, last }) => first <= (expected ?? 0) && (expected ?? 0) <= last);
        if (after === undefined) {
          faults.push(`row ${expected} is missing before ${raw.seq}`);
          break;
        }
        expected = after.last + 1;
      }
      expected = raw.seq + 1;
    }
  } catch (error) {
    faults.push(`the journal cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    database?.close();
  }
  return { entries, erased, faults };
}

function erasedIds(database: Database.Database): string[] {
  if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'erased'").get() === undefined) return [];
  return database.prepare("SELECT id FROM erased").pluck().all() as string[];
}

/** Numbers of erased rows, and those the journal itself says that it has none for. */
function accountedRanges(database: Database.Database): { first: number; last: number }[] {
  if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'erased'").get() === undefined) return [];
  return database
    .prepare("SELECT seq AS first, seq AS last FROM erased UNION ALL SELECT first, last FROM hole")
    .all() as { first: number; last: number }[];
}
