import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { deserialize, serialize } from "node:v8";
import Database from "better-sqlite3";
import { z } from "zod";
import { AgentError } from "../../provisioning/agent-error.ts";
import type { OwnerPrivateKey } from "../../provisioning/owner-key.ts";
import type { StationKeys } from "../../provisioning/secrets.ts";
import {
  dataKeysFile,
  stationRowsKey,
  unwrapAsStation,
  unwrapDataKey,
  type WrappedKey,
  wrappedInFile,
  wrappedInTable,
} from "../journal/data-keys.ts";
import { type Entry, type EntryState, entryStates } from "../journal/entry.ts";
import { type EntryRow, entryRow, openRow, type RowKeys } from "../journal/row.ts";
import { salvagedRows } from "../journal/salvage.ts";
import type { SeqRange } from "../journal/store.ts";
import { Witness, witnessFile } from "../journal/witness.ts";

/** Folders in folders are looked into so deep: sets that were put aside stand two below the data folder. */
const deepest = 3;
const maxToldRanges = 1_000;

/** What came out of a dead machine's folder. */
export interface RecoveryReport {
  /** Files that were read, by their path in the folder. */
  readonly sources: readonly string[];
  readonly rows: Readonly<Record<EntryState, number>>;
  /** Numbers of rows that were found but do not open: damaged, or their key cannot be had. */
  readonly damaged: number;
  /** Numbers up to the highest known one of which there is no trace and no note that they were erased. */
  readonly missing: number;
  readonly missingRanges: readonly SeqRange[];
  /** Data keys that neither the owner's key nor a station.key in the folder opens. */
  readonly keysNotOpened: readonly { readonly id: string; readonly ownerKey: string | null }[];
}

/**
 * Reads every row that can still be read out of a folder: the journal, whatever its state, its log, its backup, and the
 * sets that were put aside. Nothing in the folder is changed. Rows lie sealed in a temporary file beside the result
 * meanwhile, so that the memory does not grow with them.
 */
export class Recovery implements Disposable {
  readonly report: RecoveryReport;
  /** As the journal noted it; null when that is lost too. */
  readonly deviceId: string | null;
  readonly clockOffsetFact: string | null;
  readonly #keys: FoundKeys;
  readonly #temporary: string;
  readonly #collected: Database.Database;

  /**
   * @param station the keys of a station.key that lies in the folder, where there is one
   * @param workIn a folder with room for a copy of the journal
   * @throws AgentError `journal.nothing` when there is no file to read
   */
  constructor(folder: string, owner: OwnerPrivateKey | null, station: StationKeys | null, workIn: string) {
    const sources = journalFiles(folder);
    if (sources.length === 0) {
      throw new AgentError(
        "journal.nothing",
        `There is no journal in ${folder}; name the data folder of the dead machine, or a copy of it, with --data.`,
      );
    }
    this.#temporary = mkdtempSync(path.join(workIn, ".tram-recover-"));
    this.#collected = new Database(path.join(this.#temporary, "collected.db"));
    try {
      this.#collected.pragma("journal_mode = OFF");
      this.#collected.exec(
        `CREATE TABLE row (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, state INTEGER NOT NULL, content BLOB NOT NULL);
         CREATE TABLE unread (seq INTEGER PRIMARY KEY);
         CREATE TABLE erased (id TEXT PRIMARY KEY);
         CREATE TABLE accounted (first INTEGER NOT NULL, last INTEGER NOT NULL);`,
      );
      const notes = this.#readNotes(folder, sources);
      this.#keys = new FoundKeys(notes.wrapped, owner, station);
      this.deviceId = notes.facts.get("device-id") ?? null;
      this.clockOffsetFact = notes.facts.get("clock-offset") ?? null;
      this.#collected.exec("BEGIN");
      for (const source of sources) this.#collect(source);
      this.#collected.exec("COMMIT; CREATE INDEX row_by_seq ON row (seq)");
      this.report = {
        sources: sources.map((source) => path.relative(folder, source)),
        rows: this.#countByState(),
        damaged: this.#count("SELECT count(*) AS n FROM unread WHERE seq NOT IN (SELECT seq FROM row)"),
        ...this.#missing(notes.lastSeq),
        keysNotOpened: this.#keys.notOpened,
      };
    } catch (fault) {
      this[Symbol.dispose]();
      throw fault;
    }
  }

  /** The recovered entries in these states, oldest first. */
  *entries(states: readonly EntryState[]): Generator<Entry> {
    const wanted = states.map((state) => entryStates.indexOf(state));
    const page = this.#collected.prepare(
      `SELECT seq, rowid AS place, content FROM row
       WHERE (seq, rowid) > (?, ?) AND state IN (SELECT value FROM json_each(?)) ORDER BY seq, rowid LIMIT 500`,
    );
    // Two rows may have one number: the disk was rolled back between them.
    for (let after = { seq: 0, place: 0 }; ; ) {
      const rows = page.all(after.seq, after.place, JSON.stringify(wanted)) as {
        seq: number;
        place: number;
        content: Buffer;
      }[];
      for (const { seq, place, content } of rows) {
        after = { seq, place };
        const entry = openRow(this.#keys, deserialize(content) as EntryRow);
        if (entry !== null) yield entry;
      }
      if (rows.length === 0) return;
    }
  }

  [Symbol.dispose](): void {
    this.#collected.close();
    rmSync(this.#temporary, { recursive: true, force: true });
  }

  /** Each row as its first source has it: the journal itself, then what was put aside, then backups. */
  #collect(source: string): void {
    // What was erased after delivery stays erased, also where a backup still has it.
    const known = this.#collected.prepare(
      "SELECT 1 FROM row WHERE id = @id UNION ALL SELECT 1 FROM erased WHERE id = @id",
    );
    const add = this.#collected.prepare("INSERT OR IGNORE INTO row (id, seq, state, content) VALUES (?, ?, ?, ?)");
    const unread = this.#collected.prepare("INSERT OR IGNORE INTO unread (seq) VALUES (?)");
    for (const raw of salvagedRows(source)) {
      const parsed = entryRow.safeParse(raw);
      if (!parsed.success) {
        if (Number.isSafeInteger(raw.seq)) unread.run(raw.seq);
        continue;
      }
      const row = parsed.data;
      if (known.get({ id: row.id }) !== undefined) continue;
      if (openRow(this.#keys, row) === null) unread.run(row.seq);
      else add.run(row.id, row.seq, row.state, serialize(row));
    }
  }

  /** What stands beside the rows; each file is read as far as SQLite can, from a copy, because reading a log writes. */
  #readNotes(
    folder: string,
    sources: readonly string[],
  ): { wrapped: WrappedKey[]; facts: Map<string, string>; lastSeq: number } {
    const wrapped: WrappedKey[] = [];
    const facts = new Map<string, string>();
    let lastSeq = 0;
    const remember = (name: string, value: string): void => {
      if (!facts.has(name)) facts.set(name, value);
    };
    const account = this.#collected.prepare("INSERT INTO accounted (first, last) VALUES (?, ?)");
    const erase = this.#collected.prepare("INSERT OR IGNORE INTO erased (id) VALUES (?)");
    for (const [index, source] of sources.entries()) {
      const copy = path.join(this.#temporary, `${index}.db`);
      if (existsSync(source)) copyFileSync(source, copy);
      if (existsSync(`${source}-wal`)) copyFileSync(`${source}-wal`, `${copy}-wal`);
      readAsFarAsPossible(copy, (database) => wrapped.push(...wrappedInTable(database)));
      readAsFarAsPossible(copy, (database) => {
        for (const row of database.prepare("SELECT name, value FROM fact").all()) {
          const { name, value } = z.object({ name: z.string(), value: z.string() }).parse(row);
          remember(name, value);
        }
      });
      readAsFarAsPossible(copy, (database) => {
        const given = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").get();
        lastSeq = Math.max(lastSeq, z.object({ seq: z.int() }).optional().parse(given)?.seq ?? 0);
      });
      readAsFarAsPossible(copy, (database) => {
        for (const row of database.prepare("SELECT seq, id FROM erased").iterate()) {
          const { seq, id } = z.object({ seq: z.int(), id: z.string() }).parse(row);
          account.run(seq, seq);
          erase.run(id);
        }
      });
      readAsFarAsPossible(copy, (database) => {
        for (const row of database.prepare("SELECT first, last FROM hole WHERE why = 'never-given'").all()) {
          const { first, last } = z.object({ first: z.int(), last: z.int() }).parse(row);
          account.run(first, last);
        }
      });
      for (const suffix of ["", "-wal", "-shm"]) rmSync(`${copy}${suffix}`, { force: true });
      wrapped.push(...wrappedInFile(path.join(path.dirname(source), dataKeysFile)));
    }
    wrapped.push(...wrappedInFile(path.join(folder, dataKeysFile)));
    const witness = path.join(folder, witnessFile);
    if (existsSync(witness)) {
      const copy = path.join(this.#temporary, "witness");
      copyFileSync(witness, copy);
      const read = new Witness(copy);
      lastSeq = Math.max(lastSeq, read.lastSeq);
      for (const name of ["device-id", "clock-offset"]) {
        const value = read.fact(name);
        if (value !== null) remember(name, value);
      }
      read.close();
    }
    return { wrapped, facts, lastSeq };
  }

  #countByState(): Record<EntryState, number> {
    const counts: Record<EntryState, number> = { unsent: 0, stored: 0, quarantined: 0, duplicate: 0 };
    for (const row of this.#collected.prepare("SELECT state, count(*) AS n FROM row GROUP BY state").all()) {
      const { state, n } = z.object({ state: z.int(), n: z.int() }).parse(row);
      counts[entryStates[state] ?? "unsent"] = n;
    }
    return counts;
  }

  #missing(lastSeq: number): { missing: number; missingRanges: SeqRange[] } {
    const ranges = z.array(z.object({ first: z.int(), last: z.int() })).parse(
      this.#collected
        .prepare(
          `WITH known (first, last) AS (
             SELECT seq, seq FROM row UNION ALL SELECT seq, seq FROM unread UNION ALL SELECT first, last FROM accounted
             UNION ALL SELECT 0, 0 UNION ALL SELECT @end, @end),
           ordered AS (SELECT first, max(last) OVER (ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM known)
           SELECT before + 1 AS first, first - 1 AS last FROM ordered WHERE first > before + 1 AND first <= @end ORDER BY first`,
        )
        .all({ end: Math.max(lastSeq, this.#count("SELECT coalesce(max(seq), 0) AS n FROM row")) + 1 }),
    );
    const missing = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    return { missing, missingRanges: ranges.slice(0, maxToldRanges) };
  }

  #count(sql: string): number {
    return z.object({ n: z.int() }).parse(this.#collected.prepare(sql).get()).n;
  }
}

/** Data keys opened by the owner, or by a station.key that lies in the folder. */
class FoundKeys implements RowKeys {
  readonly notOpened: readonly { readonly id: string; readonly ownerKey: string | null }[];
  readonly #keys = new Map<string, NonNullable<ReturnType<RowKeys["keyOf"]>>>();
  readonly #station: StationKeys | null;

  constructor(wrapped: readonly WrappedKey[], owner: OwnerPrivateKey | null, station: StationKeys | null) {
    this.#station = station;
    for (const copy of wrapped) {
      if (this.#keys.has(copy.id)) continue;
      const key =
        (owner === null ? null : unwrapDataKey(owner, copy)) ??
        (station === null ? null : unwrapAsStation(station, copy));
      if (key !== null) this.#keys.set(copy.id, key);
    }
    const closed = wrapped
      .filter(({ id }) => !this.#keys.has(id))
      .map(({ id, ownerKey }) => [id, { id, ownerKey }] as const);
    this.notOpened = [...new Map(closed).values()];
  }

  keyOf(dataKey: string | null): ReturnType<RowKeys["keyOf"]> {
    if (dataKey === null && this.#station !== null) return this.#station.rows;
    return this.#keys.get(dataKey ?? stationRowsKey) ?? null;
  }
}

function readAsFarAsPossible(file: string, read: (database: Database.Database) => void): void {
  try {
    const database = new Database(file);
    try {
      read(database);
    } finally {
      database.close();
    }
  } catch {
    // Damaged here: another source, or the copy in another place, may have it.
  }
}

/** The journal files in a folder: `journal.db` first, backups last. */
function journalFiles(folder: string, depth = 0): string[] {
  const found = readdirSync(folder, { withFileTypes: true }).toSorted(
    (one, other) => order(one.name) - order(other.name),
  );
  return found.flatMap((item) => {
    const name = path.join(folder, item.name);
    if (item.isDirectory()) return depth < deepest ? journalFiles(name, depth + 1) : [];
    const isLone = item.name.endsWith(".db-wal") && !existsSync(name.slice(0, -"-wal".length));
    if (isLone) return [name.slice(0, -"-wal".length)];
    return item.name.startsWith("journal") && item.name.endsWith(".db") && statSync(name).size > 0 ? [name] : [];
  });
}

const order = (name: string): number => (name === "journal.db" ? 0 : name.includes("backup") ? 2 : 1);
