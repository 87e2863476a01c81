import { Command } from "commander";
import { maskedEntry } from "../../agent/journal/masked-entry.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { openJournal } from "../journal-folder.ts";
import { printable, printJson } from "../output.ts";
import { carryCommand } from "./journal-carry.ts";
import { deliverCommand } from "./journal-deliver.ts";
import { ownerKeyCommand } from "./journal-owner-key.ts";
import { receiptCommand } from "./journal-receipt.ts";
import { recoverCommand } from "./journal-recover.ts";
import { sendAgainCommand } from "./journal-send-again.ts";
import { verifyCommand } from "./journal-verify.ts";

interface JournalOptions {
  data: string;
  json?: true;
}

const list = new Command("list")
  .description("entries with their state, oldest first, personal data masked")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .option("--json", "one JSON line per entry")
  .action(({ data, json }: JournalOptions) => {
    const journal = openJournal(data);
    let rows = 0;
    for (const { entries, damaged } of journal.pages()) {
      for (const entry of entries) {
        rows++;
        const { name, number } = maskedEntry(entry);
        const at = new Date(entry.wallMs).toISOString();
        if (json) {
          const { seq, id, direction, kind, state, staffRef, readerId, marks, attempts, lastCode } = entry;
          printJson({
            seq,
            id,
            at,
            direction,
            kind,
            state,
            name,
            number,
            staffRef,
            readerId,
            marks,
            attempts,
            lastCode,
          });
        } else {
          const columns = [
            String(entry.seq).padStart(6),
            at,
            entry.direction.padEnd(3),
            entry.kind.padEnd(11),
            entry.state.padEnd(11),
          ];
          process.stdout.write(
            `${columns.join("  ")}  ${printable(`${number ?? ""}  ${name ?? ""}`)}${entry.lastCode ? `  (${entry.lastCode})` : ""}\n`,
          );
        }
      }
      for (const seq of damaged) {
        if (json) printJson({ seq, damaged: true });
        else process.stdout.write(`${String(seq).padStart(6)}  damaged row: its seal does not verify\n`);
      }
    }
    if (!json && rows === 0) process.stdout.write("The journal is empty.\n");
    journal.close();
  });

const exported = new Command("export")
  .description("the owner's export: every entry in full, one JSON line each, on standard output")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .action(({ data }: JournalOptions) => {
    const journal = openJournal(data);
    for (const { entries, damaged } of journal.pages()) {
      for (const { body, wallMs, ...entry } of entries) {
        printJson({ ...entry, at: new Date(wallMs).toISOString(), wallMs, ...body });
      }
      for (const seq of damaged) printJson({ seq, damaged: true });
    }
    journal.close();
  });

export const journalCommand = new Command("journal")
  .description("look into the journal of this machine; works beside a running agent")
  .addCommand(list)
  .addCommand(verifyCommand)
  .addCommand(exported)
  .addCommand(carryCommand)
  .addCommand(deliverCommand)
  .addCommand(receiptCommand)
  .addCommand(sendAgainCommand)
  .addCommand(recoverCommand)
  .addCommand(ownerKeyCommand);
