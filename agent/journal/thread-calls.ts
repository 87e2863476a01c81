import { extname, join } from "node:path";
import { type MessagePort, parentPort, Worker } from "node:worker_threads";
import { AgentError, type AgentErrorCode } from "../../provisioning/agent-error.ts";

/** The calls a thread answers. */
export type Calls = { readonly [name: string]: (...args: never[]) => unknown };

/** One call on its way into a thread. */
export interface CallMessage {
  readonly number: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** A fault as it can be sent to another thread. */
export interface PlainFault {
  readonly code: AgentErrorCode | null;
  readonly message: string;
}

/** Its answer. A fault keeps its code; its cause stays where it happened. */
export type AnswerMessage =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly fault: PlainFault };

/** Something a thread says by itself: an event for the log. */
export interface EventMessage {
  readonly event: string;
  readonly facts: Record<string, unknown>;
}

/** The port of a thread of ours; there is none in the main thread. */
export function ownPort(): MessagePort {
  if (parentPort === null) throw new Error("This file is started as a thread.");
  return parentPort;
}

/** Does one call and makes its answer. Never throws. */
export function answerTo(calls: Calls, { number, name, args }: CallMessage): AnswerMessage {
  try {
    const call = calls[name] as ((...args: unknown[]) => unknown) | undefined;
    if (call === undefined) throw new Error(`The thread knows no call "${name}".`);
    return { number, value: call(...args) };
  } catch (fault) {
    return { number, fault: plainFault(fault) };
  }
}

export function plainFault(fault: unknown): PlainFault {
  return {
    code: fault instanceof AgentError ? fault.code : null,
    message: fault instanceof Error ? fault.message : String(fault),
  };
}

/** The fault again, on this side. */
function faultFrom({ code, message }: PlainFault): Error {
  return code === null ? new Error(message) : new AgentError(code, message);
}

/**
 * What a thread holds for a moment, MiB. Left alone it grows to 48 MiB while a backlog passes through and stays there;
 * smaller collections are also shorter.
 */
const maxYoungGenerationSizeMb = 6;

type Answered<C extends Calls, N extends keyof C> = Awaited<ReturnType<C[N]>>;

/** A thread of ours that answers calls in their order. When it ends by itself, every open call fails. */
export class CallThread<C extends Calls> {
  readonly #worker: Worker;
  readonly #onEvent: (message: EventMessage) => void;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  /** Called in this turn: they travel together. */
  #leaving: CallMessage[] = [];
  #count = 0;
  #ended = false;

  /** Starts `name` from beside this file, as source and as built. `onEnd` is told once when it is gone. */
  constructor(name: string, data: unknown, onEnd: (why: string) => void, onEvent: (message: EventMessage) => void) {
    this.#onEvent = onEvent;
    const file = join(import.meta.dirname, `${name}${extname(import.meta.filename)}`);
    this.#worker = new Worker(file, { workerData: data, name, resourceLimits: { maxYoungGenerationSizeMb } });
    this.#worker.on("message", (answers: readonly (AnswerMessage | EventMessage)[]) => {
      for (const answer of answers) {
        if ("event" in answer) this.#onEvent(answer);
        else this.#settle(answer);
      }
    });
    let why = "";
    this.#worker.on("error", (error) => {
      why = String(error);
    });
    this.#worker.on("exit", (code) => {
      this.#ended = true;
      const ended = new AgentError(
        "journal.write-failed",
        `The journal's thread ended (${why || `code ${code}`}); it is started again.`,
      );
      for (const call of this.#open.values()) call.reject(ended);
      this.#open.clear();
      onEnd(ended.message);
    });
  }

  /** How many calls wait for their answer. */
  get waiting(): number {
    return this.#open.size;
  }

  call<N extends keyof C & string>(name: N, ...args: Parameters<C[N]>): Promise<Answered<C, N>> {
    if (this.#ended) {
      return Promise.reject(new AgentError("journal.write-failed", "The journal's thread is being started again."));
    }
    const number = ++this.#count;
    const answer = Promise.withResolvers<unknown>();
    this.#open.set(number, answer);
    if (this.#leaving.push({ number, name, args }) === 1) queueMicrotask(() => this.#post());
    return answer.promise as Promise<Answered<C, N>>;
  }

  /** Ends the thread after what it is doing. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(): void {
    this.#worker.postMessage(this.#leaving);
    this.#leaving = [];
  }

  #settle(answer: AnswerMessage): void {
    const call = this.#open.get(answer.number);
    this.#open.delete(answer.number);
    if ("fault" in answer) call?.reject(faultFrom(answer.fault));
    else call?.resolve(answer.value);
  }
}
