import path from "node:path";
import Database from "better-sqlite3";

/** The name of a machine that has started once, from its data folder. */
export function deviceIdIn(dataDir: string): string {
  const journal = new Database(path.join(dataDir, "journal.db"), { readonly: true });
  try {
    return (journal.prepare("SELECT value FROM fact WHERE name = 'device-id'").get() as { value: string }).value;
  } finally {
    journal.close();
  }
}
