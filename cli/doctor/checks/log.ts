import { execFile } from "node:child_process";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import path from "node:path";
import { unitOf } from "../holder.ts";
import { type Finding, findingsOf } from "../report.ts";
import type { Station } from "../station.ts";
import { countText, timeText } from "../words.ts";

const say = findingsOf("log");

/** The end of a log that is looked at. */
const lastBytes = 1 << 20;
const lastLines = 20_000;

interface Run {
  readonly startedMs: number;
  lastMs: number;
  stopped: boolean;
}

/** Runs of the agent that ended without saying so: crashed, killed, or the power went. Of a log only its events are read. */
export async function checkLog(station: Station): Promise<Finding[]> {
  const lines = await logLines(station);
  if (lines === null) return [say("ends", "ok", "No log is kept in the data folder; a service manager keeps its own.")];
  const runs = runsIn(lines);
  const isRunning = station.agent !== null;
  const broken = runs.filter(({ stopped }, index) => !stopped && !(isRunning && index === runs.length - 1));
  const last = broken.at(-1);
  if (last === undefined)
    return [say("ends", "ok", `${countText(runs.length, "start")} in the log, none ended unasked.`)];
  const what = `The agent ended ${countText(broken.length, "time")} without saying so, the last time about ${timeText(last.lastMs)}: a crash, a kill or a power cut.`;
  return [
    say("ends", "warn", what, "Was there a power cut then? If not, send the log to support; no entry is lost by it."),
  ];
}

/** Oldest first; null where there is none that this user may read. */
async function logLines({ dataDir, agent }: Station): Promise<string[] | null> {
  const folder = path.join(dataDir, "log");
  const files = ["agent.log.1", "agent.log"].map((name) => path.join(folder, name)).filter((file) => existsSync(file));
  if (files.length > 0) return files.flatMap((file) => tailOf(file).split("\n"));
  const unit = agent?.pid === null || agent?.pid === undefined ? null : unitOf(agent.pid);
  return unit === null ? null : journalOf(unit);
}

function tailOf(file: string): string {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, lastBytes));
    readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString("utf8");
  } finally {
    closeSync(descriptor);
  }
}

function journalOf(unit: string): Promise<string[] | null> {
  const args = ["--unit", unit, "--lines", String(lastLines), "--output", "cat", "--no-pager"];
  return new Promise((resolve) => {
    execFile("journalctl", args, { timeout: 5_000, maxBuffer: 64 << 20 }, (error, out) => {
      resolve(error === null && out.trim() !== "" ? out.split("\n") : null);
    });
  });
}

function runsIn(lines: readonly string[]): Run[] {
  const runs: Run[] = [];
  for (const line of lines) {
    const event = eventOf(line);
    if (event === null) continue;
    if (event.name === "agent.started") runs.push({ startedMs: event.atMs, lastMs: event.atMs, stopped: false });
    const run = runs.at(-1);
    if (run === undefined) continue;
    run.lastMs = event.atMs;
    if (event.name === "agent.stopped") run.stopped = true;
  }
  return runs;
}

function eventOf(line: string): { name: string; atMs: number } | null {
  if (!line.startsWith("{")) return null;
  try {
    const { msg, time } = JSON.parse(line) as { msg?: unknown; time?: unknown };
    const atMs = Date.parse(String(time));
    return typeof msg === "string" && Number.isFinite(atMs) ? { name: msg, atMs } : null;
  } catch {
    return null;
  }
}
