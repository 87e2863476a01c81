import { spawn } from "node:child_process";
import { closeSync, openSync, renameSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { CommandFailure } from "../failure.ts";
import { childEnvironment } from "../output.ts";
import { type ChildMessage, childMessage, type ToldFault } from "./parent.ts";

/** A machine-readable line of a child program. */
export type Event = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface Child {
  /** Resolves with the first event of this name. */
  next(name: string, timeoutMs: number): Promise<Event>;
  onEvent(listener: (event: Event) => void): void;
  /** What it tells over the channel; see `parent.ts`. */
  onMessage(listener: (message: ChildMessage) => void): void;
  onExit(listener: () => void): void;
  /** Why it could not go on, in its own words; null when it has not said so. */
  readonly fault: ToldFault | null;
  /** Asks it to end and waits; kills it by pid when it does not. */
  stop(): Promise<void>;
  /** Ends it at once, also when it stands still. */
  kill(): void;
}

const killAfterMs = 9_000;
/** A channel that another process keeps open does not hide the end of the child for longer. */
const lastWordsMs = 500;

/** Puts the log of the previous run aside as `.1`; a restart within a run goes on in the same file. */
export function setLogAside(logFile: string): void {
  rmSync(`${logFile}.1`, { force: true });
  try {
    renameSync(logFile, `${logFile}.1`);
  } catch {
    // First run: there is no log yet.
  }
}

/**
 * Starts one of our own programs beside this one. With a log file its JSON lines come as events and its log is appended
 * to the file; without one it writes where this process writes. The channel between them ends the child when this process
 * is gone.
 */
export function startChild(command: string, args: readonly string[], name: string, logFile: string | null): Child {
  const log = logFile === null ? null : openSync(logFile, "a", 0o600);
  const child = spawn(command, args, {
    stdio: ["ignore", log === null ? "inherit" : "pipe", log ?? "inherit", "ipc"],
    env: childEnvironment(),
    windowsHide: true,
  });
  if (log !== null) closeSync(log);
  const listeners = new Set<(event: Event) => void>();
  const messages = new Set<(message: ChildMessage) => void>();
  const exits = new Set<() => void>();
  let fault: ToldFault | null = null;
  if (child.stdout) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const event = parseEvent(line);
      if (event) for (const listener of listeners) listener(event);
    });
  }
  child.on("message", (data) => {
    const message = childMessage.safeParse(data);
    if (!message.success) return;
    if (message.data.type === "fault") fault = message.data;
    for (const listener of messages) listener(message.data);
  });
  let exited = false;
  const onEnd = (): void => {
    if (exited) return;
    exited = true;
    for (const exit of exits) exit();
  };
  // What it said last over the channel is read before its exit is told.
  child.on("exit", () => {
    if (!child.connected) return onEnd();
    child.once("disconnect", onEnd);
    setTimeout(onEnd, lastWordsMs);
  });
  child.on("error", onEnd);
  return {
    get fault() {
      return fault;
    },
    next: (wanted, timeoutMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new CommandFailure(`The ${name} did not get ready in ${timeoutMs / 1000} s; its log is ${logFile}.`));
        }, timeoutMs);
        listeners.add((event) => {
          if (event.event !== wanted) return;
          clearTimeout(timer);
          resolve(event);
        });
        exits.add(() => {
          clearTimeout(timer);
          reject(new ChildEnded(fault?.sentence ?? `The ${name} ended while starting; its log is ${logFile}.`));
        });
      }),
    onEvent: (listener) => void listeners.add(listener),
    onMessage: (listener) => void messages.add(listener),
    onExit: (listener) => void exits.add(listener),
    stop: () =>
      new Promise((resolve) => {
        if (exited) return resolve();
        const timer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
        exits.add(() => {
          clearTimeout(timer);
          resolve();
        });
        // Windows has no SIGTERM that a program could answer; the end of the channel it understands.
        if (process.platform === "win32" && child.connected) child.disconnect();
        else child.kill("SIGTERM");
      }),
    kill: () => void child.kill("SIGKILL"),
  };
}

/** The child ended before it was ready; the message says why. */
export class ChildEnded extends CommandFailure {}

function parseEvent(line: string): Event | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "event" in value && typeof value.event === "string"
      ? (value as Event)
      : null;
  } catch {
    return null;
  }
}
