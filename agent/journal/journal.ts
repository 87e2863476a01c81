import { AgentError } from "../../provisioning/agent-error.ts";
import type { StationKeys } from "../../provisioning/secrets.ts";
import type { KeyReport } from "./data-keys.ts";
import type { Entry, EntryState } from "./entry.ts";
import type { NextBatch, ReaderCalls } from "./reader-thread.ts";
import { type RecordAnswer, type RecordRequest, sharedMs } from "./recorder.ts";
import { idConflictCode, type SeqRange } from "./store.ts";
import { CallThread, type EventMessage } from "./thread-calls.ts";
import type { StoreHealth, UpkeepPolicy } from "./upkeep.ts";
import type { JournalFigures, JournalHealth, JournalThreadData, WriterCalls } from "./writer-thread.ts";

/** The person is told by then, whatever the disk does. */
export const answerWithinMs = 900;
/** More scans than this cannot wait for a disk that hangs; the next is told "not recorded" at once. */
const maxWaiting = 512;
const releasedAtOnce = 1_000;
const restartAfterMs = 500;
const tendEveryMs = 1_000;
/** What no scan waits for may begin after so long without one. */
const quietAfterMs = 5_000;
/** The first backup and the verification of the whole file wait until a start is over. */
const settledAfterMs = 60_000;

/** What the journal keeps, and for how long. */
export interface JournalPolicy extends UpkeepPolicy {
  readonly backUpEveryMs: number;
}

export const defaultJournalPolicy: JournalPolicy = {
  ballastBytes: 64 << 20,
  keepStoredMs: 24 * 3_600_000,
  backUpEveryMs: 3_600_000,
};

export interface JournalOptions {
  readonly file: string;
  readonly keys: StationKeys;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
  readonly policy?: JournalPolicy;
  /** Time of the centre now, ms, as far as it was heard in this run; null else. Never this machine's wall clock. */
  readonly serverMs?: () => number | null;
  /** Whether scans are recorded, or what a person must know of the store, has changed. */
  readonly onChange?: () => void;
}

/** Before the first answer of the writer. */
const unknownStore: StoreHealth = {
  isAccepting: false,
  state: "reading-only",
  diskFreeBytes: 0,
  diskLevel: "ok",
  walBytes: 0,
  isBallastWhole: false,
  isCarrying: false,
  highWater: 0,
};

/**
 * The journal as the agent sees it: a thread that writes and a thread that reads, so that no disk, however slow, keeps a
 * reader waiting. Calls are answered in their order. {@link Journal.record} resolves when the entry survives a power cut.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #data: JournalThreadData;
  #writer!: CallThread<WriterCalls>;
  #reader!: CallThread<ReaderCalls>;
  readonly #policy: JournalPolicy;
  #figures: JournalFigures = {
    unsent: 0,
    oldestWallMs: null,
    quarantined: 0,
    lastSeq: 0,
    inside: 0,
    store: unknownStore,
  };
  #closing = false;
  #tending: NodeJS.Timeout | undefined;
  #recordedAtMs = Number.NEGATIVE_INFINITY;
  readonly #startedMs = performance.now();
  #backedUpAtMs: number | null = null;
  /** Row up to which the whole file was verified; null when that is over. */
  #verifiedUpTo: number | null = 0;
  #restart: NodeJS.Timeout | undefined;

  private constructor(options: JournalOptions) {
    this.#options = options;
    this.#policy = options.policy ?? defaultJournalPolicy;
    const { ballastBytes, keepStoredMs } = this.#policy;
    this.#data = { file: options.file, keys: options.keys, policy: { ballastBytes, keepStoredMs } };
  }

  /**
   * Opens or creates the journal.
   *
   * @throws AgentError `journal.*`; `key.missing` is the caller's, see `journalHoldsRows`
   */
  static async open(options: JournalOptions): Promise<Journal> {
    const journal = new Journal(options);
    try {
      await journal.#startWriter();
      journal.#startReader();
      journal.#tendAfter(0);
      return journal;
    } catch (fault) {
      await journal.close();
      throw fault;
    }
  }

  /** What the writer said last; never waits. */
  get figures(): JournalFigures {
    return this.#figures;
  }

  /**
   * Takes one scan to its verdicts, in the order of its codes, and to the disk. `answerBeforeMs` is set here.
   *
   * @throws AgentError `journal.*` within {@link answerWithinMs}: it must be treated as not recorded. Should it be on
   * the disk all the same, the person's next scan is answered with that very entry.
   */
  async record(request: Omit<RecordRequest, "answerBeforeMs">): Promise<readonly RecordAnswer[]> {
    if (this.#writer.waiting >= maxWaiting) {
      throw new AgentError("journal.write-failed", "Too many scans wait for the disk; check the disk.");
    }
    this.#recordedAtMs = performance.now();
    const answer = this.#writer.call("record", { ...request, answerBeforeMs: sharedMs() + answerWithinMs });
    const { answers, figures } = await inTime(answer);
    this.#take(figures);
    return answers;
  }

  /** Writes something small and waits until it is on the disk; false while scans are refused. For watchdogs. */
  alive(): Promise<boolean> {
    return this.#writer.call("alive");
  }

  /** The next entries to send, packed; see `sync/batch.ts`. */
  nextBatch(limit: number, skip: readonly string[]): Promise<NextBatch> {
    return this.#reader.call("nextBatch", limit, skip);
  }

  /** The centre named these ids as `stored` or `duplicate`: only now do they leave the outbox. */
  async acknowledge(results: readonly { id: string; state: "stored" | "duplicate" }[], nowMs: number): Promise<void> {
    this.#take(await this.#writer.call("acknowledge", results, nowMs));
  }

  /** A refused row steps aside: visible, exportable, never deleted. A row without a trusted id goes by its seq. */
  async quarantine(row: { id: string } | { seq: number }, code: string, nowMs: number): Promise<void> {
    this.#take(await this.#writer.call("quarantine", row, code, nowMs));
    if (code !== idConflictCode) return;
    this.#options.log("security.id-conflict", {
      ...row,
      warning:
        "The centre has another entry under this one's id or number: look for a second machine with a copy of this data folder, and for tampering.",
    });
  }

  /** How many rows stepped aside because the centre has another one under their id or number. */
  idConflicts(): Promise<number> {
    return this.#reader.call("idConflicts");
  }

  /** A small fact of this machine (clock offset, cached place), or null. */
  fact(name: string): Promise<string | null> {
    return this.#writer.call("fact", name);
  }

  async setFact(name: string, value: string): Promise<void> {
    await this.#writer.call("setFact", name, value);
  }

  /** The newest entries, newest first; rows that do not verify are left out. */
  newest(limit: number): Promise<Entry[]> {
    return this.#reader.call("newest", limit);
  }

  /** The present state of these entries, by id; unknown ids are left out. */
  states(ids: readonly string[]): Promise<ReadonlyMap<string, EntryState>> {
    return this.#reader.call("states", ids);
  }

  /** Counts the people inside who were seen after `sinceMs`. */
  async recount(sinceMs: number): Promise<void> {
    this.#take(await this.#writer.call("recount", sinceMs));
  }

  /** How the keys of the rows are. */
  keyReport(): Promise<KeyReport> {
    return this.#writer.call("keyReport");
  }

  health(): Promise<JournalHealth> {
    return this.#writer.call("health");
  }

  /** Rows the centre refused wait for it again; in steps, so that scans come in between. How many. */
  async releaseRefused(): Promise<number> {
    for (let all = 0; ; ) {
      const { released, figures } = await this.#writer.call("releaseRefused", releasedAtOnce);
      this.#take(figures);
      all += released;
      if (released < releasedAtOnce) return all;
    }
  }

  /**
   * The centre does not have these numbers although it once named them: their rows wait for it again. Looks at `limit`
   * rows at most; `upTo` is the last number looked at.
   */
  async markUnsent(range: SeqRange, limit: number): Promise<{ readonly marked: number; readonly upTo: number }> {
    const { marked, upTo, figures } = await this.#writer.call("markUnsent", range, limit);
    this.#take(figures);
    return { marked, upTo };
  }

  /** The highest number the centre has; the journal goes on above it. How many numbers it has that were lost here. */
  async noteHighWater(seq: number): Promise<number> {
    if (seq <= this.#figures.store.highWater) return 0;
    const { lost, figures } = await this.#writer.call("noteHighWater", seq);
    this.#take(figures);
    return lost;
  }

  /** What was asked for before is still done; then the file is closed and SQLite folds its log in. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#restart);
    clearTimeout(this.#tending);
    const threads = [this.#reader, this.#writer].filter((thread) => thread !== undefined);
    for (const thread of threads) {
      await thread.call("close").catch(() => {});
      await thread.end();
    }
  }

  #take(figures: JournalFigures): void {
    const { store: before } = this.#figures;
    this.#figures = figures;
    if (before.isAccepting !== figures.store.isAccepting || before.state !== figures.store.state) {
      this.#options.onChange?.();
    }
  }

  #tendAfter(ms: number): void {
    if (this.#closing) return;
    clearTimeout(this.#tending);
    this.#tending = setTimeout(() => {
      this.#tend().then(
        (isMore) => this.#tendAfter(isMore ? 0 : tendEveryMs),
        (fault: unknown) => {
          if (!this.#closing) this.#options.log("journal.upkeep-fault", { error: String(fault) });
          this.#tendAfter(tendEveryMs);
        },
      );
    }, ms);
  }

  async #tend(): Promise<boolean> {
    const { figures, isMore } = await this.#writer.call("tend", this.#options.serverMs?.() ?? null);
    this.#take(figures);
    if (isMore || this.#closing || !figures.store.isAccepting) return isMore;
    await this.#backUpWhereDue();
    await this.#verifyOn();
    return false;
  }

  /** While nobody scans; overdue for as long again it is made all the same. */
  async #backUpWhereDue(): Promise<void> {
    const now = performance.now();
    const every = this.#policy.backUpEveryMs;
    const due =
      this.#backedUpAtMs === null ? this.#startedMs + Math.min(settledAfterMs, every) : this.#backedUpAtMs + every;
    if (now < due || this.#figures.store.isCarrying) return;
    if (now - this.#recordedAtMs < quietAfterMs && now < due + every) return;
    this.#backedUpAtMs = now;
    const { made, why } = await this.#reader.call("backUp");
    this.#options.log("journal.backup", { made, ...(why === null ? {} : { warning: `No backup was made: ${why}.` }) });
  }

  /** The whole file, a page at a time while nobody scans: once in each run. */
  async #verifyOn(): Promise<void> {
    const now = performance.now();
    const from = this.#verifiedUpTo;
    if (from === null || now - this.#startedMs < settledAfterMs || now - this.#recordedAtMs < quietAfterMs) return;
    if (from === 0) {
      const why = await this.#reader.call("structureFault").catch(String);
      if (why !== null) {
        await this.#writer.call("condemn", why);
        await this.#reader.call("reopen");
      }
    }
    const { last, damaged } = await this.#reader.call("verifyAfter", from);
    this.#verifiedUpTo = last;
    if (damaged.length > 0)
      this.#options.log("journal.damaged-rows", { count: damaged.length, first: damaged.slice(0, 20) });
    if (last === null) this.#options.log("journal.verified", {});
  }

  #onEvent({ event, facts }: EventMessage): void {
    this.#options.log(event, facts);
    if (event === "journal.set-aside") void this.#reader?.call("reopen").catch(() => {});
  }

  async #startWriter(): Promise<void> {
    this.#writer = new CallThread<WriterCalls>(
      "writer-thread",
      this.#data,
      (why) => {
        if (this.#closing) return;
        this.#options.log("journal.thread-ended", { thread: "writer", why });
        this.#restart = setTimeout(() => {
          this.#startWriter().catch((error: unknown) => {
            this.#options.log("journal.not-opened", { error: String(error) });
            void this.#writer.end();
          });
        }, restartAfterMs);
      },
      (message) => this.#onEvent(message),
    );
    this.#take(await this.#writer.call("open"));
  }

  #startReader(): void {
    this.#reader = new CallThread<ReaderCalls>(
      "reader-thread",
      this.#data,
      (why) => {
        if (this.#closing) return;
        this.#options.log("journal.thread-ended", { thread: "reader", why });
        setTimeout(() => {
          if (!this.#closing) this.#startReader();
        }, restartAfterMs);
      },
      (message) => this.#onEvent(message),
    );
  }
}

function inTime<T>(answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new AgentError("journal.write-failed", "The disk did not answer in time; check the disk.")),
    answerWithinMs,
  );
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
}
