import { Command } from "commander";
import { maskedEntry } from "../../agent/journal/masked-entry.ts";
import type { SeqRange } from "../../agent/journal/store.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { CommandFailure } from "../failure.ts";
import { openJournal } from "../journal-folder.ts";
import { printable, printJson } from "../output.ts";
import { carryCommand } from "./journal-carry.ts";
import { deliverCommand } from "./journal-deliver.ts";
import { ownerKeyCommand } from "./journal-owner-key.ts";
import { receiptCommand } from "./journal-receipt.ts";
import { recoverCommand } from "./journal-recover.ts";

const maxToldRanges = 1_000;

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

const verify = new Command("verify")
  .description("check the journal: file structure, every row's seal, no gap in the sequence")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .option("--json", "print the result as one JSON line")
  .action(({ data, json }: JournalOptions) => {
    const journal = openJournal(data);
    const damaged: number[] = [];
    const counts: Record<string, number> = { unsent: 0, stored: 0, duplicate: 0, quarantined: 0 };
    let rows = 0;
    for (const page of journal.pages()) {
      damaged.push(...page.damaged);
      rows += page.entries.length + page.damaged.length;
      for (const entry of page.entries) counts[entry.state] = (counts[entry.state] ?? 0) + 1;
    }
    const structure = journal.structureFault();
    const missing = journal.gaps(1, maxToldRanges);
    const { erased, lost } = journal.losses(maxToldRanges);
    journal.close();
    const ok = structure === null && damaged.length === 0 && missing.length === 0 && lost.length === 0;
    if (json) printJson({ ok, rows, ...counts, erased, damaged, missing, lost, structure });
    else {
      process.stdout.write(
        `${rows} entries: ${counts.unsent} unsent, ${counts.stored} stored, ${counts.duplicate} duplicate, ${counts.quarantined} quarantined; ${erased} erased after delivery.\n`,
      );
      if (ok) process.stdout.write("The journal is sound: every seal verifies and no number is missing.\n");
    }
    if (!ok) {
      const told = [
        ...(structure === null ? [] : [`its structure is damaged (${structure})`]),
        `${damaged.length} damaged rows (${damaged.slice(0, 5).join(", ")})`,
        `${missing.length} gaps in the numbers (${rangesText(missing)})`,
        `${lost.length} ranges lost by an earlier fault (${rangesText(lost)})`,
      ];
      throw new CommandFailure(`The journal is not sound: ${told.join(", ")}; keep the whole folder and call support.`);
    }
  });

function rangesText(ranges: readonly SeqRange[]): string {
  return ranges
    .slice(0, 5)
    .map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`))
    .join(", ");
}

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
  .addCommand(verify)
  .addCommand(exported)
  .addCommand(carryCommand)
  .addCommand(deliverCommand)
  .addCommand(receiptCommand)
  .addCommand(recoverCommand)
  .addCommand(ownerKeyCommand);
