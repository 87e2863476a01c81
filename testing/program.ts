import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { until } from "./until.ts";

const program = path.resolve(import.meta.dirname, "..", "dist", "tram", "tram.js");

/** A line of a program's standard output that was JSON. */
export type Line = { event?: string } & Record<string, unknown>;

/** The built program `tram`, running for real. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  readonly lines: Line[];
  readonly errors: () => string;
  /** The first line so far or to come of this event that `accept` likes. */
  line(event: string, accept?: (line: Line) => boolean, withinMs?: number): Promise<Line>;
  /** Ends with this signal and waits. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts `tram ARGS` beside the test; it is killed by pid at the end of the scope. */
export function startTram(...args: string[]): Running {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const lines: Line[] = [];
  let errors = "";
  child.stderr.on("data", (bytes: Buffer) => {
    errors += bytes.toString();
  });
  createInterface({ input: child.stdout }).on("line", (text) => {
    if (text.startsWith("{")) lines.push(JSON.parse(text) as Line);
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (hasEnded(child)) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  return {
    pid: child.pid ?? 0,
    lines,
    errors: () => errors,
    line: (event, accept = () => true, withinMs = 30_000) =>
      until(
        `line ${event} of tram ${args[0]}`,
        () => {
          if (hasEnded(child)) throw new Error(`tram ${args[0]} ended: ${errors}`);
          return lines.find((line) => line.event === event && accept(line));
        },
        withinMs,
      ),
    end,
    [Symbol.asyncDispose]: () => end("SIGTERM"),
  };
}

/** Runs `tram ARGS` to its end. */
export async function runTram(
  args: readonly string[],
  input: string | Uint8Array = "",
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: "pipe", ...options });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => err.push(bytes));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out: Buffer.concat(out).toString("utf8"), err: Buffer.concat(err).toString("utf8") };
}

/** Whether there is a process of this id; one that ended and was not waited for counts as gone. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** JSON lines of a text. */
export function jsonLines(text: string): Line[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
