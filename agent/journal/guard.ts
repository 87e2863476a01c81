import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import type Database from "better-sqlite3";
import { maxSequenceLeap } from "../../contract/limits.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import { dataKeysFile } from "./data-keys.ts";
import { openDatabase, openingFault, structureFault } from "./database.ts";
import { rowsInLog, salvagedRows } from "./salvage.ts";
import { finishMoves, keepCopy, setAside, setBackupAside } from "./set-aside.ts";
import type { JournalStore, SeqRange, StoreGuard } from "./store.ts";
import { readWal, rewriteWal, type Wal } from "./wal.ts";
import type { Witness } from "./witness.ts";

/** Something people must know about the journal; never a payload. */
export type Tell = (event: string, facts: Record<string, unknown>) => void;

/** Rows and numbers that are looked at at every opening, whatever the backlog. */
const checkedAtOnce = 1_000;
/** Continues so far above everything that can be read when nothing tells how far the numbers went. */
const jumpInTheDark = 1_000_000;
const openAgainAfterMs = 500;
/** A file that cannot be opened so often, on a disk that does write, is given up. */
const failedOpenings = 8;
const setAsideAtMostEveryMs = 10 * 60_000;

/**
 * Opens the journal so that what is read in it is on the disk, decides what is damaged, and keeps its numbers from being
 * given twice. (Reliability reference 4.4 and 4.5.)
 */
export class JournalGuard implements StoreGuard {
  readonly #file: string;
  readonly #witness: Witness;
  readonly #tell: Tell;
  #log: Wal | null = null;
  #wasOpen = false;
  #failures = 0;
  #corruptions = 0;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #isHighWaterAbsurd = false;
  #hasMoved = false;
  #setAsideAtMs = Number.NEGATIVE_INFINITY;

  constructor(file: string, witness: Witness, tell: Tell) {
    this.#file = file;
    this.#witness = witness;
    this.#tell = tell;
  }

  /** Whether a set was moved aside since the last call, by whichever call opened the file: its rows are to be carried. */
  takeMoved(): boolean {
    const hasMoved = this.#hasMoved;
    this.#hasMoved = false;
    return hasMoved;
  }

  /** In the place of `openDatabase`. @throws AgentError `journal.*` when the file is not fit to record now */
  readonly open = (): Database.Database => {
    if (performance.now() - this.#triedAtMs < openAgainAfterMs) {
      throw new AgentError("journal.write-failed", "The journal is being checked after a fault of the disk.");
    }
    try {
      const database = this.#open();
      this.#failures = 0;
      this.#wasOpen = true;
      this.#triedAtMs = Number.NEGATIVE_INFINITY;
      return database;
    } catch (fault) {
      this.#failures++;
      this.#triedAtMs = performance.now();
      throw fault instanceof AgentError ? fault : openingFault(this.#file, fault);
    }
  };

  promise(seq: number): void {
    this.#witness.promise(seq);
  }

  note(seq: number): void {
    this.#witness.note(seq);
    this.#corruptions = 0;
  }

  failed(code: string): void {
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) this.#corruptions++;
  }

  settle(store: JournalStore): void {
    this.#takeFromLog(store);
    const known = Math.max(this.#witness.lastSeq, this.#witness.highWater);
    if (store.lastSeq < known) this.#goOnAbove(store, known);
    else if (store.lastSeq === 0 && !this.#witness.isKnown && this.#hadAJournal()) {
      store.addHole({ first: 1, last: jumpInTheDark }, "never-given");
      this.#tell("journal.past-unknown", { continuesAbove: jumpInTheDark });
    }
    this.#witness.note(store.lastSeq);
    this.#witness.save();
    this.#checkNewest(store);
  }

  /** The centre named the highest number it has. How many of its numbers are not here. */
  noteHighWater(store: JournalStore, seq: number): number {
    if (seq > store.lastSeq + maxSequenceLeap) {
      // Every answer of the centre names it.
      if (!this.#isHighWaterAbsurd) this.#tell("journal.high-water-absurd", { highWater: seq, lastSeq: store.lastSeq });
      this.#isHighWaterAbsurd = true;
      return 0;
    }
    this.#isHighWaterAbsurd = false;
    // Its numbers are those of before the fault while it is closed.
    store.ensureOpen();
    const lost = Math.max(0, seq - store.lastSeq);
    if (lost > 0) this.#goOnAbove(store, seq);
    // Last: what is noted is not asked for again.
    this.#witness.noteHighWater(seq);
    return lost;
  }

  #open(): Database.Database {
    finishMoves(this.#file);
    if (this.#corruptions > 1 || this.#isBeyondReading())
      return this.#startAnew("it could not be used again and again");
    this.#readLog();
    // After a failed fsync what the log shows may never have reached the disk.
    rewriteWal(`${this.#file}-wal`);
    let database: Database.Database | undefined;
    try {
      database = openDatabase(this.#file, true);
      foldIn(database);
      const broken = this.#wasOpen ? structureFault(database) : null;
      if (broken === null) return database;
      database.close();
      return this.#startAnew(broken);
    } catch (fault) {
      if (database?.open) database.close();
      const damage = this.#damage(fault);
      if (damage === null) throw fault;
      return this.#startAnew(damage);
    }
  }

  /** What makes a file unusable for good, null when waiting or a person may help. */
  #damage(fault: unknown): string | null {
    if (!(fault instanceof Error)) return null;
    const { code = "" } = (fault instanceof AgentError ? (fault.cause ?? {}) : fault) as { code?: string };
    if (/^SQLITE_(CORRUPT|NOTADB|ERROR)/.test(code)) return fault.message;
    // Another program's database, unless we have written here before: then its name is what was damaged.
    const isForeign = fault instanceof AgentError && fault.code === "journal.corrupt";
    return isForeign && this.#witness.ceiling > 0 ? fault.message : null;
  }

  #startAnew(why: string): Database.Database {
    const witness = this.#witness;
    let base = witness.ceiling;
    if (!witness.isKnown) {
      let seen = 0;
      for (const { seq } of salvagedRows(this.#file)) seen = Math.max(seen, Number(seq));
      base = Math.max(base, (Number.isSafeInteger(seen) ? seen : 0) + jumpInTheDark);
    }
    this.#hasMoved = true;
    const folder = setAside(this.#file, why, witness.isKnown ? Math.max(witness.lastSeq, witness.highWater) : 0);
    this.#corruptions = 0;
    this.#log = null;
    this.#setAsideAtMs = performance.now();
    const database = openDatabase(this.#file, true);
    if (base > 0) database.prepare("INSERT INTO hole (first, last, why) VALUES (1, ?, 'carrying')").run(base);
    this.#tell("journal.set-aside", { why, folder, continuesAbove: base });
    return database;
  }

  #readLog(): void {
    this.#log = readWal(`${this.#file}-wal`);
    if (this.#log === null || this.#log.hiddenCommits === 0) return;
    this.#tell("journal.log-damaged", { hiddenCommits: this.#log.hiddenCommits });
    keepCopy(this.#file, `${this.#file}-wal`, "the log was damaged before its end");
  }

  /** Rows behind the place where the log is broken; SQLite leaves them out. */
  #takeFromLog(store: JournalStore): void {
    if (this.#log === null) return;
    const rows = [...rowsInLog(this.#log, (frame) => !frame.isReplayed)];
    this.#log = null;
    const { adopted } = store.adopt(rows);
    if (adopted > 0) this.#tell("journal.recovered-from-log", { rows: adopted });
  }

  #goOnAbove(store: JournalStore, known: number): void {
    const lost: SeqRange = { first: store.lastSeq + 1, last: known };
    const above = Math.max(known, this.#witness.ceiling);
    this.#hasMoved = true;
    setBackupAside(this.#file, "the journal lacked rows", known);
    store.addHole(lost, "lost");
    store.addHole({ first: known + 1, last: above }, "never-given");
    this.#witness.note(store.lastSeq);
    this.#tell("journal.rolled-back", { missing: lost, continuesAbove: above });
  }

  #checkNewest(store: JournalStore): void {
    const damaged = store.damagedAmongNewest(checkedAtOnce);
    const gaps = store.gaps(Math.max(1, store.lastSeq - checkedAtOnce), checkedAtOnce);
    if (damaged.length > 0) this.#tell("journal.damaged-rows", { count: damaged.length, first: damaged.slice(0, 20) });
    if (gaps.length > 0) this.#tell("journal.gaps", { count: gaps.length, first: gaps.slice(0, 20) });
  }

  #hadAJournal(): boolean {
    return existsSync(path.join(path.dirname(this.#file), dataKeysFile));
  }

  /** The file cannot be opened for long, while the disk it lies on takes and keeps another file. */
  #isBeyondReading(): boolean {
    if (this.#failures < failedOpenings || !existsSync(this.#file)) return false;
    if (performance.now() - this.#setAsideAtMs < setAsideAtMostEveryMs) return false;
    const probe = `${this.#file}-probe`;
    try {
      const descriptor = openSync(probe, "w", 0o600);
      try {
        writeSync(descriptor, Buffer.alloc(1 << 20, 1));
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      return true;
    } catch {
      return false;
    } finally {
      rmSync(probe, { force: true });
    }
  }
}

function foldIn(database: Database.Database): void {
  const [done] = database.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
  // A reader that is just reading keeps the log; the next tending folds it in.
  if (done === undefined) throw new AgentError("journal.write-failed", "The journal's log cannot be folded in.");
}
