import { existsSync } from "node:fs";
import nodePath from "node:path";
import { systemClock } from "../central/clock.ts";
import { sqlitePathOf } from "../central/store/open-sqlite.ts";
import { openStore } from "../central/store/store.ts";
import { defaultDataFolder } from "../provisioning/data-folder.ts";
import { CommandFailure } from "./failure.ts";

/** What `--database` says where nothing is given. */
export const databaseOption = [
  "--database <url>",
  "sqlite:PATH (default: central/central.db in the data folder)",
] as const;

/** The address of the central service's database. */
export function databaseOf(option: string | undefined): string {
  return option ?? `sqlite:${nodePath.join(defaultDataFolder(), "central", "central.db")}`;
}

/** Runs `work` on the database of the central service, which may be running beside. */
export async function withCentralStore<T>(
  option: string | undefined,
  work: (opened: ReturnType<typeof openStore>) => Promise<T>,
): Promise<T> {
  const path = sqlitePathOf(databaseOf(option));
  if (!existsSync(path)) {
    throw new CommandFailure(`There is no database ${path}: name the central service's with --database.`);
  }
  const opened = openStore(`sqlite:${path}`, systemClock);
  try {
    return await work(opened);
  } finally {
    await opened.store.close();
  }
}
