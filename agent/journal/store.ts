import { createHmac, randomUUIDv7 } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import type Database from "better-sqlite3";
import { z } from "zod";
import type { ProblemName } from "../../contract/problem.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import type { StationKeys } from "../../provisioning/secrets.ts";
import type { Presence } from "../gate/presence.ts";
import { DataKeys, dataKeysFile, type KeyReport } from "./data-keys.ts";
import { openDatabase, structureFault } from "./database.ts";
import { type Entry, type EntryDraft, type EntryState, entryStates } from "./entry.ts";
import { schemaVersion } from "./migrate.ts";
import { type EntryRow, entryRow, openRow, personTag, sealBody } from "./row.ts";

export interface QueueFigures {
  readonly unsent: number;
  /** Wall clock of the oldest unsent entry, null when nothing waits. */
  readonly oldestWallMs: number | null;
  readonly quarantined: number;
}

/** Code of a row that was put aside because it does not open: damaged, or its key is. */
export const unreadableCode = "damaged-row";
/** Code of a row whose id or number names another one at the centre. */
export const idConflictCode = "id_conflict" satisfies ProblemName;
const takenBackAtOnce = 10_000;
/** The commit times that {@link JournalStore.commitP99Ms} looks back on. */
const rememberedCommits = 1_000;

const ageFact = "age";
/** No single absence counts for more. */
const longestAwayMs = 7 * 24 * 3_600_000;

const acknowledgedFact = "last-acknowledged";
const setFactSql =
  "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

const age = z.object({ ms: z.int().nonnegative(), serverMs: z.int().nullable() });
const presenceRow = z.object({ inside: z.int(), since_ms: z.int(), last_seen_ms: z.int() });

/** Why a number names no row: it never did, as far as anybody knows, or its row was lost. */
export type HoleReason = "never-given" | "lost" | "carrying";

/** Sequence numbers, both ends included. */
export interface SeqRange {
  readonly first: number;
  readonly last: number;
}

/** Watches over the numbers of a journal that is written; see `guard.ts`. */
export interface StoreGuard {
  /** Returns when it is on the disk that this number may be given. */
  promise(seq: number): void;
  /** This number is on the disk. */
  note(seq: number): void;
  /** SQLite answered with this code: the file is closed until it was checked. */
  failed(code: string): void;
  /** The file was opened: compares it with what is known of it. */
  settle(store: JournalStore): void;
}

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
  readonly #guard: StoreGuard | null;
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
  /** Running time that the journal has seen, ms, and since when (`performance.now`) it goes on from there. */
  #age = { ms: 0, sinceMs: 0 };
  /** Time of the centre at that moment, ms; null when it was not known. */
  #ageServerMs: number | null = null;

  /**
   * Opens or creates the journal; with `read` it must exist and may belong to a running agent. With a guard it is opened
   * by {@link JournalStore.ensureOpen}.
   *
   * @throws AgentError `journal.*`; `key.missing` is the caller's, see `journalHoldsRows`
   */
  constructor(
    file: string,
    keys: StationKeys,
    mode: "write" | "read" = "write",
    open = openDatabase,
    guard: StoreGuard | null = null,
  ) {
    this.#openFile = open;
    this.#guard = guard;
    this.#file = file;
    this.#keys = keys;
    this.#mode = mode;
    if (guard === null) this.#open();
  }

  /** Opens and checks the file where it is not open. @throws AgentError `journal.*` */
  ensureOpen(): void {
    this.#writable();
  }

  /** Closes the file until it is opened and checked again. */
  letGo(): void {
    try {
      this.#database?.close();
    } catch {
      // The connection is beyond closing; the next opening decides.
    }
    this.#database = null;
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
    // First: opening the file reads the counters anew, and a failed transaction must not put older ones back.
    const database = this.#writable();
    const before: Counters = {
      lastSeq: this.#lastSeq,
      unsent: this.#unsent,
      quarantined: this.#quarantined,
      oldestWallMs: this.#oldestWallMs,
    };
    try {
      this.#statement("BEGIN IMMEDIATE").run();
      const result = work();
      const from = performance.now();
      this.#statement("COMMIT").run();
      if (this.#lastSeq > before.lastSeq) {
        this.#noteCommit(performance.now() - from);
        this.#guard?.note(this.#lastSeq);
      }
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
    this.#guard?.promise(this.#lastSeq + 1);
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
    this.#insertRow(row);
    this.#statement(`INSERT INTO presence (person_tag, inside, since_ms, last_seen_ms, seen_age_ms) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (person_tag) DO UPDATE
           SET inside = excluded.inside, since_ms = excluded.since_ms, last_seen_ms = excluded.last_seen_ms,
             seen_age_ms = excluded.seen_age_ms`).run(
      row.person_tag,
      row.direction === "in" ? 1 : 0,
      row.wall_ms,
      row.wall_ms,
      this.ageMs,
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
    this.#statement(
      "UPDATE presence SET last_seen_ms = max(last_seen_ms, ?), seen_age_ms = ? WHERE person_tag = ?",
    ).run(nowMs, this.ageMs, tag);
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

  /** All unsent entries, oldest first in pages; what is recorded meanwhile comes too. */
  *unsentPages(pageSize = 500): Generator<{ entries: Entry[]; damaged: number[] }> {
    yield* this.#pages("SELECT * FROM entry WHERE state = 0 AND seq > ? ORDER BY seq LIMIT ?", pageSize);
  }

  /** The newest entries, newest first, at most `limit`. */
  newest(limit: number): { entries: Entry[]; damaged: number[] } {
    const rows = this.#all("SELECT * FROM entry ORDER BY seq DESC LIMIT ?", limit);
    return this.#opened(rows);
  }

  /** Entries oldest first in pages, for export and verification. */
  *pages(pageSize = 500): Generator<{ entries: Entry[]; damaged: number[] }> {
    yield* this.#pages("SELECT * FROM entry WHERE seq > ? ORDER BY seq LIMIT ?", pageSize);
  }

  *#pages(sql: string, pageSize: number): Generator<{ entries: Entry[]; damaged: number[] }> {
    for (let after = 0; ; ) {
      const rows = this.#all(sql, after, pageSize);
      if (rows.length === 0) return;
      const page = this.#opened(rows);
      yield page;
      after = Math.max(...page.entries.map((entry) => entry.seq), ...page.damaged);
    }
  }

  /** The next entries after `seq`, oldest first, at most `limit`. */
  after(seq: number, limit: number): { entries: Entry[]; damaged: number[] } {
    return this.#opened(this.#all("SELECT * FROM entry WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit));
  }

  /** The centre named these ids as `stored` or `duplicate`: only now do they leave the outbox. One transaction. */
  acknowledge(results: readonly { id: string; state: "stored" | "duplicate" }[], nowMs: number): void {
    this.transaction(() => {
      const update = this.#statement(
        `UPDATE entry SET state = ?, state_at = ?, stored_age_ms = ?, last_code = NULL, attempts = attempts + 1
         WHERE id = ? AND state = ?`,
      );
      for (const { id, state } of results) {
        const next = entryStates.indexOf(state);
        if (update.run(next, nowMs, this.ageMs, id, 0).changes === 1) this.#unsent--;
        else this.#quarantined -= update.run(next, nowMs, this.ageMs, id, 2).changes;
      }
      this.#oldestWallMs = undefined;
      this.#noteAcknowledged(results.map(({ id }) => id));
    });
  }

  /** The highest number the centre ever acknowledged, also of rows that were erased since; 0 before the first. */
  get lastAcknowledgedSeq(): number {
    return Number(this.fact(acknowledgedFact) ?? 0);
  }

  #noteAcknowledged(ids: readonly string[]): void {
    const row = this.#get(
      "SELECT max(seq) AS seq FROM entry WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    );
    const seq = z.object({ seq: z.int().nullable() }).parse(row).seq ?? 0;
    if (seq > this.lastAcknowledgedSeq) this.#statement(setFactSql).run(acknowledgedFact, `${seq}`);
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

  /** How many rows stepped aside with this code. */
  quarantinedWith(code: string): number {
    const row = this.#get("SELECT count(*) AS n FROM entry WHERE state = 2 AND last_code = ?", code);
    return z.object({ n: z.int() }).parse(row).n;
  }

  /**
   * Rows the centre refused wait for it again, the oldest first and at most `limit`: somebody has mended the cause. Those
   * whose number the centre gave to another entry get a new one, or they would be refused for ever: a folder that was put
   * back gives numbers anew until it hears from the centre. Rows that do not open stay aside. How many.
   */
  releaseRefused(limit: number): number {
    return this.transaction(() => {
      const conflicts = this.#all(
        "SELECT * FROM entry WHERE state = 2 AND last_code = ? ORDER BY seq LIMIT ?",
        idConflictCode,
        limit,
      );
      const renumbered = conflicts.filter((raw) => this.#renumber(entryRow.parse(raw))).length;
      const { changes } = this.#statement(
        `UPDATE entry SET state = 0, last_code = NULL WHERE seq IN
           (SELECT seq FROM entry WHERE state = 2 AND last_code NOT IN (?, ?) ORDER BY seq LIMIT ?)`,
      ).run(unreadableCode, idConflictCode, limit);
      const released = changes + renumbered;
      this.#quarantined -= released;
      this.#unsent += released;
      this.#oldestWallMs = undefined;
      return released;
    });
  }

  /** The same entry under the next number, sealed anew and unsent; false for one that does not open. In a transaction. */
  #renumber(row: EntryRow): boolean {
    const entry = openRow(this.#dataKeys, row);
    if (entry === null) {
      this.#statement("UPDATE entry SET last_code = ? WHERE seq = ?").run(unreadableCode, row.seq);
      return false;
    }
    const seq = this.#lastSeq + 1;
    this.#guard?.promise(seq);
    const { id: data_key, key } = this.#dataKeys.current(row.wall_ms);
    const moved = { ...row, seq, schema: schemaVersion, data_key, state: 0, last_code: null };
    this.#statement("DELETE FROM entry WHERE seq = ?").run(row.seq);
    this.#insertRow({ ...moved, body: sealBody(key, moved, entry.body) });
    this.#putHole(row.seq, row.seq, "lost");
    this.#lastSeq = seq;
    return true;
  }

  /**
   * The centre does not have these numbers although it once named them: their rows wait for it again. Looks at `limit`
   * rows at most, whatever the numbers; `upTo` is the last number looked at.
   */
  markUnsent({ first, last }: SeqRange, limit: number): { readonly marked: number; readonly upTo: number } {
    const found = this.#get(
      "SELECT count(*) AS rows, max(seq) AS last FROM (SELECT seq FROM entry WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?)",
      first,
      last,
      limit,
    );
    const seen = z.object({ rows: z.int(), last: z.int().nullable() }).parse(found);
    const upTo = seen.rows < limit ? last : (seen.last ?? last);
    if (seen.rows === 0) return { marked: 0, upTo };
    return this.transaction(() => {
      const { changes } = this.#statement(
        "UPDATE entry SET state = 0, stored_age_ms = NULL WHERE seq BETWEEN ? AND ? AND state IN (1, 3)",
      ).run(first, upTo);
      this.#unsent += changes;
      this.#oldestWallMs = undefined;
      return { marked: changes, upTo };
    });
  }

  /** Running time that this journal has seen, ms: it goes on over restarts, and no clock can set it. */
  get ageMs(): number {
    return Math.floor(this.#age.ms + performance.now() - this.#age.sinceMs);
  }

  /**
   * Keeps the age over a restart. Time in which nobody ran counts as far as the centre's own clock tells it, and never
   * more than a week at once: `serverMs` is null when the centre has not been heard in this run.
   */
  keepAge(serverMs: number | null): void {
    const ran = this.ageMs - this.#age.ms;
    const away = serverMs === null || this.#ageServerMs === null ? 0 : serverMs - this.#ageServerMs - ran;
    this.#age = { ms: this.ageMs + Math.min(Math.max(0, away), longestAwayMs), sinceMs: performance.now() };
    if (serverMs !== null) this.#ageServerMs = serverMs;
    else if (this.#ageServerMs !== null) this.#ageServerMs += ran;
    this.setFact(ageFact, JSON.stringify({ ms: this.#age.ms, serverMs: this.#ageServerMs }));
  }

  /**
   * Erases the oldest delivered rows that have lain here for `keptMs` of running time, at most `limit`. What remains of
   * each is its number, its id and a keyed mark of its content. Unsent and quarantined rows are never touched. How many.
   */
  eraseDelivered(keptMs: number, limit: number): number {
    const rows = this.#all(
      "SELECT * FROM entry WHERE stored_age_ms <= ? AND state IN (1, 3) ORDER BY stored_age_ms LIMIT ?",
      this.ageMs - keptMs,
      limit,
    );
    if (rows.length === 0) return 0;
    this.transaction(() => {
      for (const raw of rows) {
        const { seq, id, body } = z.object({ seq: z.int(), id: z.string(), body: z.instanceof(Uint8Array) }).parse(raw);
        const mark = createHmac("sha256", this.#keys.persons).update("erased entry ").update(body).digest();
        this.#statement("INSERT OR REPLACE INTO erased (seq, id, mark) VALUES (?, ?, ?)").run(seq, id, mark);
        this.#statement("DELETE FROM entry WHERE seq = ?").run(seq);
      }
    });
    return rows.length;
  }

  /** Forgets people who were not seen for `awayMs` of running time, at most `limit`: where they stand has ended. */
  forgetAway(awayMs: number, limit: number): number {
    const before = this.ageMs - awayMs;
    if (this.#get("SELECT 1 FROM presence WHERE seen_age_ms < ? LIMIT 1", before) === undefined) return 0;
    return this.transaction(
      () =>
        this.#statement(
          `DELETE FROM presence WHERE person_tag IN
             (SELECT person_tag FROM presence WHERE seen_age_ms < ? ORDER BY seen_age_ms LIMIT ?)`,
        ).run(before, limit).changes,
    );
  }

  /**
   * Takes in rows that were read out of another file, with their ids and numbers; what the centre has already it will
   * call a duplicate. A row that is here or was erased here, or whose seal does not verify, is left. How many were new.
   */
  adopt(rows: readonly Record<string, unknown>[]): { adopted: number; damaged: number } {
    let adopted = 0;
    let damaged = 0;
    if (rows.length === 0) return { adopted, damaged };
    this.transaction(() => {
      for (const raw of rows) {
        const row = entryRow.safeParse(raw);
        if (!row.success || openRow(this.#dataKeys, row.data) === null) {
          damaged++;
          continue;
        }
        const { seq, id, person_tag, direction, wall_ms } = row.data;
        const known = this.#statement(
          "SELECT 1 FROM entry WHERE id = ? OR seq = ? UNION ALL SELECT 1 FROM erased WHERE id = ? OR seq = ?",
        ).get(id, seq, id, seq);
        if (known !== undefined) continue;
        const state = row.data.state === 2 ? 2 : 0;
        this.#insertRow({ ...row.data, state });
        this.#statement(`INSERT INTO presence (person_tag, inside, since_ms, last_seen_ms, seen_age_ms)
             VALUES (?, ?, ?, ?, ?) ON CONFLICT (person_tag) DO UPDATE
             SET inside = excluded.inside, since_ms = excluded.since_ms, last_seen_ms = excluded.last_seen_ms
             WHERE excluded.since_ms > presence.since_ms`).run(
          person_tag,
          direction === "in" ? 1 : 0,
          wall_ms,
          wall_ms,
          this.ageMs,
        );
        this.#cutHoles(seq);
        this.#lastSeq = Math.max(this.#lastSeq, seq);
        if (state === 0) this.#unsent++;
        else this.#quarantined++;
        adopted++;
      }
      this.#oldestWallMs = undefined;
    });
    return { adopted, damaged };
  }

  /** Says of these numbers that they name no row here; the next number comes after them. */
  addHole({ first, last }: SeqRange, why: HoleReason): void {
    if (last < first) return;
    this.transaction(() => {
      this.#putHole(first, last, why);
      this.#lastSeq = Math.max(this.#lastSeq, last);
    });
  }

  /** Everything readable was carried over: what is missing up to `lostUpTo` was lost, the rest was never given. */
  settleCarried(lostUpTo: number): SeqRange[] {
    const lost: SeqRange[] = [];
    this.transaction(() => {
      this.#statement("DELETE FROM hole WHERE why = 'carrying'").run();
      for (const { first, last } of this.gaps(1, Number.MAX_SAFE_INTEGER)) {
        const part = { first, last: Math.min(last, lostUpTo) };
        if (part.last >= part.first) {
          this.#putHole(part.first, part.last, "lost");
          lost.push(part);
        }
        this.#putHole(Math.max(first, lostUpTo + 1), last, "never-given");
      }
    });
    return lost;
  }

  /** Numbers above `from` that no row, no erased row and no hole accounts for, at most `limit` ranges. */
  gaps(from: number, limit: number): SeqRange[] {
    const rows = this.#all(
      `WITH known (first, last) AS (
         SELECT seq, seq FROM entry WHERE seq >= @from UNION ALL SELECT seq, seq FROM erased WHERE seq >= @from
         UNION ALL SELECT first, last FROM hole WHERE last >= @from
         UNION ALL SELECT @end, @end UNION ALL SELECT @from - 1, @from - 1),
       ordered AS (SELECT first, max(last) OVER (ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM known)
       SELECT before + 1 AS first, first - 1 AS last FROM ordered WHERE first > before + 1 ORDER BY first LIMIT @limit`,
      { from, end: this.#lastSeq + 1, limit },
    );
    return z.array(z.object({ first: z.int(), last: z.int() })).parse(rows);
  }

  /** Of these rows that do not open, those whose data key is not to be had, with the key's id. */
  withoutKey(seqs: readonly number[]): Map<number, string> {
    const rows = this.#all(
      "SELECT seq, data_key FROM entry WHERE typeof(data_key) = 'text' AND seq IN (SELECT value FROM json_each(?))",
      JSON.stringify(seqs),
    );
    const parsed = z.array(z.object({ seq: z.int(), data_key: z.string() })).parse(rows);
    return new Map(
      parsed.filter((row) => this.#dataKeys.keyOf(row.data_key) === null).map((row) => [row.seq, row.data_key]),
    );
  }

  /** Rows among the newest `limit` whose seal does not verify. */
  damagedAmongNewest(limit: number): number[] {
    return this.newest(limit).damaged;
  }

  /**
   * Rows whose state is not the one that the indexes by state were written with, at most `limit`. No seal covers a state,
   * and SQLite's own check does not look for rows that a partial index holds too many.
   */
  wrongStates(limit: number): number[] {
    const differing = (index: string, state: number): string => {
      const [indexed, stored] = [`INDEXED BY ${index}`, "NOT INDEXED"].map(
        (how) => `SELECT seq FROM entry ${how} WHERE state = ${state}`,
      );
      return `SELECT seq FROM (${indexed} EXCEPT ${stored}) UNION SELECT seq FROM (${stored} EXCEPT ${indexed})`;
    };
    const rows = this.#all(
      `${differing("entry_unsent", 0)} UNION ${differing("entry_quarantined", 2)} ORDER BY seq LIMIT ?`,
      limit,
    );
    return z
      .array(z.object({ seq: z.int() }))
      .parse(rows)
      .map(({ seq }) => seq);
  }

  /** How many rows were erased after delivery, and which numbers were lost. */
  losses(limit: number): { readonly erased: number; readonly lost: readonly SeqRange[] } {
    const erased = z.object({ n: z.int() }).parse(this.#get("SELECT count(*) AS n FROM erased")).n;
    const lost = this.#all("SELECT first, last FROM hole WHERE why = 'lost' ORDER BY first LIMIT ?", limit);
    return { erased, lost: z.array(z.object({ first: z.int(), last: z.int() })).parse(lost) };
  }

  /** What SQLite finds wrong with the file's structure, with `indexes` in them too, null when nothing; reads the whole file. */
  structureFault(indexes = false): string | null {
    try {
      return structureFault(this.#writable(), indexes);
    } catch (cause) {
      throw this.#failed(cause);
    }
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
    this.transaction(() => this.#statement(setFactSql).run(name, value));
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

  /** Moves the whole log into the file and empties it, so that nothing erased stays in it. False while a reader needs it. */
  foldIn(): boolean {
    const database = this.#writable();
    const patience = Number(database.pragma("busy_timeout", { simple: true }));
    try {
      // Whoever reads keeps the log as long as they like: waiting for them would keep the people at the gate waiting.
      database.pragma("busy_timeout = 0");
      const [done] = database.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
      return done?.busy === 0;
    } catch (cause) {
      throw this.#failed(cause);
    } finally {
      if (database.open) database.pragma(`busy_timeout = ${patience}`);
    }
  }

  /** Writes a whole copy of the journal as it is now into a file that does not exist yet. */
  copyInto(file: string): void {
    this.#all("SELECT 1");
    this.#writable().prepare("VACUUM INTO ?").run(file);
  }

  /** Size of the file without its log. */
  get fileBytes(): number {
    return this.#pragma("page_count") * this.#pragma("page_size");
  }

  /** Room inside the file that erased rows left. */
  get freeBytes(): number {
    return this.#pragma("freelist_count") * this.#pragma("page_size");
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
    try {
      this.#lastSeq = lastSeqIn(database);
    } catch (cause) {
      database.close();
      throw this.#failed(cause);
    }
    this.#dataKeys = this.#openKeys(database);
    this.#statements.clear();
    this.#database = database;
    const counts = this.#get(
      `SELECT (SELECT count(*) FROM entry WHERE state = 0) AS unsent,
              (SELECT count(*) FROM entry WHERE state = 2) AS quarantined`,
    );
    const { unsent, quarantined } = z.object({ unsent: z.int(), quarantined: z.int() }).parse(counts);
    this.#unsent = unsent;
    this.#quarantined = quarantined;
    this.#oldestWallMs = undefined;
    if (this.#mode === "read") return;
    try {
      this.#readAge();
      this.#takeBackReadable();
      this.#guard?.settle(this);
    } catch (fault) {
      this.letGo();
      throw fault;
    }
  }

  #readAge(): void {
    const text = this.fact(ageFact);
    const kept = keptAge(text);
    // A file that was opened again after a fault has not grown younger.
    const ms = Math.max(kept?.ms ?? 0, this.#age.sinceMs === 0 ? 0 : this.ageMs);
    this.#age = { ms, sinceMs: performance.now() };
    this.#ageServerMs ??= kept?.serverMs ?? null;
  }

  #insertRow(row: EntryRow): void {
    this.#statement(`INSERT INTO entry (seq, id, schema, boot_id, mono_ms, wall_ms, clock_state, checkpoint_id, staff_ref, reader_id, reader_name,
             kind, direction, marks, person_tag, body, state, state_at, attempts, last_code, data_key)
           VALUES (@seq, @id, @schema, @boot_id, @mono_ms, @wall_ms, @clock_state, @checkpoint_id, @staff_ref, @reader_id, @reader_name,
             @kind, @direction, @marks, @person_tag, @body, @state, @state_at, @attempts, @last_code, @data_key)`).run(
      row,
    );
  }

  #putHole(first: number, last: number, why: HoleReason): void {
    if (last < first) return;
    this.#statement("INSERT OR REPLACE INTO hole (first, last, why) VALUES (?, ?, ?)").run(first, last, why);
  }

  /** A row was found for a number that was thought to name none. */
  #cutHoles(seq: number): void {
    const rows = this.#statement(
      "SELECT first, last, why FROM hole WHERE first <= ? AND last >= ? AND why <> 'carrying'",
    ).all(seq, seq);
    const hole = z.object({ first: z.int(), last: z.int(), why: z.enum(["never-given", "lost"]) });
    for (const { first, last, why } of z.array(hole).parse(rows)) {
      this.#statement("DELETE FROM hole WHERE first = ?").run(first);
      this.#putHole(first, seq - 1, why);
      this.#putHole(seq + 1, last, why);
    }
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

  #pragma(name: string): number {
    try {
      return Number(this.#writable().pragma(name, { simple: true }));
    } catch (cause) {
      throw this.#failed(cause);
    }
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
    // The witness meets the same full disk without SQLite.
    if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code)) {
      return new AgentError("journal.disk-full", "The disk is full, the scan was not recorded; free some space.", {
        cause,
      });
    }
    // A number that is taken means that somebody else wrote here: what is known of the file is read anew.
    if (/^SQLITE_(IOERR|CORRUPT|NOTADB|CONSTRAINT_(PRIMARYKEY|ROWID|UNIQUE))/.test(code)) {
      this.#guard?.failed(code);
      this.letGo();
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

/** Null when there is none, or none that can be read: no seal guards it, and the journal must open all the same. */
function keptAge(text: string | null): z.infer<typeof age> | null {
  try {
    return text === null ? null : age.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Highest number ever given in this file, or told to be none; 0 for a new one. */
function lastSeqIn(database: Database.Database): number {
  // sqlite_sequence keeps it also after rows were erased.
  const hasHoles = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'hole'").get() !== undefined;
  const row = database
    .prepare(
      `SELECT max(coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = 'entry'), 0),
                  ${hasHoles ? "coalesce((SELECT max(last) FROM hole), 0)" : "0"}) AS seq`,
    )
    .get();
  return z.object({ seq: z.int() }).parse(row).seq;
}

/** Whether a journal file already holds rows, read before any key is made; a file beyond reading may hold some. */
export function journalHoldsRows(file: string): boolean {
  if (!existsSync(file)) return false;
  let database: Database.Database | undefined;
  try {
    database = openDatabase(file, false);
    const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entry'").get();
    return table !== undefined && database.prepare("SELECT 1 FROM entry LIMIT 1").get() !== undefined;
  } catch (fault) {
    if (fault instanceof AgentError && fault.code === "journal.newer") throw fault;
    return true;
  } finally {
    database?.close();
  }
}
