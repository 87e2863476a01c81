import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { syncFolder, writeDurably } from "../../provisioning/durable-file.ts";
import { dataKeysFile } from "./data-keys.ts";

/** Beside the journal: what was damaged, one dated folder each. The program never deletes anything in it. */
export const setAsideFolder = "journal.set-aside";
/** The hourly copy of the journal, beside it. */
export const backupFile = "journal.backup.db";

const stateFile = "state.json";

const state = z.object({
  /** `moving`: files may still stand in their old place; `carrying`: their rows are not all carried over yet. */
  stage: z.enum(["moving", "carrying", "done"]),
  why: z.string(),
  at: z.iso.datetime(),
  /** Numbers up to this were given: those that cannot be carried over are lost. */
  lastSeq: z.int(),
  /** Names of the files in it that may hold rows. */
  sources: z.array(z.string()),
  /** What became of their rows, once it is known. */
  report: z.record(z.string(), z.unknown()).optional(),
});

type State = z.infer<typeof state>;

/** One damaged set of files, kept. */
export interface SetAside {
  readonly folder: string;
  readonly why: string;
  readonly lastSeq: number;
  /** Files to read rows from, whole paths. */
  readonly sources: readonly string[];
}

/**
 * Moves the whole set (journal, log, index of the log) and the backup into a dated folder. The journal must be open
 * nowhere for writing. A crash at any point is finished by {@link finishMoves}.
 */
export function setAside(file: string, why: string, lastSeq: number): string {
  const sources = [path.basename(file), backupFile];
  return begin(file, { stage: "moving", why, at: new Date().toISOString(), lastSeq, sources });
}

/** Moves only the backup, because the journal itself is usable but lacks rows which the backup may have. */
export function setBackupAside(file: string, why: string, lastSeq: number): void {
  if (!existsSync(path.join(path.dirname(file), backupFile))) return;
  begin(file, { stage: "moving", why, at: new Date().toISOString(), lastSeq, sources: [backupFile] });
}

/** Keeps a copy of one file for whoever looks into what happened. */
export function keepCopy(file: string, original: string, why: string): void {
  const folder = newFolder(file);
  copyFileSync(original, path.join(folder, path.basename(original)));
  write(folder, { stage: "done", why, at: new Date().toISOString(), lastSeq: 0, sources: [] });
}

/** Ends moves that a crash cut short: a log left behind would be taken for the new journal's. */
export function finishMoves(file: string): void {
  for (const { folder, state: found } of all(file)) if (found.stage === "moving") move(file, folder, found);
}

/** Sets whose rows are still to be carried over, oldest first. */
export function setsToCarry(file: string): SetAside[] {
  return all(file)
    .filter(({ state: { stage } }) => stage === "carrying")
    .map(({ folder, state: { why, lastSeq, sources } }) => ({
      folder,
      why,
      lastSeq,
      sources: sources.map((name) => path.join(folder, name)).filter((source) => existsSync(source)),
    }));
}

/** Everything readable of this set is in the journal. */
export function carried(folder: string, report: Record<string, unknown>): void {
  const found = read(folder);
  if (found !== null) write(folder, { ...found, stage: "done", report });
}

/** How many sets are kept. */
export function keptSets(file: string): number {
  return all(file).length;
}

function begin(file: string, begun: State): string {
  const folder = newFolder(file);
  write(folder, begun);
  move(file, folder, begun);
  return folder;
}

function move(file: string, folder: string, moving: State): void {
  const from = path.dirname(file);
  for (const source of moving.sources) {
    for (const name of [source, `${source}-wal`, `${source}-shm`]) {
      if (existsSync(path.join(from, name))) renameSync(path.join(from, name), path.join(folder, name));
    }
  }
  const keys = path.join(from, dataKeysFile);
  // With them the owner can open the rows of this folder alone.
  if (existsSync(keys)) copyFileSync(keys, path.join(folder, dataKeysFile));
  syncFolder(folder);
  syncFolder(from);
  write(folder, { ...moving, stage: "carrying" });
}

function newFolder(file: string): string {
  const parent = path.join(path.dirname(file), setAsideFolder);
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  for (let count = 1; ; count++) {
    const folder = path.join(parent, count === 1 ? stamp : `${stamp}-${count}`);
    if (existsSync(folder)) continue;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    syncFolder(path.dirname(file));
    syncFolder(parent);
    return folder;
  }
}

function all(file: string): { folder: string; state: State }[] {
  const parent = path.join(path.dirname(file), setAsideFolder);
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .toSorted()
    .flatMap((name) => {
      const folder = path.join(parent, name);
      const found = read(folder);
      return found === null ? [] : [{ folder, state: found }];
    });
}

function read(folder: string): State | null {
  const file = path.join(folder, stateFile);
  if (!existsSync(file)) return null;
  try {
    return state.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null;
  }
}

function write(folder: string, next: State): void {
  writeDurably(path.join(folder, stateFile), `${JSON.stringify(next, null, 1)}\n`);
}
