import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { StationKeys } from "../../provisioning/secrets.ts";
import type { KeyReport } from "./data-keys.ts";
import { type RecordAnswer, Recorder, type RecordRequest } from "./recorder.ts";
import { JournalStore, type QueueFigures, type SeqRange } from "./store.ts";
import { type AnswerMessage, answerTo, type CallMessage, ownPort, plainFault } from "./thread-calls.ts";

/** What a journal thread is started with. */
export interface JournalThreadData {
  readonly file: string;
  readonly keys: StationKeys;
}

/** Figures every answer of the writer brings along, so that a screen never waits for the disk. */
export interface JournalFigures extends QueueFigures {
  readonly lastSeq: number;
  /** People inside. */
  readonly inside: number;
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

const { file, keys } = workerData as JournalThreadData;
let opened: JournalStore | null = null;
let recorder: Recorder;
let inside = 0;
let commits = 0;

const store = (): JournalStore => {
  if (opened === null) throw new Error("The journal is not open.");
  return opened;
};

const figures = (): JournalFigures => {
  inside += recorder.takeInsideDelta();
  return { ...store().queue(), lastSeq: store().lastSeq, inside };
};

/** What the writer does, one call at a time; scans (`record`) are taken in groups, see below. */
const calls = {
  /** @throws AgentError `journal.*` when the file is not fit to record */
  open: (): JournalFigures => {
    opened = new JournalStore(file, keys);
    recorder = new Recorder(opened);
    return figures();
  },
  acknowledge: (results: Parameters<JournalStore["acknowledge"]>[0], nowMs: number): JournalFigures => {
    store().acknowledge(results, nowMs);
    return figures();
  },
  quarantine: (row: { id: string } | { seq: number }, code: string, nowMs: number): JournalFigures => {
    store().quarantine(row, code, nowMs);
    return figures();
  },
  fact: (name: string): string | null => store().fact(name),
  setFact: (name: string, value: string): void => store().setFact(name, value),
  /** Counts the people inside who were seen after `sinceMs` anew: stays end by themselves. */
  recount: (sinceMs: number): JournalFigures => {
    inside = store().inside(sinceMs);
    recorder.takeInsideDelta();
    return figures();
  },
  keyReport: (): KeyReport => store().keyReport,
  markUnsent: (range: SeqRange): { readonly marked: number; readonly figures: JournalFigures } => ({
    marked: store().markUnsent([range]),
    figures: figures(),
  }),
  /** The centre has numbers that this journal never gave: they were lost with a disk, and none is given again. */
  noteHighWater: (seq: number): { readonly lost: number; readonly figures: JournalFigures } => {
    const { lastSeq } = store();
    if (seq > lastSeq) store().addHole({ first: lastSeq + 1, last: seq }, "lost");
    return { lost: Math.max(0, seq - lastSeq), figures: figures() };
  },
  health: (): JournalHealth => ({
    commitP99Ms: store().commitP99Ms,
    lastAcknowledgedSeq: store().lastAcknowledgedSeq,
  }),
  close: (): void => opened?.close(),
};

export type WriterCalls = typeof calls & {
  record: (request: RecordRequest) => { readonly answers: readonly RecordAnswer[]; readonly figures: JournalFigures };
};

/** Scans that wait together share one commit; everything else keeps its place among them. */
function work(port: MessagePort, messages: readonly CallMessage[]): void {
  for (let at = 0; at < messages.length; ) {
    const message = messages[at] as CallMessage;
    if (message.name !== "record") {
      port.postMessage([answerTo(calls, message)]);
      at++;
      continue;
    }
    const group: CallMessage[] = [];
    for (; messages[at]?.name === "record" && group.length < maxGroup; at++) group.push(messages[at] as CallMessage);
    port.postMessage(record(group));
  }
}

function record(group: readonly CallMessage[]): AnswerMessage[] {
  commits++;
  const answers = recorder.takeAll(group.map(({ args }) => args[0] as RecordRequest));
  // One object in all answers: it crosses once.
  const now = answers.every((answer) => "fault" in answer) ? null : figures();
  return group.map(({ number }, index): AnswerMessage => {
    const answer = answers[index];
    if (answer === undefined || "fault" in answer) return { number, fault: plainFault(answer?.fault) };
    return { number, value: { answers: answer, figures: now } };
  });
}

const port = ownPort();
let idle: NodeJS.Timeout | undefined;

const foldIn = (): void => {
  if (commits < commitsBetweenCheckpoints) return;
  commits = 0;
  try {
    opened?.checkpoint();
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
