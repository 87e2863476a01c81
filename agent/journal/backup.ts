import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { putInPlace, syncFile } from "../../provisioning/durable-file.ts";
import type { StationKeys } from "../../provisioning/secrets.ts";
import { diskSpace } from "./ballast.ts";
import { openDatabase } from "./database.ts";
import { backupFile } from "./set-aside.ts";
import { JournalStore } from "./store.ts";

const sampledRows = 200;
/** Free space that is left, whatever the copy takes. */
const sparedBytes = 64 << 20;

/** What became of one backup. */
export interface BackupReport {
  readonly made: boolean;
  /** Why not, for the log. */
  readonly why: string | null;
}

/**
 * Copies the journal as it is now beside itself, and puts the copy in the place of the last one only after it has been
 * read back: what was erased in the journal is gone from it too. The rows in it are sealed as they are in the journal.
 */
export function backUp(store: JournalStore, file: string, keys: StationKeys): BackupReport {
  const target = path.join(path.dirname(file), backupFile);
  const made = `${target}.new`;
  for (const left of [made, `${made}-wal`, `${made}-shm`, `${made}-journal`]) rmSync(left, { force: true });
  if (diskSpace(file).free < store.fileBytes + sparedBytes) return { made: false, why: "too little room" };
  try {
    store.copyInto(made);
    const why = faultOf(made, keys);
    if (why !== null) return { made: false, why };
    syncFile(made);
    putInPlace(made, target);
    return { made: true, why: null };
  } finally {
    for (const left of [made, `${made}-wal`, `${made}-shm`, `${made}-journal`]) {
      if (existsSync(left)) rmSync(left, { force: true });
    }
  }
}

function faultOf(copy: string, keys: StationKeys): string | null {
  const read = new JournalStore(copy, keys, "read", openDatabase);
  try {
    const damaged = read.damagedAmongNewest(sampledRows);
    return read.structureFault() ?? (damaged.length > 0 ? `${damaged.length} rows of the copy do not verify` : null);
  } finally {
    read.close();
  }
}
