import { workerData } from "node:worker_threads";
import { type PackedBatch, packBatch } from "../sync/batch.ts";
import { type BackupReport, backUp } from "./backup.ts";
import type { Entry, EntryState } from "./entry.ts";
import { idConflictCode, JournalStore } from "./store.ts";
import { answerTo, type CallMessage, ownPort } from "./thread-calls.ts";
import type { JournalThreadData } from "./writer-thread.ts";

/** The oldest unsent entries, packed for their journey; rows that do not verify are in `damaged` by seq. */
export interface NextBatch {
  /** Null when nothing is to be sent. */
  readonly batch: PackedBatch | null;
  readonly damaged: readonly number[];
}

const { file, keys } = workerData as JournalThreadData;
let opened: JournalStore | null = null;

const store = (): JournalStore => {
  opened ??= new JournalStore(file, keys, "read");
  return opened;
};

/** Rows that one step of the verification opens. */
const verifiedAtOnce = 500;

/** Long reads, on a connection of their own: they never hold up a scan. */
const calls = {
  newest: (limit: number): Entry[] => store().newest(limit).entries,
  nextBatch: (limit: number, skip: readonly string[]): NextBatch => {
    const { entries, damaged } = store().unsent(limit, skip);
    return { batch: packBatch(entries, limit), damaged };
  },
  idConflicts: (): number => store().quarantinedWith(idConflictCode),
  states: (ids: readonly string[]): Map<string, EntryState> => store().states(ids),
  backUp: (): BackupReport => backUp(store(), file, keys),
  /** What SQLite finds wrong with the structure, null when nothing; reads the whole file. */
  structureFault: (): string | null => store().structureFault(),
  /** Opens the seals of the next rows after `seq`; `last` is null when there are no more. */
  verifyAfter: (seq: number): { last: number | null; damaged: readonly number[] } => {
    const { entries, damaged } = store().after(seq, verifiedAtOnce);
    const last = Math.max(0, ...damaged, entries.at(-1)?.seq ?? 0);
    return { last: last === 0 ? null : last, damaged };
  },
  /** Another file stands in its place: the next call opens that one. */
  reopen: (): void => {
    opened?.close();
    opened = null;
  },
  close: (): void => opened?.close(),
};

export type ReaderCalls = typeof calls;

const port = ownPort();
port.on("message", (messages: readonly CallMessage[]) => {
  for (const message of messages) port.postMessage([answerTo(calls, message)]);
});
