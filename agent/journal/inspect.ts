import { createSecretKey, randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { AgentError } from "../../provisioning/agent-error.ts";
import { loadStationKeys, type StationKeys } from "../../provisioning/secrets.ts";
import { dataKeysFile, type KeyReport } from "./data-keys.ts";
import type { EntryState } from "./entry.ts";
import { JournalStore, type SeqRange } from "./store.ts";
import { readWal } from "./wal.ts";
import { Witness, witnessFile } from "./witness.ts";

const maxToldRanges = 1_000;
const logReadings = 3;

/** Everything a look at a journal says; {@link faultsOf} says what of it is wrong. */
export interface Inspection {
  readonly rows: number;
  readonly states: Readonly<Record<EntryState, number>>;
  /** Rows that were erased after delivery: their number, id and mark are left. */
  readonly erased: number;
  /** Rows whose seal does not verify although their key is there. */
  readonly damaged: readonly number[];
  /** Rows whose state was changed on the disk, not by the agent. */
  readonly wrongStates: readonly number[];
  /** Rows that cannot be opened because their data key cannot: how many, by the key's id. */
  readonly closed: Readonly<Record<string, number>>;
  /** Numbers that no row, no erased row and no earlier fault accounts for. */
  readonly missing: readonly SeqRange[];
  /** Numbers whose rows an earlier fault lost, as the agent noted then. */
  readonly lost: readonly SeqRange[];
  /** This machine or the centre has seen a higher number than the journal holds: the file is of an earlier day. */
  readonly rolledBack: { readonly holds: number; readonly witnessed: number; readonly acknowledged: number } | null;
  /** What SQLite finds wrong with the file. */
  readonly structure: string | null;
  /** Commits in the log behind a broken one, which SQLite does not see. */
  readonly hiddenCommits: number;
  /** Why no seal could be checked. */
  readonly stationKey: string | null;
  /** Null when no seal could be checked. */
  readonly keys: KeyReport | null;
}

/**
 * Looks at every row of the journal in a data folder, beside a running agent or in a copied folder. Changes nothing.
 *
 * @throws AgentError `journal.*` when the file cannot be opened at all
 */
export function inspectJournal(dataDir: string): Inspection {
  const { keys, stationKey } = stationKeysIn(dataDir);
  // Before the journal: what is recorded meanwhile makes no journal of an earlier day.
  const witness = readWitness(dataDir);
  using readable = openReadable(dataDir, keys);
  const { journal } = readable;
  const states: Record<EntryState, number> = { unsent: 0, stored: 0, duplicate: 0, quarantined: 0 };
  const damaged: number[] = [];
  const closed: Record<string, number> = {};
  let rows = 0;
  for (const page of journal.pages()) {
    rows += page.entries.length + page.damaged.length;
    for (const { state } of page.entries) states[state]++;
    const withoutKey = journal.withoutKey(page.damaged);
    for (const seq of page.damaged) {
      const dataKey = withoutKey.get(seq);
      if (dataKey === undefined) damaged.push(seq);
      else closed[dataKey] = (closed[dataKey] ?? 0) + 1;
    }
  }
  const { erased, lost } = journal.losses(maxToldRanges);
  const { lastSeq = 0, highWater = 0 } = witness ?? {};
  const witnessed = Math.max(lastSeq, highWater);
  const isRolledBack = witnessed > journal.lastSeq;
  return {
    rows,
    states,
    erased,
    damaged: stationKey === null ? damaged : [],
    closed: stationKey === null ? closed : {},
    wrongStates: journal.wrongStates(maxToldRanges),
    missing: journal.gaps(1, maxToldRanges),
    lost,
    rolledBack: isRolledBack ? { holds: journal.lastSeq, witnessed, acknowledged: highWater } : null,
    structure: journal.structureFault(true),
    hiddenCommits: hiddenCommits(path.join(dataDir, "journal.db-wal")),
    stationKey,
    keys: stationKey === null ? journal.keyReport : null,
  };
}

/** One sentence for each thing that is wrong, each with its numbers; empty when the journal is sound. */
export function faultsOf(seen: Inspection): string[] {
  const {
    rolledBack,
    structure,
    hiddenCommits: hidden,
    stationKey,
    keys,
    damaged,
    wrongStates,
    closed,
    missing,
    lost,
  } = seen;
  const foreign = new Set(keys?.unusable.filter(({ why }) => why === "foreign").map(({ id }) => id));
  const known = new Set(keys?.unusable.map(({ id }) => id));
  return [
    ...(stationKey === null ? [] : [stationKey]),
    ...(structure === null ? [] : [`The file's structure is damaged: ${structure}.`]),
    ...(rolledBack === null
      ? []
      : [
          `The journal is of an earlier day: it holds numbers up to ${rolledBack.holds}, this machine has given up to ${rolledBack.witnessed} and the centre has acknowledged up to ${rolledBack.acknowledged}.`,
        ]),
    ...(hidden === 0 ? [] : [`The log is damaged before its end: ${hidden} commits stand behind the damage.`]),
    ...damaged.map((seq) => `Row ${seq} was changed: its seal does not verify.`),
    ...wrongStates.map((seq) => `Row ${seq} was changed: its state is not the one that was written.`),
    ...missing.map((range) => `${rangeText(range)} missing.`),
    ...lost.map((range) => `${rangeText(range)} lost by an earlier fault.`),
    ...Object.entries(closed).map(([id, rows]) =>
      foreign.has(id)
        ? `${rows} rows under the data key ${id} do not open: it was wrapped by another station.key.`
        : `${rows} rows under the data key ${id} do not open: ${known.has(id) ? "the wrapped key is damaged" : "the wrapped key is gone"}.`,
    ),
    ...(keys?.unusable ?? [])
      .filter(({ id }) => closed[id] === undefined)
      .map(({ id, why }) => `The data key ${id} does not open (${why}); no row here needs it.`),
    ...(keys?.faults ?? []).map(
      ({ id, copy, why }) =>
        `The copy of the data key ${id} in ${copy === "file" ? dataKeysFile : "the journal"} is ${why}; the next start of the agent makes it anew.`,
    ),
  ];
}

const rangeText = ({ first, last }: SeqRange): string =>
  first === last ? `Row ${first} is` : `Rows ${first} to ${last} are`;

/** Without its key a journal still tells of its structure and its numbers. */
function stationKeysIn(dataDir: string): { keys: StationKeys; stationKey: string | null } {
  try {
    return { keys: loadStationKeys(path.join(dataDir, "station.key"), false), stationKey: null };
  } catch (fault) {
    if (!(fault instanceof AgentError)) throw fault;
    const none = createSecretKey(randomBytes(32));
    const own = { rows: none, wraps: none, persons: none, duty: none, receipts: none, device: none };
    const keys = { ...own, fingerprint: "", owner: null };
    return { keys, stationKey: fault.message };
  }
}

/**
 * The journal for reading. Where the folder cannot be written SQLite cannot read a log, and a file of an older version
 * lacks what is looked at: then a copy is read, brought up to date.
 */
function openReadable(dataDir: string, keys: StationKeys): Disposable & { readonly journal: JournalStore } {
  const file = path.join(dataDir, "journal.db");
  let journal: JournalStore | undefined;
  try {
    journal = new JournalStore(file, keys, "read");
    journal.losses(1);
    const opened = journal;
    return { journal: opened, [Symbol.dispose]: () => opened.close() };
  } catch (fault) {
    journal?.close();
    if (!(fault instanceof AgentError) || fault.code !== "journal.write-failed") throw fault;
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), "tram-verify-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    for (const name of ["journal.db", "journal.db-wal", dataKeysFile]) {
      const from = path.join(dataDir, name);
      if (existsSync(from)) copyFileSync(from, path.join(folder, name));
    }
    const copy = new JournalStore(path.join(folder, "journal.db"), keys);
    return {
      journal: copy,
      [Symbol.dispose]: () => {
        copy.close();
        remove();
      },
    };
  } catch (fault) {
    remove();
    throw fault;
  }
}

/** Read from a copy: opening it prepares it for writing. */
function readWitness(dataDir: string): { lastSeq: number; highWater: number } | null {
  const file = path.join(dataDir, witnessFile);
  if (!existsSync(file)) return null;
  const folder = mkdtempSync(path.join(os.tmpdir(), "tram-verify-"));
  try {
    copyFileSync(file, path.join(folder, witnessFile));
    const witness = new Witness(path.join(folder, witnessFile));
    const { lastSeq, highWater } = witness;
    witness.close();
    return { lastSeq, highWater };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A log that a running agent is just writing looks broken for a moment: only what stays so is damage. */
function hiddenCommits(wal: string): number {
  let fewest = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < logReadings && fewest > 0; reading++) {
    fewest = Math.min(fewest, readWal(wal)?.hiddenCommits ?? 0);
  }
  return fewest;
}
