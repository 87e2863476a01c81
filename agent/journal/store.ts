import { randomUUIDv7 } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import type Database from "better-sqlite3";
import { z } from "zod";
import { AgentError } from "../../provisioning/agent-error.ts";
import type { StationKeys } from "../../provisioning/secrets.ts";
import type { Presence } from "../gate/presence.ts";
import { DataKeys, dataKeysFile, type KeyReport } from "./data-keys.ts";
import { openDatabase, schemaVersion } from "./database.ts";
import { type Entry, type EntryDraft, type EntryState, entryStates } from "./entry.ts";
import { type EntryRow, entryRow, openRow, personTag, sealBody } from "./row.ts";

export interface QueueFigures {
  readonly unsent: number;
  /** Wall clock of the oldest unsent entry, null when nothing waits. */
  readonly oldestWallMs: number | null;
  readonly quarantined: number;
}

/** Code of a row that was put aside because it does not open: damaged, or its key is. */
export const unreadableCode = "damaged-row";
const takenBackAtOnce = 10_000;
/** The commit times that {@link JournalStore.commitP99Ms} looks back on. */
const rememberedCommits = 1_000;

const presenceRow = z.object({ inside: z.int(), since_ms: z.int(), last_seen_ms: z.int() });

/** What a failed transaction puts back. */
interface Counters {
  readonly lastSeq: number;
  readonly unsent: number;
  readonly quarantined: number;
  readonly oldestWallMs: number | null | undefined;
}

/**
 * The append-only truth on this machine. One writer process; every method is synchronous and short, reads are bounded.
 * When {@link JournalStore.transaction} has returned, what was written in it survives a power cut. In the agent it
 * lives in a thread of its own, see `journal.ts`.
 */
export class JournalStore {
  readonly #file: string;
  readonly #keys: StationKeys;
  readonly #mode: "write" | "read";
  readonly #openFile: typeof openDatabase;
  #database: Database.Database | null = null;
  #dataKeys!: DataKeys;
  #closed = false;
  readonly #statements = new Map<string, Database.Statement>();
  #lastSeq = 0;
  /** Kept in memory, so that a screen never waits for a count over the backlog. */
  #unsent = 0;
  #quarantined = 0;
  /** Wall clock of the oldest unsent entry; undefined when it must be read again. */
  #oldestWallMs: number | null | undefined;
  readonly #commitsMs: number[] = [];
  #commits = 0;

  /**
   * Opens or creates the journal; with `read` it must exist and may belong to a running agent.
   *
   * @throws AgentError `journal.*`; `key.missing` is the caller's, see `journalHoldsRows`
   */
  constructor(file: string, keys: StationKeys, mode: "write" | "read" = "write", open = openDatabase) {
    this.#openFile = open;
    this.#file = file;
    this.#keys = keys;
    this.#mode = mode;
    this.#open();
  }

  /** Highest sequence number ever given here; 0 for a new journal. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** False after an I/O error, until the next call has opened and checked the file again. */
  get isOpen(): boolean {
    return this.#database !== null;
  }

  /**
   * Does `work` in one transaction and returns after the commit reached the disk.
   *
   * @throws AgentError `journal.disk-full` (nothing was written), `journal.write-failed` (what was written must be
   * treated as not recorded; after an I/O error it may be there all the same, see {@link JournalStore.isOpen})
   */
  transaction<T>(work: () => T): T {
    const before: Counters = {
      lastSeq: this.#lastSeq,
      unsent: this.#unsent,
      quarantined: this.#quarantined,
      oldestWallMs: this.#oldestWallMs,
    };
    const database = this.#writable();
    try {
      this.#statement("BEGIN IMMEDIATE").run();
      const result = work();
      const from = performance.now();
      this.#statement("COMMIT").run();
      if (this.#lastSeq > before.lastSeq) this.#noteCommit(performance.now() - from);
      return result;
    } catch (cause) {
      // A full disk leaves the transaction open in some cases; SQLite asks for an explicit ROLLBACK.
      if (database.open && database.inTransaction) this.#rollBack(database);
      this.#lastSeq = before.lastSeq;
      this.#unsent = before.unsent;
      this.#quarantined = before.quarantined;
      this.#oldestWallMs = before.oldestWallMs;
      throw this.#failed(cause);
    }
  }

  /** Records one in or out with the person's presence; inside a {@link JournalStore.transaction}. */
  insert(draft: EntryDraft, id: string = randomUUIDv7(), tag = this.tagOf(draft.personKey)): Entry {
    const { id: data_key, key } = this.#dataKeys.current(draft.wallMs);
    const clear = {
      seq: this.#lastSeq + 1,
      id,
      schema: schemaVersion,
      boot_id: draft.bootId,
      mono_ms: draft.monoMs,
      wall_ms: draft.wallMs,
      clock_state: draft.clockState,
      checkpoint_id: draft.checkpointId,
      staff_ref: draft.staffRef,
      reader_id: draft.readerId,
      reader_name: draft.readerName,
      kind: draft.kind,
      direction: draft.direction,
      marks: JSON.stringify(draft.marks),
      person_tag: tag,
      data_key,
    };
    const row: EntryRow = {
      ...clear,
      body: sealBody(key, clear, draft.body),
      state: 0,
      state_at: draft.wallMs,
      attempts: 0,
      last_code: null,
    };
    this.#statement(`INSERT INTO entry (seq, id, schema, boot_id, mono_ms, wall_ms, clock_state, checkpoint_id, staff_ref, reader_id, reader_name,
             kind, direction, marks, person_tag, body, state, state_at, attempts, last_code, data_key)
           VALUES (@seq, @id, @schema, @boot_id, @mono_ms, @wall_ms, @clock_state, @checkpoint_id, @staff_ref, @reader_id, @reader_name,
             @kind, @direction, @marks, @person_tag, @body, @state, @state_at, @attempts, @last_code, @data_key)`).run(
      row,
    );
    this.#statement(`INSERT INTO presence (person_tag, inside, since_ms, last_seen_ms) VALUES (?, ?, ?, ?)
           ON CONFLICT (person_tag) DO UPDATE
           SET inside = excluded.inside, since_ms = excluded.since_ms, last_seen_ms = excluded.last_seen_ms`).run(
      row.person_tag,
      row.direction === "in" ? 1 : 0,
      row.wall_ms,
      row.wall_ms,
    );
    this.#lastSeq = row.seq;
    if (this.#unsent++ === 0) this.#oldestWallMs = row.wall_ms;
    return { ...draft, seq: row.seq, id, state: "unsent", stateAtMs: row.state_at, attempts: 0, lastCode: null };
  }

  /** One entry in a transaction of its own. */
  append(draft: EntryDraft): Entry {
    return this.transaction(() => this.insert(draft));
  }

  /** The sequence number of an entry, null when it is not in the file. */
  seqOf(id: string): number | null {
    const row = this.#get("SELECT seq FROM entry WHERE id = ?", id);
    return row === undefined ? null : z.object({ seq: z.int() }).parse(row).seq;
  }

  /** The keyed name of a person, under which presence is kept. */
  tagOf(personKey: string): Uint8Array {
    return personTag(this.#keys, personKey);
  }

  /** Where a person stands as recorded here, null when never seen. */
  presence(tag: Uint8Array): Presence | null {
    const row = this.#get("SELECT inside, since_ms, last_seen_ms FROM presence WHERE person_tag = ?", tag);
    if (row === undefined) return null;
    const { inside, since_ms, last_seen_ms } = presenceRow.parse(row);
    return { inside: inside === 1, sinceMs: since_ms, lastSeenMs: last_seen_ms };
  }

  /** A person was seen again while inside: the stay goes on, no entry is added. Inside a transaction. */
  prolong(tag: Uint8Array, nowMs: number): void {
    this.#statement("UPDATE presence SET last_seen_ms = max(last_seen_ms, ?) WHERE person_tag = ?").run(nowMs, tag);
  }

  /** People inside who were seen after `sinceMs`. */
  inside(sinceMs: number): number {
    const row = this.#get("SELECT count(*) AS people FROM presence WHERE inside = 1 AND last_seen_ms > ?", sinceMs);
    return z.object({ people: z.int() }).parse(row).people;
  }

  /** The oldest unsent entries but those in `skip`, at most `limit`; rows that do not verify are in `damaged` by seq. */
  unsent(limit: number, skip: readonly string[] = []): { entries: Entry[]; damaged: number[] } {
    const rows = this.#all(
      `SELECT * FROM entry WHERE state = 0 AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?`,
      JSON.stringify(skip),
      limit,
    );
    return this.#opened(rows);
  }

  /** The newest entries, newest first, at most `limit`. */
  newest(limit: number): { entries: Entry[]; damaged: number[] } {
    const rows = this.#all("SELECT * FROM entry ORDER BY seq DESC LIMIT ?", limit);
    return this.#opened(rows);
  }

  /** Entries oldest first in pages, for export and verification. */
  *pages(pageSize = 500): Generator<{ entries: Entry[]; damaged: number[] }> {
    for (let after = 0; ; ) {
      const rows = this.#all("SELECT * FROM entry WHERE seq > ? ORDER BY seq LIMIT ?", after, pageSize);
      if (rows.length === 0) return;
      const page = this.#opened(rows);
      yield page;
      after = Math.max(...page.entries.map((entry) => entry.seq), ...page.damaged);
    }
  }

  /** The centre named these ids as `stored` or `duplicate`: only now do they leave the outbox. One transaction. */
  acknowledge(results: readonly { id: string; state: "stored" | "duplicate" }[], nowMs: number): void {
    this.transaction(() => {
      const update = this.#statement(
        "UPDATE entry SET state = ?, state_at = ?, last_code = NULL, attempts = attempts + 1 WHERE id = ? AND state = ?",
      );
      for (const { id, state } of results) {
        const next = entryStates.indexOf(state);
        if (update.run(next, nowMs, id, 0).changes === 1) this.#unsent--;
        else this.#quarantined -= update.run(next, nowMs, id, 2).changes;
      }
      this.#oldestWallMs = undefined;
    });
  }

  /** A refused row steps aside: visible, exportable, never deleted. A row without a trusted id goes by its seq. */
  quarantine(row: { id: string } | { seq: number }, code: string, nowMs: number): void {
    const [column, value] = "id" in row ? (["id", row.id] as const) : (["seq", row.seq] as const);
    this.transaction(() => {
      const { changes } = this.#statement(
        `UPDATE entry SET state = 2, state_at = ?, last_code = ?, attempts = attempts + 1 WHERE ${column} = ? AND state = 0`,
      ).run(nowMs, code, value);
      this.#unsent -= changes;
      this.#oldestWallMs = undefined;
      this.#quarantined += changes;
    });
  }

  /** The present state of these entries, by id; unknown ids are left out. */
  states(ids: readonly string[]): Map<string, EntryState> {
    const rows = this.#all(
      "SELECT id, state FROM entry WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    );
    const parsed = z.array(z.object({ id: z.string(), state: z.int() })).parse(rows);
    return new Map(parsed.map(({ id, state }) => [id, entryStates[state] ?? "unsent"]));
  }

  /** What waits; cheap whatever the backlog. */
  queue(): QueueFigures {
    if (this.#oldestWallMs === undefined) {
      const oldest = this.#get("SELECT wall_ms FROM entry WHERE state = 0 ORDER BY seq LIMIT 1");
      this.#oldestWallMs = oldest === undefined ? null : z.object({ wall_ms: z.int() }).parse(oldest).wall_ms;
    }
    return {
      unsent: this.#unsent,
      oldestWallMs: this.#oldestWallMs,
      quarantined: this.#quarantined,
    };
  }

  /** A small fact of this machine (clock offset, cached place), or null. */
  fact(name: string): string | null {
    const row = this.#get("SELECT value FROM fact WHERE name = ?", name);
    return row === undefined ? null : z.object({ value: z.string() }).parse(row).value;
  }

  setFact(name: string, value: string): void {
    this.transaction(() =>
      this.#statement(
        "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      ).run(name, value),
    );
  }

  /** How the keys of the rows are. */
  get keyReport(): KeyReport {
    this.#writable();
    return this.#dataKeys.report;
  }

  /**
   * Moves what is in the log into the file, as far as no reader needs the log: done while nobody waits, so that a commit
   * seldom has to.
   */
  checkpoint(): void {
    try {
      this.#writable().pragma("wal_checkpoint(PASSIVE)");
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  /** The 99th percentile of the last commits that recorded entries, ms; null before the first. */
  get commitP99Ms(): number | null {
    const sorted = this.#commitsMs.toSorted((one, other) => one - other);
    return sorted[Math.floor(sorted.length * 0.99)] ?? null;
  }

  /** Closes the file; the WAL is folded in by SQLite. */
  close(): void {
    this.#closed = true;
    this.#database?.close();
    this.#database = null;
  }

  #open(): void {
    const database = this.#openFile(this.#file, this.#mode === "write");
    // sqlite_sequence keeps the highest number ever given, also after rows were erased.
    const row = database.prepare("SELECT max(seq) AS seq FROM sqlite_sequence WHERE name = 'entry'").get();
    this.#lastSeq = z.object({ seq: z.int().nullable() }).parse(row).seq ?? 0;
    this.#dataKeys = this.#openKeys(database);
    this.#statements.clear();
    this.#database = database;
    const counts = this.#statement(
      `SELECT (SELECT count(*) FROM entry WHERE state = 0) AS unsent,
              (SELECT count(*) FROM entry WHERE state = 2) AS quarantined`,
    ).get();
    const { unsent, quarantined } = z.object({ unsent: z.int(), quarantined: z.int() }).parse(counts);
    this.#unsent = unsent;
    this.#quarantined = quarantined;
    this.#oldestWallMs = undefined;
    if (this.#mode === "write") this.#takeBackReadable();
  }

  #openKeys(database: Database.Database): DataKeys {
    try {
      const dataKeys = new DataKeys(database, path.join(path.dirname(this.#file), dataKeysFile), this.#keys);
      if (this.#mode === "write") dataKeys.settle();
      return dataKeys;
    } catch (cause) {
      database.close();
      throw this.#failed(cause);
    }
  }

  /**
   * Rows that stepped aside because they did not open, and open again since their key was put back, wait for the centre
   * again. So many of them at each start.
   */
  #takeBackReadable(): void {
    const rows = this.#all(
      "SELECT * FROM entry WHERE state = 2 AND last_code = ? ORDER BY seq LIMIT ?",
      unreadableCode,
      takenBackAtOnce,
    );
    const { entries } = this.#opened(rows);
    if (entries.length === 0) return;
    this.transaction(() => {
      const update = this.#statement("UPDATE entry SET state = 0, last_code = NULL WHERE seq = ?");
      for (const { seq } of entries) update.run(seq);
      this.#quarantined -= entries.length;
      this.#unsent += entries.length;
      this.#oldestWallMs = undefined;
    });
  }

  /** A read; an I/O error closes the file like a failed write does, and the next call reopens and checks it. */
  #get(sql: string, ...values: unknown[]): unknown {
    try {
      return this.#statement(sql).get(...values);
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #all(sql: string, ...values: unknown[]): unknown[] {
    try {
      return this.#statement(sql).all(...values);
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  /** Compiled once per opening. */
  #statement(sql: string): Database.Statement {
    const database = this.#writable();
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #writable(): Database.Database {
    if (this.#database === null && !this.#closed) this.#open();
    if (this.#database === null) throw new AgentError("journal.write-failed", "The journal is closed.");
    return this.#database;
  }

  #rollBack(database: Database.Database): void {
    try {
      database.exec("ROLLBACK");
      this.#dataKeys.forget();
    } catch {
      // The fault that led here is the one to tell; an unusable connection is closed and opened again.
    }
  }

  #noteCommit(ms: number): void {
    this.#commitsMs[this.#commits++ % rememberedCommits] = ms;
  }

  /** After an I/O error nobody knows what is on the disk: close, and let the next call reopen and check. */
  #failed(cause: unknown): AgentError {
    if (cause instanceof AgentError) return cause;
    const { code = "" } = cause as { code?: string };
    if (code.startsWith("SQLITE_FULL")) {
      return new AgentError("journal.disk-full", "The disk is full, the scan was not recorded; free some space.", {
        cause,
      });
    }
    if (/^SQLITE_(IOERR|CORRUPT|NOTADB)/.test(code)) {
      try {
        this.#database?.close();
      } catch {
        // The connection is beyond closing; the next open decides.
      }
      this.#database = null;
    }
    return new AgentError(
      "journal.write-failed",
      `The journal could not be read or written (${code || String(cause)}), the scan was not recorded; check the disk.`,
      { cause },
    );
  }

  #opened(rows: unknown[]): { entries: Entry[]; damaged: number[] } {
    const entries: Entry[] = [];
    const damaged: number[] = [];
    for (const raw of rows) {
      const row = entryRow.safeParse(raw);
      const entry = row.success ? openRow(this.#dataKeys, row.data) : null;
      if (entry) entries.push(entry);
      else damaged.push(z.object({ seq: z.int() }).parse(raw).seq);
    }
    return { entries, damaged };
  }
}

/** Whether a journal file already holds rows, read before any key is made. */
export function journalHoldsRows(file: string): boolean {
  if (!existsSync(file)) return false;
  const database = openDatabase(file, false);
  try {
    const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entry'").get();
    return table !== undefined && database.prepare("SELECT 1 FROM entry LIMIT 1").get() !== undefined;
  } finally {
    database.close();
  }
}
