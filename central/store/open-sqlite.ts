import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { CentralFault, codeOf } from "../fault.ts";
import type { CentralKeys } from "../keys.ts";
import { sqliteMigrations } from "./migrations.ts";
import type { Tables } from "./tables.ts";

/** "TQRC": tells our database from any other file. */
const applicationId = 0x54515243;

/** Applied in this order on every open and read back; a setting that did not take means: do not accept. */
const settings: readonly (readonly [name: string, value: string, readBack: string | number])[] = [
  ["journal_mode", "WAL", "wal"],
  ["synchronous", "FULL", 2],
  ["foreign_keys", "ON", 1],
  ["busy_timeout", "1000", 1000],
  ["secure_delete", "ON", 1],
  ["temp_store", "MEMORY", 2],
  ["mmap_size", "0", 0],
  ["cell_size_check", "ON", 1],
  ["trusted_schema", "OFF", 0],
  ["wal_autocheckpoint", "1000", 1000],
];

/**
 * The file path in `sqlite:PATH`, absolute.
 * @throws CentralFault with one sentence for any other kind of database address.
 */
export function sqlitePathOf(database: string): string {
  if (/^postgres(ql)?:/i.test(database)) {
    throw new CentralFault("This build stores in SQLite only: give --database sqlite:PATH.");
  }
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(database)?.[1];
  if (path === undefined || path === ":memory:") {
    throw new CentralFault("The database address is not understood: give --database sqlite:PATH.");
  }
  const absolute = resolve(path);
  const folder = dirname(absolute);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new CentralFault(`The folder ${folder} does not exist: create it or give another database path.`);
  }
  if (existsSync(absolute) && !statSync(absolute).isFile()) {
    throw new CentralFault(`${absolute} is not a file: give the path of the database file itself.`);
  }
  return absolute;
}

/**
 * Opens (or creates) the database file, checks its settings and brings its schema up to date.
 * @throws CentralFault when it cannot be used as it is.
 */
export function openSqlite(path: string, keys: CentralKeys): Kysely<Tables> {
  let database: Database.Database;
  try {
    database = new Database(path);
  } catch (cause) {
    throw new CentralFault(`Cannot open ${path} (${codeOf(cause)}): give this user write access to it.`, { cause });
  }
  try {
    apply(database, path);
    migrate(database, path);
    checkKey(database, path, keys);
  } catch (cause) {
    database.close();
    if (cause instanceof CentralFault) throw cause;
    throw new CentralFault(`Cannot use the database ${path} (${codeOf(cause)}): ${adviceFor(codeOf(cause))}.`, {
      cause,
    });
  }
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: withImmediateBegin(database) }) });
}

function adviceFor(code: string): string {
  if (code.startsWith("SQLITE_READONLY") || code === "SQLITE_CANTOPEN")
    return "give this user write access to its folder";
  if (code.startsWith("SQLITE_BUSY")) return "another program is using it, stop that first";
  if (code === "SQLITE_FULL") return "free some disk space";
  return "it is damaged or not a database, put back a backup";
}

function apply(database: Database.Database, path: string): void {
  for (const [name, value, expected] of settings) {
    database.pragma(`${name} = ${value}`);
    const found: unknown = database.pragma(name, { simple: true });
    if (found !== expected) {
      throw new CentralFault(
        `The database ${path} refuses the setting ${name}=${value} (it answers ${String(found)}): move it to a local disk.`,
      );
    }
  }
  const check: unknown = database.pragma("quick_check(1)", { simple: true });
  if (check !== "ok") throw new CentralFault(`The database ${path} is damaged: put back a backup.`);
}

function migrate(database: Database.Database, path: string): void {
  const id: unknown = database.pragma("application_id", { simple: true });
  const version = Number(database.pragma("user_version", { simple: true }));
  if (id !== applicationId && (id !== 0 || version !== 0)) {
    throw new CentralFault(`${path} is the database of another program: give another path.`);
  }
  if (version > sqliteMigrations.length) {
    throw new CentralFault(`The database ${path} was made by a newer version: start that version.`);
  }
  for (const [index, step] of sqliteMigrations.entries()) {
    if (index < version) continue;
    database
      .transaction(() => {
        database.exec(step);
        database.pragma(`application_id = ${applicationId}`);
        database.pragma(`user_version = ${index + 1}`);
      })
      .immediate();
  }
}

/** A database with another key would read as damaged row by row; say it once, at the start. */
function checkKey(database: Database.Database, path: string, keys: CentralKeys): void {
  const mine = keys.tag("key-check", "central");
  const known = database.prepare<[], string>("SELECT value FROM setting WHERE name = 'key_check'").pluck().get();
  if (known === undefined) {
    database.prepare("INSERT INTO setting (name, value) VALUES ('key_check', ?)").run(mine);
  } else if (known !== mine) {
    throw new CentralFault(`The key file beside ${path} belongs to another database: put back the right one.`);
  }
}

/** Keeps prepared statements, and begins writing at once: a read that becomes a write later can fail as busy. */
function withImmediateBegin(database: Database.Database) {
  const prepared = new Map<string, Database.Statement>();
  const keptStatements = 300;
  return {
    close: () => void database.close(),
    prepare(text: string) {
      const sql = text === "begin" ? "begin immediate" : text;
      const known = prepared.get(sql);
      if (known) return known;
      const statement = database.prepare(sql);
      if (prepared.size < keptStatements) prepared.set(sql, statement);
      return statement;
    },
  };
}
