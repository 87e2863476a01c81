/** Which process holds a data folder, told without touching its lock: an agent that starts just now must find it free. */
import { existsSync, readFileSync, readlinkSync, statSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { runtimeFile } from "../../agent/main.ts";

export interface Holder {
  /** Null when it runs in another container, where its number means nothing. */
  readonly pid: number | null;
  /** Wall clock of its start, ms; null when it has not written it yet. */
  readonly sinceMs: number | null;
}

const run = z.object({ pid: z.int() });

/** The process that holds `agent.lock` or `launcher.lock`, null when none does. */
export async function findHolder(dataDir: string, owner: "agent" | "launcher"): Promise<Holder | null> {
  const lock = path.join(dataDir, `${owner}.lock`);
  const told = owner === "agent" ? toldByRunFile(dataDir) : null;
  const locks = readText("/proc/locks");
  if (locks === null) return told !== null && isAlive(told.pid) ? told : null;
  const node = statSync(lock, { throwIfNoEntry: false });
  if (node === undefined) return null;
  const pid = holderIn(locks, node.ino);
  if (pid === null) return null;
  if (pid <= 0) return { pid: null, sinceMs: told?.sinceMs ?? null };
  return { pid, sinceMs: told?.pid === pid ? told.sinceMs : null };
}

/** What an agent leaves behind that was killed: its run file, although nobody holds the lock. */
export function hasStaleRunFile(dataDir: string): boolean {
  return existsSync(path.join(dataDir, runtimeFile));
}

/**
 * The process with a write lock on this inode, 0 for one of another container, null for none. A line of /proc/locks is
 * `1: POSIX  ADVISORY  WRITE 1234 08:01:131075 0 EOF` (proc_locks(5)); a line with `->` waits for a lock.
 */
export function holderIn(locks: string, inode: number): number | null {
  for (const line of locks.split("\n")) {
    const [, kind, , mode, pid, where] = line.split(/\s+/);
    if (kind !== "POSIX" || mode !== "WRITE") continue;
    if (where?.split(":")[2] === String(inode)) return Number(pid);
  }
  return null;
}

function toldByRunFile(dataDir: string): { pid: number; sinceMs: number } | null {
  const file = path.join(dataDir, runtimeFile);
  try {
    const { pid } = run.parse(JSON.parse(readFileSync(file, "utf8")));
    return { pid, sinceMs: statSync(file).mtimeMs };
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The words a process was started with; empty where nobody may know them. */
export function argumentsOf(pid: number): readonly string[] {
  return readText(`/proc/${pid}/cmdline`)?.split("\0").slice(0, -1) ?? [];
}

/** The configuration file an agent was started with, as a whole path. */
export function configArgument(pid: number): string | null {
  const words = argumentsOf(pid);
  const at = words.indexOf("--config");
  const named = at < 0 ? words.find((word) => /^--(agent-)?config=/.test(word))?.replace(/^[^=]*=/, "") : words[at + 1];
  if (named === undefined) return null;
  if (path.isAbsolute(named)) return named;
  // A relative path is relative to the folder it was started in.
  const from = `/proc/${pid}/cwd`;
  return existsSync(from) ? path.resolve(readlinkSync(from), named) : null;
}

/** Number of the process that started this one; null where nobody may know it. */
export function parentOf(pid: number): number | null {
  const parent = /^PPid:\s+(\d+)$/m.exec(readText(`/proc/${pid}/status`) ?? "")?.[1];
  return parent === undefined ? null : Number(parent);
}

/** The systemd unit a process belongs to, e.g. `tram-agent.service`; null for none. */
export function unitOf(pid: number): string | null {
  const groups = readText(`/proc/${pid}/cgroup`) ?? "";
  const unit = [...groups.matchAll(/\/([^/\n]+\.service)(?=\/|$)/gm)].at(-1)?.[1] ?? null;
  // A shell of a logged-in user belongs to the service of their session.
  return unit === null || /^user@\d+\.service$/.test(unit) ? null : unit;
}

export function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
