import path from "node:path";
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { AgentError } from "../../provisioning/agent-error.ts";
import type { StationKeys } from "../../provisioning/secrets.ts";
import type { KeyReport } from "./data-keys.ts";
import { JournalGuard } from "./guard.ts";
import { type RecordAnswer, Recorder, type RecordRequest } from "./recorder.ts";
import { JournalStore, type QueueFigures, type SeqRange } from "./store.ts";
import {
  type AnswerMessage,
  answerTo,
  type CallMessage,
  type EventMessage,
  ownPort,
  plainFault,
} from "./thread-calls.ts";
import { type StoreHealth, Upkeep, type UpkeepPolicy } from "./upkeep.ts";
import { Witness, witnessFile } from "./witness.ts";

/** What a journal thread is started with. */
export interface JournalThreadData {
  readonly file: string;
  readonly keys: StationKeys;
  readonly policy: UpkeepPolicy;
}

/** Figures every answer of the writer brings along, so that a screen never waits for the disk. */
export interface JournalFigures extends QueueFigures {
  readonly lastSeq: number;
  /** People inside. */
  readonly inside: number;
  readonly store: StoreHealth;
}

/** What a heartbeat tells beside the figures. */
export interface JournalHealth {
  /** The 99th percentile of the last commits, ms; null before the first. */
  readonly commitP99Ms: number | null;
  readonly lastAcknowledgedSeq: number;
}

/** More scans than this wait for the next commit: the answers must leave in time. */
const maxGroup = 256;
/** After so many commits the log is folded in as soon as nobody waits. */
const commitsBetweenCheckpoints = 100;
const idleAfterMs = 50;

const { file, keys, policy } = workerData as JournalThreadData;
const port = ownPort();
let opened: { store: JournalStore; recorder: Recorder; guard: JournalGuard; witness: Witness; upkeep: Upkeep } | null =
  null;
let inside = 0;
let commits = 0;
let proofs = 0;
let queue = { unsent: 0, oldestWallMs: null as number | null, quarantined: 0, lastSeq: 0 };
let health: StoreHealth;

const tell = (event: string, facts: Record<string, unknown>): void =>
  port.postMessage([{ event, facts } satisfies EventMessage]);

const parts = (): NonNullable<typeof opened> => {
  if (opened === null) throw new AgentError("journal.write-failed", "The journal is not open.");
  return opened;
};
const store = (): JournalStore => parts().store;

/**
 * Also while the file is closed after a fault: then what was known last. Never throws: what they come with is done, and must
 * not be told as failed.
 */
const figures = (): JournalFigures => {
  const { recorder, upkeep } = parts();
  inside += recorder.takeInsideDelta();
  try {
    if (store().isOpen) queue = { ...store().queue(), lastSeq: store().lastSeq };
    if (health.isAccepting !== (upkeep.refusal === null)) health = upkeep.health;
  } catch (fault) {
    tell("journal.fault", { error: String(fault) });
  }
  return { ...queue, inside, store: health };
};

/** What the writer does, one call at a time; scans (`record`) are taken in groups, see below. */
const calls = {
  /** @throws AgentError `journal.*` when only a person can make the file fit to record */
  open: (): JournalFigures => {
    const witness = new Witness(path.join(path.dirname(file), witnessFile));
    const guard = new JournalGuard(file, witness, tell);
    const made = new JournalStore(file, keys, "write", guard.open, guard);
    const upkeep = new Upkeep(file, { store: made, guard, witness }, policy, tell);
    opened = { store: made, recorder: new Recorder(made), guard, witness, upkeep };
    upkeep.start();
    health = upkeep.health;
    return figures();
  },
  /** One step of upkeep. `isMore`: another one is worth while at once. */
  tend: (serverMs: number | null): { figures: JournalFigures; isMore: boolean } => {
    const { upkeep } = parts();
    try {
      const isMore = upkeep.tend(serverMs);
      return { figures: figures(), isMore };
    } finally {
      health = upkeep.health;
    }
  },
  /** The structure was found damaged: looks again, and sets the file aside when it is so. */
  condemn: (why: string): boolean => parts().upkeep.condemn(why),
  releaseRefused: (limit: number): { readonly released: number; readonly figures: JournalFigures } => ({
    released: store().releaseRefused(limit),
    figures: figures(),
  }),
  markUnsent: (
    range: SeqRange,
    limit: number,
  ): { readonly marked: number; readonly upTo: number; readonly figures: JournalFigures } => ({
    ...store().markUnsent(range, limit),
    figures: figures(),
  }),
  acknowledge: (results: Parameters<JournalStore["acknowledge"]>[0], nowMs: number): JournalFigures => {
    store().acknowledge(results, nowMs);
    return figures();
  },
  quarantine: (row: { id: string } | { seq: number }, code: string, nowMs: number): JournalFigures => {
    store().quarantine(row, code, nowMs);
    return figures();
  },
  /** A fact outlives the journal: the witness keeps it too. */
  fact: (name: string): string | null => {
    const { witness } = parts();
    return (store().isOpen ? store().fact(name) : null) ?? witness.fact(name);
  },
  setFact: (name: string, value: string): void => {
    parts().witness.setFact(name, value);
    if (store().isOpen) store().setFact(name, value);
  },
  /** Counts the people inside who were seen after `sinceMs` anew: stays end by themselves. */
  recount: (sinceMs: number): JournalFigures => {
    inside = store().inside(sinceMs);
    parts().recorder.takeInsideDelta();
    return figures();
  },
  /** Something small reached the disk: this thread and the disk work. False while scans are refused. */
  alive: (): boolean => {
    if (parts().upkeep.refusal !== null) return false;
    store().setFact("alive", String(++proofs));
    return true;
  },
  keyReport: (): KeyReport => store().keyReport,
  /** The centre has numbers that this journal never gave: they were lost with a disk, and none is given again. */
  noteHighWater: (seq: number): { readonly lost: number; readonly figures: JournalFigures } => {
    const { guard, upkeep } = parts();
    const lost = guard.noteHighWater(store(), seq);
    health = upkeep.health;
    return { lost, figures: figures() };
  },
  health: (): JournalHealth => ({
    commitP99Ms: store().commitP99Ms,
    lastAcknowledgedSeq: store().lastAcknowledgedSeq,
  }),
  close: (): void => {
    if (opened === null) return;
    try {
      opened.witness.save();
    } catch {
      // The journal itself is the truth; the witness is at most a second behind.
    }
    opened.store.close();
    opened.witness.close();
  },
};

export type WriterCalls = typeof calls & {
  record: (request: RecordRequest) => { readonly answers: readonly RecordAnswer[]; readonly figures: JournalFigures };
};

/** Scans that wait together share one commit; everything else keeps its place among them. */
function work(port: MessagePort, messages: readonly CallMessage[]): void {
  for (let at = 0; at < messages.length; ) {
    const message = messages[at] as CallMessage;
    if (message.name !== "record") {
      const answer = answerTo(calls, message);
      if ("fault" in answer && answer.fault.code === "journal.disk-full") opened?.upkeep.diskFull();
      port.postMessage([answer]);
      at++;
      continue;
    }
    const group: CallMessage[] = [];
    for (; messages[at]?.name === "record" && group.length < maxGroup; at++) group.push(messages[at] as CallMessage);
    port.postMessage(record(group));
  }
}

function isDiskFull(fault: unknown): boolean {
  return fault instanceof AgentError && fault.code === "journal.disk-full";
}

function record(group: readonly CallMessage[]): AnswerMessage[] {
  const refusal = opened?.upkeep.refusal;
  if (opened === null || refusal) return group.map(({ number }) => ({ number, fault: plainFault(refusal) }));
  commits++;
  const answers = opened.recorder.takeAll(group.map(({ args }) => args[0] as RecordRequest));
  if (answers.some((answer) => "fault" in answer && isDiskFull(answer.fault))) opened.upkeep.diskFull();
  // One object in all answers: it crosses once.
  const now = answers.every((answer) => "fault" in answer) ? null : figures();
  return group.map(({ number }, index): AnswerMessage => {
    const answer = answers[index];
    if (answer === undefined || "fault" in answer) return { number, fault: plainFault(answer?.fault) };
    return { number, value: { answers: answer, figures: now } };
  });
}

let idle: NodeJS.Timeout | undefined;

const foldIn = (): void => {
  if (commits < commitsBetweenCheckpoints) return;
  commits = 0;
  try {
    if (opened?.store.isOpen) opened.store.checkpoint();
  } catch {
    // The next call meets the same fault and tells it.
  }
};

port.on("message", (first: readonly CallMessage[]) => {
  const messages = [...first];
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    messages.push(...(next.message as readonly CallMessage[]));
  }
  work(port, messages);
  if (idle === undefined) idle = setTimeout(foldIn, idleAfterMs);
  else idle.refresh();
});
