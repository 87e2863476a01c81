import Database from "better-sqlite3";
import { AgentError } from "../../provisioning/agent-error.ts";
import { applicationId, migrate, schemaOf, schemaVersion } from "./migrate.ts";

/**
 * Settings set and read back on every open. better-sqlite3 is built so that a WAL database opens with
 * `synchronous=NORMAL`, which loses acknowledged rows in a power cut; only the connection that creates the file reads
 * FULL. So none of these is trusted without reading it back. (SQLite pragma documentation; better-sqlite3
 * docs/performance.md.)
 */
const settings: readonly (readonly [pragma: string, value: string, readBack: string | number])[] = [
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

/** Pages that one connection keeps in memory, KiB; the library's own 16 MiB would be paid for by each thread. */
const cacheKiB = 2_048;

/**
 * Opens the journal file, creating and migrating it where `writable`. Reads a few pages only, whatever its size; see
 * {@link structureFault}.
 *
 * @throws AgentError `journal.settings` when a setting does not read back, `journal.corrupt`, `journal.newer`
 */
export function openDatabase(file: string, writable: boolean): Database.Database {
  let database: Database.Database;
  try {
    database = new Database(file, { readonly: !writable, fileMustExist: !writable });
  } catch (cause) {
    throw openingFault(file, cause);
  }
  try {
    database.pragma(`cache_size = -${cacheKiB}`);
    if (writable) for (const [pragma, value] of settings) database.pragma(`${pragma} = ${value}`);
    if (writable) verifySettings(database, file);
    verifyIdentity(database, file);
    if (writable) migrate(database);
    return database;
  } catch (cause) {
    database.close();
    throw cause instanceof AgentError ? cause : openingFault(file, cause);
  }
}

/** What keeps the file from being opened, as a sentence; also a fault of the file system beside it. */
export function openingFault(file: string, cause: unknown): AgentError {
  const { code = "" } = cause as { code?: string };
  const why = cause instanceof Error ? cause.message : String(cause);
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new AgentError(
      "journal.corrupt",
      `The journal ${file} is damaged or not a journal (${why}); keep the whole folder, start with a new one and call support.`,
      { cause },
    );
  }
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code)) {
    return new AgentError(
      "journal.disk-full",
      `The disk of ${file} is full; free some space and start again, nothing is lost.`,
      { cause },
    );
  }
  return new AgentError(
    "journal.write-failed",
    `The journal ${file} cannot be opened (${why}); check the disk and the permissions and start again, nothing is lost.`,
    { cause },
  );
}

function verifySettings(database: Database.Database, file: string): void {
  for (const [pragma, , expected] of settings) {
    const actual: unknown = database.pragma(pragma, { simple: true });
    // mmap_size has no value at all where the build leaves memory mapping out.
    if (actual === expected || (pragma === "mmap_size" && actual === undefined)) continue;
    throw new AgentError(
      "journal.settings",
      `The journal ${file} does not keep the setting ${pragma}=${expected} (reads ${String(actual)}); it would not be safe, so the agent does not start. Use a local disk (ext4, xfs, NTFS).`,
    );
  }
}

function verifyIdentity(database: Database.Database, file: string): void {
  const id = Number(database.pragma("application_id", { simple: true }));
  const { version, readableFrom } = schemaOf(database);
  const empty = database.prepare("SELECT count(*) = 0 AS empty FROM sqlite_schema").get() as { empty: number };
  if (id !== applicationId && !(empty.empty === 1 && id === 0)) {
    throw new AgentError("journal.corrupt", `The file ${file} is not a Trạm QR journal; choose another data folder.`);
  }
  if (readableFrom > schemaVersion) {
    throw new AgentError(
      "journal.newer",
      `The journal ${file} was written by a newer version (schema ${version}, readable from ${readableFrom}; this build knows ${schemaVersion}); update the program.`,
    );
  }
}

/**
 * What SQLite finds wrong with the structure of the file, null when nothing; reads the whole file. With `indexes` each row
 * is looked up in them too, which shows a state that no seal covers and nobody wrote.
 */
export function structureFault(database: Database.Database, indexes = false): string | null {
  const check: unknown = database.pragma(indexes ? "integrity_check" : "quick_check", { simple: true });
  return check === "ok" ? null : String(check);
}
