import { spawn } from "node:child_process";
import { closeSync, openSync, renameSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { CommandFailure } from "../failure.ts";

/** A machine-readable line of a child program. */
export type Event = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface Child {
  /** Resolves with the first event of this name. */
  next(name: string, timeoutMs: number): Promise<Event>;
  onEvent(listener: (event: Event) => void): void;
  onExit(listener: (code: number | null) => void): void;
  /** Asks it to end and waits; kills it by pid when it does not. */
  stop(): Promise<void>;
}

const killAfterMs = 9_000;

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
 * Starts one of our own programs beside this one. Its JSON lines come as events, its log is appended to `logFile`. The
 * channel between them ends the child when this process is gone.
 */
export function startChild(command: string, args: readonly string[], logFile: string, name: string): Child {
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(command, args, { stdio: ["ignore", "pipe", log, "ipc"], windowsHide: true });
  closeSync(log);
  const listeners = new Set<(event: Event) => void>();
  const exits = new Set<(code: number | null) => void>();
  if (child.stdout) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const event = parseEvent(line);
      if (event) for (const listener of listeners) listener(event);
    });
  }
  let exited = false;
  child.on("exit", (code) => {
    exited = true;
    for (const exit of exits) exit(code);
  });
  child.on("error", () => {
    exited = true;
    for (const exit of exits) exit(null);
  });
  return {
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
          reject(new ChildEnded(name, logFile));
        });
      }),
    onEvent: (listener) => void listeners.add(listener),
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
  };
}

/** The child ended before it was ready; the last line of its log says why. */
export class ChildEnded extends CommandFailure {
  readonly logFile: string;

  constructor(name: string, logFile: string) {
    super(`The ${name} ended while starting; its log is ${logFile}.`);
    this.logFile = logFile;
  }
}

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
