import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { JournalStore } from "../agent/journal/store.ts";
import { loadStationKeys } from "../provisioning/secrets.ts";
import { draft } from "../testing/drafts.ts";

/** Where benches write: on the disk of the project, not on a temporary file system. */
const folder = path.resolve(import.meta.dirname, "..", "dist", "bench-data");

/** An empty folder of this name there; removed at the end of the scope. */
export function benchFolder(name: string): Disposable & { readonly path: string } {
  const made = path.join(folder, name);
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true, mode: 0o700 });
  return { path: made, [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }) };
}

/** Backlogs made in this run, by size: making a million rows takes a minute. */
const backlogs = new Map<number, string>();
const rowsPerCommit = 5_000;
/** Some come again and again. */
const people = 50_000;

/** Data folder of a station with `entries` unsent rows; removed by {@link removeBacklogs}. */
export function backlogOf(entries: number): string {
  const known = backlogs.get(entries);
  if (known !== undefined) return known;
  const dataDir = path.join(folder, `backlog-${entries}`);
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const store = new JournalStore(
    path.join(dataDir, "journal.db"),
    loadStationKeys(path.join(dataDir, "station.key"), true),
  );
  for (let done = 0; done < entries; done += rowsPerCommit) {
    store.transaction(() => {
      for (let index = done; index < Math.min(entries, done + rowsPerCommit); index++) {
        // Nobody was on duty: rows of staff that a centre does not know wait there for the owner.
        store.insert(draft(index % people, { wallMs: Date.now() - (entries - index) * 1_000, staffRef: null }));
      }
    });
  }
  store.close();
  backlogs.set(entries, dataDir);
  return dataDir;
}

/** A copy of that backlog at `target`. */
export function copyBacklog(entries: number, target: string): void {
  cpSync(backlogOf(entries), target, { recursive: true });
}

export function removeBacklogs(): void {
  for (const dataDir of backlogs.values()) if (existsSync(dataDir)) rmSync(dataDir, { recursive: true });
  backlogs.clear();
}
