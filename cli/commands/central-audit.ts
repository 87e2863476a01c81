import { readFileSync } from "node:fs";
import { Command } from "commander";
import { z } from "zod";
import type { ChainHead } from "../../central/store/access-record-store.ts";
import { checkAccessRecords } from "../../central/store/check-access-records.ts";
import { sqlitePathOf } from "../../central/store/open-sqlite.ts";
import { databaseOf, databaseOption } from "../central-store.ts";
import { CommandFailure } from "../failure.ts";
import { printJson } from "../output.ts";

const maxToldLines = 20;

const verifyCommand = new Command("verify")
  .description("check the chain of the access log: no record changed, missing, moved or cut off")
  .option(...databaseOption)
  .option("--log <file>", "log file of the central service: what it told of the chain is compared")
  .option("--head <seq:hash>", "an end of the chain as somebody wrote it down", headOf)
  .option("--json", "print the result as one JSON line")
  .action((options: { database?: string; log?: string; head?: ChainHead; json?: true }) => {
    const heads = [...(options.log === undefined ? [] : headsIn(options.log)), ...(options.head ? [options.head] : [])];
    const { records, head, faults } = checkAccessRecords(sqlitePathOf(databaseOf(options.database)), heads);
    const ok = faults.length === 0;
    if (options.json) printJson({ ok, records, head, compared: heads.length, faults });
    else {
      for (const fault of faults.slice(0, maxToldLines)) process.stdout.write(`${fault}\n`);
      if (faults.length > maxToldLines)
        process.stdout.write(`… and ${faults.length - maxToldLines} more; see --json\n`);
      process.stdout.write(`${records} access records; the chain ends with ${head.seq}:${head.hash}.\n`);
      if (ok && heads.length === 0) {
        process.stdout.write("A cut-off end is seen only with --log or --head: give the service's log file.\n");
      }
    }
    if (!ok) {
      throw new CommandFailure(
        `The access log is not whole (${faults.length} faults); keep the database and its log files and call support.`,
      );
    }
  });

export const centralAuditCommand = new Command("central-audit")
  .description("the central service's log of who looked at whom")
  .addCommand(verifyCommand);

function headOf(text: string): ChainHead {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (!match?.[1] || !match[2]) {
    throw new CommandFailure(`--head takes NUMBER:HASH as "verify" prints it, not "${text.slice(0, 100)}".`);
  }
  return { seq: Number(match[1]), hash: match[2] };
}

const headLine = z.object({
  msg: z.literal("access log head"),
  seq: z.int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

function headsIn(file: string): ChainHead[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new CommandFailure(`Cannot read the log file ${file}: name the file the service's log goes to.`);
  }
  const heads = text.split("\n").flatMap((line) => {
    if (!line.includes("access log head")) return [];
    const parsed = headLine.safeParse(jsonOf(line));
    return parsed.success ? [{ seq: parsed.data.seq, hash: parsed.data.hash }] : [];
  });
  if (heads.length === 0) throw new CommandFailure(`The file ${file} tells of no head of the access log.`);
  return heads.filter(({ seq }) => seq > 0);
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}
