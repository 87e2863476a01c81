import { statSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { carryFileName, newCarryId, receiptKeyOf, writeCarryFile } from "../../agent/carry/carry-file.ts";
import { systemClock } from "../../agent/clock.ts";
import { ownerKeyFact } from "../../agent/journal/data-keys.ts";
import type { JournalStore } from "../../agent/journal/store.ts";
import { toWire } from "../../agent/sync/batch.ts";
import { clockOffset } from "../../agent/sync/clock-offset.ts";
import type { WireEntry } from "../../contract/entries.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { loadOwnerKey, type OwnerKey, parseOwnerKey } from "../../provisioning/owner-key.ts";
import { loadStationKeys } from "../../provisioning/secrets.ts";
import { CommandFailure } from "../failure.ts";
import { openJournal } from "../journal-folder.ts";
import { printJson } from "../output.ts";

interface CarryOptions {
  to: string;
  data: string;
  ownerKey?: string;
  json?: true;
}

export const carryCommand = new Command("carry")
  .description("write what was not sent to one sealed file, for a stick, when the network does not come")
  .requiredOption("--to <folder>", "folder of the stick")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .option("--owner-key <file>", "owner's public key; the configured one when absent")
  .option("--json", "print the result as one JSON line")
  .action(({ to, data, ownerKey, json }: CarryOptions) => {
    if (!isFolder(to))
      throw new CommandFailure(`There is no folder ${to}; plug the stick in and name its folder with --to.`);
    const journal = openJournal(data);
    try {
      const deviceId = journal.fact("device-id");
      const { unsent } = journal.queue();
      const checkpointId = newestPlace(journal);
      if (unsent === 0 || deviceId === null || checkpointId === null) {
        if (json) printJson({ file: null, entries: 0, damaged: 0 });
        else process.stdout.write("Nothing waits to be sent; no file was written.\n");
        return;
      }
      const owner = ownerKey === undefined ? configuredOwnerKey(journal) : loadOwnerKey(ownerKey);
      const clock = systemClock();
      const id = newCarryId();
      const station = loadStationKeys(path.join(data, "station.key"), false).receipts;
      const file = path.join(to, carryFileName(deviceId, clock.wallMs()));
      const made = { bootId: clock.bootId, monoMs: clock.monoMs(), wallMs: clock.wallMs() };
      const receiptKey = Buffer.from(receiptKeyOf(station, id)).toString("base64");
      let damaged = 0;
      const entries = function* (): Generator<WireEntry> {
        for (const page of journal.unsentPages()) {
          damaged += page.damaged.length;
          for (const entry of page.entries) yield toWire(entry);
        }
      };
      const written = writeCarryFile(
        file,
        id,
        owner,
        { version: 1, deviceId, checkpointId, made, clockOffsetMs: knownOffset(journal), receiptKey },
        entries(),
      );
      if (json) printJson({ file, carry: id, ...written, damaged, ownerKey: owner.fingerprint });
      else {
        process.stdout.write(
          `${written.entries} entries in ${file}, sealed for the owner key ${owner.fingerprint}.\nTake it to a machine with a network: tram journal deliver FILE --owner-key private.pem --central URL\nThey stay on the station as not sent until its receipt comes back: tram journal receipt FILE.receipt\n`,
        );
      }
      if (damaged > 0) {
        throw new CommandFailure(
          `${damaged} rows do not open and are not in the file; run "tram journal verify" to see which.`,
        );
      }
    } finally {
      journal.close();
    }
  });

function isFolder(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}

function newestPlace(journal: JournalStore): string | null {
  return journal.newest(20).entries[0]?.checkpointId ?? null;
}

function configuredOwnerKey(journal: JournalStore): OwnerKey {
  const pem = journal.fact(ownerKeyFact);
  if (pem === null) {
    throw new CommandFailure(
      'This station has no owner key to seal the file with; name the owner\'s public key with --owner-key (made by "tram journal owner-key").',
    );
  }
  return parseOwnerKey(String(JSON.parse(pem)), "in the journal");
}

function knownOffset(journal: JournalStore): number | null {
  const text = journal.fact("clock-offset");
  const parsed = text === null ? null : clockOffset.safeParse(JSON.parse(text));
  return parsed?.success ? parsed.data.offsetMs : null;
}
