import { createHash, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { AgentError } from "../../provisioning/agent-error.ts";
import { writeDurably } from "../../provisioning/durable-file.ts";
import type { Journal } from "../journal/journal.ts";
import { receiptKeyOf } from "./carry-file.ts";
import { type ReceiptItem, readReceipt } from "./receipt.ts";

/** Entries that leave the outbox in one transaction. */
const takenAtOnce = 500;
const ending = ".receipt";

const folderIn = (dataDir: string): string => path.join(dataDir, "receipts");

/** Leaves a receipt where the agent of this data folder finds it, also at its next start. Durable. */
export function leaveReceipt(dataDir: string, file: string): string {
  mkdirSync(folderIn(dataDir), { recursive: true, mode: 0o700 });
  const content = readFileSync(file);
  const name = createHash("sha256").update(content).digest("hex").slice(0, 32);
  const left = path.join(folderIn(dataDir), `${name}${ending}`);
  writeDurably(left, content);
  return left;
}

/**
 * Takes in every receipt that was left: exactly the entries it names leave the outbox, or step aside where the centre
 * rejected them. One that is not genuine is put aside and changes nothing.
 */
export async function takeReceipts(
  dataDir: string,
  deviceId: string,
  station: KeyObject,
  journal: Pick<Journal, "acknowledge" | "quarantine">,
  nowMs: number,
  log: (event: string, facts: Record<string, unknown>) => void,
): Promise<void> {
  if (!existsSync(folderIn(dataDir))) return;
  for (const name of readdirSync(folderIn(dataDir)).filter((found) => found.endsWith(ending))) {
    const file = path.join(folderIn(dataDir), name);
    try {
      const entries = await takeIn(
        readReceipt(file, deviceId, (id) => receiptKeyOf(station, id)),
        journal,
        nowMs,
      );
      rmSync(file, { force: true });
      log("receipt.taken", { entries });
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== "carry.receipt") throw error;
      if (existsSync(file)) renameSync(file, `${file}.refused`);
      log("receipt.refused", { error: error.message });
    }
  }
}

async function takeIn(
  items: Iterable<ReceiptItem>,
  journal: Pick<Journal, "acknowledge" | "quarantine">,
  nowMs: number,
): Promise<number> {
  let entries = 0;
  let delivered: { id: string; state: "stored" | "duplicate" }[] = [];
  for (const { id, status, code } of items) {
    entries++;
    if (status === "rejected") await journal.quarantine({ id }, code ?? status, nowMs);
    else delivered.push({ id, state: status });
    if (delivered.length < takenAtOnce) continue;
    await journal.acknowledge(delivered, nowMs);
    delivered = [];
  }
  if (delivered.length > 0) await journal.acknowledge(delivered, nowMs);
  return entries;
}
