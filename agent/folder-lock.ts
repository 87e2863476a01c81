import { realpathSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import Database from "better-sqlite3";
import { AgentError } from "../provisioning/agent-error.ts";

export interface FolderLock {
  close(): void;
}

/** Held until closed: a connection that nobody refers to would be collected, and its lock with it. */
const held = new Set<Database.Database>();
const tryAgainMs = 50;

/**
 * Takes the folder for this process until it ends, kill -9 included: the operating system owns the lock. It is SQLite's
 * own lock on an empty file in the folder (fcntl on Linux, LockFileEx on Windows), which no other user can take without
 * rights on the folder, which holds across containers, and which no child process inherits. Waits `patienceMs` for a
 * previous owner that is just ending.
 *
 * @throws AgentError `data.in-use`, `data.unwritable`
 */
export async function lockFolder(
  folder: string,
  owner: "agent" | "launcher" = "agent",
  patienceMs = 3_000,
): Promise<FolderLock> {
  const file = path.join(realpathSync(folder), `${owner}.lock`);
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const database = tryLock(file);
    if (database !== null) {
      held.add(database);
      return {
        close: () => {
          held.delete(database);
          database.close();
        },
      };
    }
    if (performance.now() >= giveUpAt) {
      throw new AgentError(
        "data.in-use",
        `The data folder ${folder} is already used by another running ${owner === "agent" ? "agent" : '"tram start"'}; stop that one or choose another folder with --data.`,
      );
    }
    await wait(tryAgainMs);
  }
}

/** The connection that holds the lock, or null while another one does. */
function tryLock(file: string): Database.Database | null {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { timeout: 0 });
    // Nothing is ever written: the file stays empty, also on a full disk.
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (cause) {
    database?.close();
    const { code = "", message } = cause as { code?: string; message: string };
    if (code.startsWith("SQLITE_BUSY")) return null;
    throw new AgentError(
      "data.unwritable",
      `The lock ${file} cannot be taken (${message}); delete that file, or choose another folder with --data.`,
      { cause },
    );
  }
}
