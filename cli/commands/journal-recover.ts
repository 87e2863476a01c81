import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, rmSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { newCarryId, receiptKeyOf, writeCarryFile } from "../../agent/carry/carry-file.ts";
import { Recovery, type RecoveryReport } from "../../agent/carry/recover.ts";
import type { Entry, EntryState } from "../../agent/journal/entry.ts";
import { toWire } from "../../agent/sync/batch.ts";
import { clockOffset } from "../../agent/sync/clock-offset.ts";
import type { WireEntry } from "../../contract/entries.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import { createAside, putInPlace, writeWhole } from "../../provisioning/durable-file.ts";
import { loadOwnerPrivateKey, type OwnerPrivateKey, publicPartOf } from "../../provisioning/owner-key.ts";
import { loadStationKeys, type StationKeys } from "../../provisioning/secrets.ts";
import { Questions } from "../ask.ts";
import { CommandFailure } from "../failure.ts";
import { printJson } from "../output.ts";

interface RecoverOptions {
  data: string;
  ownerKey: string;
  out: string;
  clear?: true;
  deviceId?: string;
  json?: true;
}

/** What the centre has not acknowledged, as far as the folder knows. */
const undelivered: readonly EntryState[] = ["unsent", "quarantined"];
const every: readonly EntryState[] = ["unsent", "stored", "quarantined", "duplicate"];

export const recoverCommand = new Command("recover")
  .description("read the rows of a dead machine's folder with the owner's private key, also a damaged one")
  .requiredOption("--data <folder>", "the folder, or a copy of it; it is not changed")
  .requiredOption("--owner-key <file>", "owner's private key (PEM); its passphrase is asked for")
  .requiredOption("--out <file>", "carry file to write: what was not delivered, for tram journal deliver")
  .option("--clear", "write JSON lines of all rows instead, readable by anybody")
  .option("--device-id <uuid>", "id of the dead machine, where its folder does not tell it any more")
  .option("--json", "print the result as one JSON line")
  .action(async (options: RecoverOptions) => {
    const { data, out } = options;
    if (!existsSync(data)) throw new CommandFailure(`There is no folder ${data}; check the path given with --data.`);
    if (existsSync(out)) throw new CommandFailure(`There is a file ${out} already; choose another name with --out.`);
    using questions = new Questions();
    const owner = await loadOwnerPrivateKey(options.ownerKey, () =>
      questions.askSecret("Passphrase of the owner key: "),
    );
    const station = stationKeyIn(data);
    using recovery = openRecovery(data, owner, station, path.dirname(path.resolve(out)));
    const { report } = recovery;
    refuseWrongOwner(report, owner);
    const entries = options.clear ? writeClear(out, recovery.entries(every)) : carry(recovery, options, owner, station);
    if (options.json) printJson({ file: entries === 0 ? null : out, entries, ...report });
    else process.stdout.write(textOf(report, out, entries, options.clear === true));
    if (report.damaged + report.missing > 0) {
      throw new CommandFailure(
        `Not everything could be recovered: ${report.damaged} rows do not open, ${report.missing} numbers left no trace; keep the folder.`,
      );
    }
  });

/** It may be there and whole, then it opens what the owner's key cannot: rows of the first schema. */
function stationKeyIn(data: string): StationKeys | null {
  try {
    return loadStationKeys(path.join(data, "station.key"), false);
  } catch (error) {
    if (error instanceof AgentError || (error as NodeJS.ErrnoException).code !== undefined) return null;
    throw error;
  }
}

function openRecovery(data: string, owner: OwnerPrivateKey, station: StationKeys | null, workIn: string): Recovery {
  try {
    return new Recovery(data, owner, station, workIn);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (error instanceof AgentError || code === "") throw error;
    throw new CommandFailure(
      `The rows could not be read out (${code}); the folder of --out needs room for a copy of the journal, and ${data} must be readable.`,
    );
  }
}

function refuseWrongOwner({ rows, damaged, keysNotOpened }: RecoveryReport, owner: OwnerPrivateKey): void {
  const opened = Object.values(rows).reduce((sum, count) => sum + count, 0);
  if (opened > 0 || damaged === 0 || keysNotOpened.length === 0) return;
  const [made] = keysNotOpened.flatMap(({ ownerKey }) => ownerKey ?? []);
  throw new CommandFailure(
    made === undefined
      ? "No row opens: this station had no owner key when it wrote them; only its station.key can open them, put it into the folder."
      : made === owner.fingerprint
        ? "No row opens: the wrapped keys in the folder are damaged; look for data-keys.json or a backup of the journal and put it into the folder."
        : `No row opens: they were sealed for the owner key ${made}, and the key given is ${owner.fingerprint}; take the private key that belongs to it.`,
  );
}

function carry(
  recovery: Recovery,
  options: RecoverOptions,
  owner: OwnerPrivateKey,
  station: StationKeys | null,
): number {
  const newest = newestOf(recovery.entries(undelivered));
  if (newest === null) return 0;
  const deviceId = z.uuid().safeParse(options.deviceId ?? recovery.deviceId);
  if (!deviceId.success) {
    throw new CommandFailure(
      "The folder does not tell the id of its device any more; give it with --device-id, or write JSON lines with --clear.",
    );
  }
  const id = newCarryId();
  const receiptKey = station === null ? randomBytes(32) : receiptKeyOf(station.receipts, id);
  const offset = clockOffset.safeParse(jsonOf(recovery.clockOffsetFact));
  const wire = function* (): Generator<WireEntry> {
    for (const entry of recovery.entries(undelivered)) yield toWire(entry);
  };
  const manifest = {
    version: 1 as const,
    deviceId: deviceId.data,
    checkpointId: newest.checkpointId,
    made: null,
    clockOffsetMs: offset.success ? offset.data.offsetMs : null,
    receiptKey: Buffer.from(receiptKey).toString("base64"),
  };
  return writeCarryFile(options.out, id, publicPartOf(owner), manifest, wire()).entries;
}

/** A fact out of a damaged file may be anything. */
function jsonOf(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function newestOf(entries: Iterable<Entry>): Entry | null {
  let newest: Entry | null = null;
  for (const entry of entries) newest = entry;
  return newest;
}

/** JSON lines, whole and durable or not at all. */
function writeClear(out: string, entries: Iterable<Entry>): number {
  const aside = `${out}.part`;
  try {
    const descriptor = createAside(aside, 0o600);
    let count = 0;
    try {
      for (const { body, wallMs, ...entry } of entries) {
        count++;
        const line = { ...entry, at: new Date(wallMs).toISOString(), wallMs, ...body };
        writeWhole(descriptor, `${JSON.stringify(line)}\n`);
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    putInPlace(aside, out);
    return count;
  } catch (error) {
    rmSync(aside, { force: true });
    throw new CommandFailure(
      `The file ${out} could not be written (${(error as NodeJS.ErrnoException).code ?? String(error)}); make room or choose another place with --out.`,
    );
  }
}

function textOf({ rows, sources }: RecoveryReport, out: string, entries: number, isClear: boolean): string {
  const states = `${rows.unsent} unsent, ${rows.quarantined} quarantined, ${rows.stored} stored, ${rows.duplicate} duplicate`;
  const next = isClear
    ? `${entries} rows in ${out}, readable by anybody: keep it as you would keep the cards themselves.\n`
    : entries === 0
      ? "Everything found was delivered; no file was written.\n"
      : `${entries} entries in ${out}, sealed for the owner; next: tram journal deliver ${out} --owner-key private.pem --central URL\n`;
  return `Read ${sources.join(", ")}: ${states}.\n${next}`;
}
