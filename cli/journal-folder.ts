import { existsSync } from "node:fs";
import path from "node:path";
import { JournalStore } from "../agent/journal/store.ts";
import { loadStationKeys } from "../provisioning/secrets.ts";
import { CommandFailure } from "./failure.ts";

/** The journal of a data folder, read beside a running agent. */
export function openJournal(dataDir: string): JournalStore {
  const file = path.join(dataDir, "journal.db");
  if (!existsSync(file)) {
    throw new CommandFailure(`There is no journal in ${dataDir}; name the agent's data folder with --data.`);
  }
  return new JournalStore(file, loadStationKeys(path.join(dataDir, "station.key"), false), "read");
}
