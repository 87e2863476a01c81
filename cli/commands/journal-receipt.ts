import { existsSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { receiptKeyOf } from "../../agent/carry/carry-file.ts";
import { type ReceiptItem, readReceipt } from "../../agent/carry/receipt.ts";
import { leaveReceipt, takeReceipts } from "../../agent/carry/take-receipts.ts";
import { type FolderLock, lockFolder } from "../../agent/folder-lock.ts";
import { Journal } from "../../agent/journal/journal.ts";
import type { JournalStore } from "../../agent/journal/store.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { loadStationKeys, type StationKeys } from "../../provisioning/secrets.ts";
import { connectToAgent } from "../agent-client.ts";
import { CommandFailure } from "../failure.ts";
import { openJournal } from "../journal-folder.ts";
import { printJson } from "../output.ts";

/** Half a million entries take a slow disk about a minute. */
const agentTakesWithinMs = 300_000;

export const receiptCommand = new Command("receipt")
  .description("take the receipt of a delivered carry file in: exactly the entries it names are sent now")
  .argument("<file>", "receipt that tram journal deliver has written")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .option("--json", "print the result as one JSON line")
  .action(async (file: string, { data, json }: { data: string; json?: true }) => {
    const journal = openJournal(data);
    try {
      const keys = loadStationKeys(path.join(data, "station.key"), false);
      const deviceId = journal.fact("device-id") ?? "";
      const items = (): Iterable<ReceiptItem> => readReceipt(file, deviceId, (id) => receiptKeyOf(keys.receipts, id));
      const before = countWaiting(journal, items());
      const left = leaveReceipt(data, file);
      await takenIn(data, deviceId, keys, left);
      const after = countWaiting(journal, items());
      const waiting = unsentNow(data);
      const { named, rejected, unknown } = after;
      if (json) printJson({ named, taken: before.waiting - after.waiting, rejected, unknown, waiting });
      else {
        process.stdout.write(
          `${named} entries named: ${before.waiting - after.waiting} left the queue, ${rejected} of them rejected by the centre, ${unknown} are not in this journal.\n`,
        );
      }
      if (after.waiting > 0) {
        throw new CommandFailure(
          `${after.waiting} named entries still wait; look at the agent's log and run it again.`,
        );
      }
    } finally {
      journal.close();
    }
  });

/** A reader counts when it opens. */
function unsentNow(dataDir: string): number {
  const journal = openJournal(dataDir);
  try {
    return journal.queue().unsent;
  } finally {
    journal.close();
  }
}

/** What the receipt names, and how much of it still waits here. */
function countWaiting(
  journal: JournalStore,
  items: Iterable<ReceiptItem>,
): { named: number; rejected: number; waiting: number; unknown: number } {
  const counts = { named: 0, rejected: 0, waiting: 0, unknown: 0 };
  let ids: string[] = [];
  const look = (): void => {
    const states = journal.states(ids);
    for (const id of ids) {
      const state = states.get(id);
      if (state === undefined) counts.unknown++;
      else if (state === "unsent") counts.waiting++;
    }
    ids = [];
  };
  for (const { id, status } of items) {
    counts.named++;
    if (status === "rejected") counts.rejected++;
    if (ids.push(id) === 500) look();
  }
  look();
  return counts;
}

/** Through the running agent, which owns the journal; without one, as the agent would at its next start. */
async function takenIn(dataDir: string, deviceId: string, keys: StationKeys, left: string): Promise<void> {
  const lock = await lockOrNull(dataDir);
  if (lock === null) {
    const agent = await connectToAgent(dataDir);
    try {
      agent.send({ kind: "take-receipts" });
      const giveUpAt = performance.now() + agentTakesWithinMs;
      while (existsSync(left)) {
        if (performance.now() > giveUpAt) {
          throw new CommandFailure(
            "The agent has not taken the receipt in yet; it goes on with it, also after a restart.",
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    } finally {
      agent.close();
    }
    return;
  }
  try {
    const journal = await Journal.open({ file: path.join(dataDir, "journal.db"), keys, log: () => {} });
    try {
      await takeReceipts(dataDir, deviceId, keys.receipts, journal, Date.now(), () => {});
    } finally {
      await journal.close();
    }
  } finally {
    lock.close();
  }
}

/** The folder's lock, or null when an agent holds it. */
async function lockOrNull(dataDir: string): Promise<FolderLock | null> {
  try {
    return await lockFolder(dataDir, "agent", 0);
  } catch (error) {
    if (error instanceof AgentError && error.code === "data.in-use") return null;
    throw error;
  }
}
