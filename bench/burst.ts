import { randomBytes, randomUUID } from "node:crypto";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import Database from "better-sqlite3";
import { Journal } from "../agent/journal/journal.ts";
import { JournalStore } from "../agent/journal/store.ts";
import { parseReaderSpec } from "../drivers/reader-spec.ts";
import { heldCards } from "../testing/cards-at-gate.ts";
import { draft, randomKeys, requestOf } from "../testing/drafts.ts";
import type { PtyDevice } from "../testing/pty.ts";
import { until } from "../testing/until.ts";
import { benchFolder } from "./bench-data.ts";
import { openMeasuredStation } from "./measured-station.ts";
import { median, quantile } from "./quantiles.ts";

const readers = 4;
const scansPerReaderS = 50;
const rounds = 5;
const roundMs = 1_500;
/** Below what the journal lets wait (512), so that none is turned away. */
const inFlight = 480;

/** Four readers at once for `seconds`, then how many entries a second the journal takes at most. */
export async function burst(seconds: number): Promise<void> {
  await fourReaders(seconds);
  await ceiling();
}

/** A card is held to each of four real pseudo-terminals every 20 ms; one that made no row, or was not told, is lost. */
async function fourReaders(seconds: number): Promise<void> {
  using folder = benchFolder("burst");
  /** When each card was held that has no answer yet, by reader: a reader's scans are answered in their order. */
  const held = new Map<string, number[]>();
  const waitedMs: number[] = [];
  await using station = await openMeasuredStation(path.join(folder.path, "journal.db"), readers, {
    onOutcome: ({ verdict, readerId }) => {
      const from = held.get(readerId)?.shift();
      if (verdict === "accept" && from !== undefined) waitedMs.push(performance.now() - from);
    },
  });
  const card = heldCards["CCCD 2021"];
  const begunMs = performance.now();
  const hold = async (pty: PtyDevice, lane: number): Promise<void> => {
    const waiting: number[] = [];
    held.set(parseReaderSpec(`serial:${pty.path}`).id, waiting);
    for (let scan = 0; scan < seconds * scansPerReaderS; scan++) {
      const dueMs = begunMs + (scan + lane / readers) * (1000 / scansPerReaderS);
      const early = dueMs - performance.now();
      if (early > 0) await pause(early);
      const payload = Buffer.from(`${card?.(scan * readers + lane).payload}\r`);
      waiting.push(performance.now());
      await pty.write(payload);
    }
  };
  await Promise.all(station.ptys.map(hold));
  const scans = seconds * scansPerReaderS * readers;
  const tookS = (performance.now() - begunMs) / 1000;
  await until("all are answered", () => [...held.values()].every((waiting) => waiting.length === 0)).catch(() => {});
  const lost = scans - Math.min(waitedMs.length, station.journal.figures.lastSeq);
  const [p50, p99, worst] = [0.5, 0.99, 1].map((share) => quantile(waitedMs, share).toFixed(2));
  console.log(`\nburst: ${readers} readers, ${scansPerReaderS} scans/s each, CCCD 2021 over pseudo-terminals`);
  console.log(
    `  ${scans} scans in ${tookS.toFixed(1)} s (${Math.round(scans / tookS)}/s), ${lost} lost; held -> accepted p50 ${p50} ms, p99 ${p99} ms, worst ${worst} ms`,
  );
}

/** Entries a second by {@link Journal.record} with many in flight, and by one commit for each entry. */
async function ceiling(): Promise<void> {
  using folder = benchFolder("ceiling");
  const keys = randomKeys();
  const journal = await Journal.open({ file: path.join(folder.path, "journal.db"), keys, log: () => {} });
  let index = 0;
  const record = async (endMs: number): Promise<void> => {
    while (performance.now() < endMs) await journal.record(requestOf(draft(++index)));
  };
  const ours = async (): Promise<number> => {
    const fromMs = performance.now();
    const before = journal.figures.lastSeq;
    await Promise.all(Array.from({ length: inFlight }, () => record(fromMs + roundMs)));
    return ((journal.figures.lastSeq - before) / (performance.now() - fromMs)) * 1000;
  };
  using stock = new OneCommitEach(path.join(folder.path, "stock.db"), "DELETE");
  using log = new OneCommitEach(path.join(folder.path, "log.db"), "WAL");
  console.log(`\nceiling of the journal: ${rounds} rounds of ${roundMs} ms each, entries/s`);
  console.log("round   ours   one commit each: rollback journal    WAL  |  ratio to rollback journal    WAL");
  const ratios: number[][] = [];
  // The first round warms all three up and does not count.
  for (let round = 0; round <= rounds; round++) {
    const rates = [await ours(), stock.rate(), log.rate()] as const;
    if (round === 0) continue;
    const [mine, plain, wal] = rates;
    ratios.push([mine / plain, mine / wal]);
    const show = (value: number, width: number, digits = 0): string => value.toFixed(digits).padStart(width);
    console.log(
      `${show(round, 5)} ${show(mine, 6)} ${show(plain, 34)} ${show(wal, 6)}  | ${show(mine / plain, 26, 1)} ${show(mine / wal, 6, 1)}`,
    );
  }
  const [plain, wal] = [0, 1].map((at) => median(ratios.map((ratio) => ratio[at] ?? Number.NaN)).toFixed(1));
  console.log(`median of rounds: ${plain} times one commit each with a rollback journal, ${wal} times with WAL`);
  await journal.close();
}

/**
 * The same row into the same tables and indexes with `synchronous=FULL`, one commit for each entry. Everything but the
 * file is spared it: the row is sealed beforehand, and there is no thread and nothing to decide.
 */
class OneCommitEach implements Disposable {
  readonly #database: Database.Database;
  readonly #add: (seq: number) => void;
  #seq = 0;

  constructor(file: string, journalMode: "DELETE" | "WAL") {
    const { entry, presence, schema } = rowsOfOne(`${file}.row`);
    this.#database = new Database(file);
    this.#database.pragma(`journal_mode = ${journalMode}`);
    this.#database.pragma("synchronous = FULL");
    this.#database.exec(schema);
    const insert = (table: string, row: Row): Database.Statement => {
      const columns = Object.keys(row);
      return this.#database.prepare(
        `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map((name) => `@${name}`).join(", ")})`,
      );
    };
    const [addEntry, addPresence] = [insert("entry", entry), insert("presence", presence)];
    this.#add = this.#database.transaction((seq: number) => {
      const person_tag = randomBytes(32);
      addEntry.run({ ...entry, seq, id: randomUUID(), person_tag });
      addPresence.run({ ...presence, person_tag });
    });
  }

  /** Entries a second over one round. */
  rate(): number {
    const fromMs = performance.now();
    const before = this.#seq;
    while (performance.now() - fromMs < roundMs) this.#add(++this.#seq);
    return ((this.#seq - before) / (performance.now() - fromMs)) * 1000;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

type Row = Record<string, unknown>;

/** What the journal writes for one entry, and the schema it stands in. */
function rowsOfOne(file: string): { entry: Row; presence: Row; schema: string } {
  const store = new JournalStore(file, randomKeys());
  store.append(draft());
  store.close();
  const database = new Database(file, { readonly: true });
  const only = (table: string): Row => database.prepare(`SELECT * FROM ${table}`).get() as Row;
  const made = database
    .prepare("SELECT sql FROM sqlite_schema WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'")
    .pluck();
  const rows = { entry: only("entry"), presence: only("presence"), schema: made.all().join(";\n") };
  database.close();
  return rows;
}
