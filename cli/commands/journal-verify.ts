import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "commander";
import { Recovery } from "../../agent/carry/recover.ts";
import { faultsOf, type Inspection, inspectJournal } from "../../agent/journal/inspect.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { keyBackend, loadStationKeys } from "../../provisioning/secrets.ts";
import { CommandFailure } from "../failure.ts";
import { printable, printJson } from "../output.ts";

const maxToldLines = 20;

export const verifyCommand = new Command("verify")
  .description("check the journal: file structure, every row's seal, its keys, no gap in the numbers, no older file")
  .option("--data <folder>", "data folder of the agent, or a copy of it", defaultDataFolder())
  .option("--json", "print the result as one JSON line")
  .action(({ data, json }: { data: string; json?: true }) => {
    if (!existsSync(path.join(data, "journal.db"))) {
      throw new CommandFailure(`There is no journal in ${data}; name the agent's data folder with --data.`);
    }
    const seen = inspected(data, json === true);
    const faults = faultsOf(seen);
    const ok = faults.length === 0;
    if (json) {
      const { states, ...rest } = seen;
      printJson({ ok, ...states, ...rest, keyBackend, faults });
    } else process.stdout.write(textOf(seen, faults));
    if (!ok) {
      throw new CommandFailure(
        `The journal is not sound (${faults.length} faults); keep the whole folder and call support. What was not sent is read out with "tram journal recover".`,
      );
    }
  });

function inspected(data: string, json: boolean): Inspection {
  try {
    return inspectJournal(data);
  } catch (fault) {
    if (!(fault instanceof AgentError) || !fault.code.startsWith("journal.") || fault.code === "journal.newer") {
      throw fault;
    }
    const readable = countReadable(data);
    if (json) printJson({ ok: false, structure: fault.message, readable, faults: [fault.message] });
    throw new CommandFailure(
      `${fault.message} ${readable === null ? "" : `${readable} rows that were not sent can still be read out of the folder; `}see "tram journal recover".`,
    );
  }
}

/** Rows that were not sent and open with the station.key beside them, in a folder that SQLite cannot read. */
function countReadable(data: string): number | null {
  const folder = mkdtempSync(path.join(os.tmpdir(), "tram-verify-"));
  try {
    using recovery = new Recovery(data, null, loadStationKeys(path.join(data, "station.key"), false), folder);
    return recovery.report.rows.unsent + recovery.report.rows.quarantined;
  } catch (fault) {
    if (fault instanceof AgentError) return null;
    throw fault;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function textOf(seen: Inspection, faults: readonly string[]): string {
  const { rows, states, erased, keys } = seen;
  const told = faults.slice(0, maxToldLines).map((fault) => `${printable(fault)}\n`);
  if (faults.length > maxToldLines) told.push(`… and ${faults.length - maxToldLines} more; see --json\n`);
  return [
    `${rows} entries: ${states.unsent} unsent, ${states.stored} stored, ${states.duplicate} duplicate, ${states.quarantined} quarantined; ${erased} erased after delivery.\n`,
    ...(keys === null ? [] : [keysText(keys)]),
    ...told,
    ...(faults.length === 0 ? ["The journal is sound: every seal verifies and no number is missing.\n"] : []),
  ].join("");
}

function keysText({ dataKeys, withoutOwner, ownerKeys }: NonNullable<Inspection["keys"]>): string {
  const owner =
    ownerKeys.length === 0
      ? 'NO owner key: losing station.key would lose what was not sent (make one with "tram journal owner-key")'
      : `owner key ${ownerKeys.join(", ")}${withoutOwner === 0 ? "" : `, which ${withoutOwner} of them lack`}`;
  return `Keys: ${dataKeys} data keys; station.key guarded by: ${keyBackend}; ${owner}.\n`;
}
