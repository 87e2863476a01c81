import { renameSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { sqliteMigrations } from "../central/store/migrations.ts";

/**
 * Makes a central database of today one of schema `version`: its rows in the columns that version had. What came later
 * is gone, as it would be with that version.
 */
export function backToVersion(path: string, version: number): void {
  const older = `${path}.older`;
  const database = new Database(older);
  for (const step of sqliteMigrations.slice(0, version)) database.exec(step);
  database.exec(`ATTACH '${path}' AS today; PRAGMA foreign_keys = OFF`);
  const tables = database.prepare<[], { name: string }>(
    "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  );
  for (const { name } of tables.all()) {
    const columns = database.pragma(`main.table_info(${name})`) as { name: string }[];
    const list = columns.map((column) => column.name).join(", ");
    database.exec(`DELETE FROM main.${name}; INSERT INTO main.${name} (${list}) SELECT ${list} FROM today.${name}`);
  }
  const id = Number(database.pragma("today.application_id", { simple: true }));
  database.exec("DETACH today");
  database.pragma(`application_id = ${id}`);
  database.pragma(`user_version = ${version}`);
  database.close();
  for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
  renameSync(older, path);
}
