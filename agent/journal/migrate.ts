import { rmSync } from "node:fs";
import path from "node:path";
import type Database from "better-sqlite3";
import { putInPlace, syncFile } from "../../provisioning/durable-file.ts";
import { entries } from "./migrations/001-entries.ts";
import { dataKeys } from "./migrations/002-data-keys.ts";
import { upkeep } from "./migrations/003-upkeep.ts";
import { backupFile } from "./set-aside.ts";

interface Migration {
  readonly sql: string;
  /**
   * The oldest schema whose builds can go on reading and writing the file after this: a change that only adds (nullable
   * columns, tables, indexes) keeps the number before it, so that one can go back to the version before.
   */
  readonly readableFrom: number;
}

/** Numbered migrations, applied in order; the file's `user_version` is the count applied. */
const migrations: readonly Migration[] = [
  { sql: entries, readableFrom: 1 },
  { sql: dataKeys, readableFrom: 2 },
  { sql: upkeep, readableFrom: 3 },
];

/** Schema version this build writes; part of each row's associated data. */
export const schemaVersion = migrations.length;

/** "TrQR" as a number: tells our files from any other SQLite file. */
export const applicationId = 0x54725152;

/** Schema of the file, and the oldest schema whose builds can use it. */
export function schemaOf(database: Database.Database): { version: number; readableFrom: number } {
  const version = Number(database.pragma("user_version", { simple: true }));
  const hasTable = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'readable_from'").get() !== undefined;
  const row = hasTable ? (database.prepare("SELECT schema FROM readable_from").get() as { schema: number }) : undefined;
  return { version, readableFrom: row?.schema ?? version };
}

/**
 * Brings the file to this build's schema; a newer one that this build can use stays as it is. A journal with rows is
 * copied first, into the place of the hourly backup, which replaces the copy when the migrated journal has proved itself.
 * Each migration is one transaction: after a crash or on a full disk the file is of the old schema or the new one, whole.
 */
export function migrate(database: Database.Database): void {
  const { version: from } = schemaOf(database);
  if (from >= schemaVersion) return;
  if (from > 0 && database.prepare("SELECT 1 FROM entry LIMIT 1").get() !== undefined) copyBeside(database);
  for (const [index, { sql, readableFrom }] of migrations.entries()) {
    if (index < from) continue;
    database
      .transaction(() => {
        database.pragma(`application_id = ${applicationId}`);
        database.exec(sql);
        database.exec(
          "DROP TABLE IF EXISTS readable_from; CREATE TABLE readable_from (schema INTEGER NOT NULL) STRICT",
        );
        database.prepare("INSERT INTO readable_from (schema) VALUES (?)").run(readableFrom);
        database.pragma(`user_version = ${index + 1}`);
      })
      .immediate();
  }
}

function copyBeside(database: Database.Database): void {
  const target = path.join(path.dirname(database.name), backupFile);
  const made = `${target}.new`;
  for (const left of [made, `${made}-journal`]) rmSync(left, { force: true });
  try {
    database.prepare("VACUUM INTO ?").run(made);
    syncFile(made);
    putInPlace(made, target);
  } finally {
    for (const left of [made, `${made}-journal`]) rmSync(left, { force: true });
  }
}
