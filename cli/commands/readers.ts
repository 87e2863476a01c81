import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { Command } from "commander";
import { type Assessed, assess } from "../../drivers/discovery.ts";
import type { PluggedDevice } from "../../drivers/plugged/plugged-device.ts";
import { thisMachine } from "../../drivers/plugged/system.ts";
import { watchPlugged } from "../../drivers/plugged/watch-plugged.ts";
import { formatUsbAddress } from "../../drivers/usb-address.ts";
import { CommandFailure } from "../failure.ts";
import { endGracefully } from "../lifetime.ts";
import { printJson } from "../output.ts";
import { blockText, nodeOf, type ReportedDevice, reportLine, reportText, titleOf } from "../readers-report.ts";
import { readerToRecord, recordReader } from "../record-reader.ts";

interface ReadersOptions {
  watch?: true;
  json?: true;
  record?: string;
  raw?: true;
  reader?: string;
}

export const readersCommand = new Command("readers")
  .description("what readers are plugged in, in which mode, what reads them and what to do about each")
  .option("--watch", "go on and print what is plugged in or out, until Ctrl+C")
  .option("--record <file>", "record what a reader sends for support, letters and digits invented, until Ctrl+C")
  .option("--reader <spec>", "which reader to record; needed only when several are plugged in")
  .option("--raw", "record what was scanned as it was: the file then holds personal data")
  .option("--json", "one JSON line per device")
  .action(async (options: ReadersOptions) => {
    if (options.record !== undefined) return record(options.record, options);
    if (options.raw || options.reader !== undefined) {
      throw new CommandFailure("--raw and --reader belong to --record FILE; name the file.");
    }
    if (options.watch) return watchReaders(options.json === true);
    const devices = await reported(await thisMachine().list());
    if (options.json) for (const device of devices) printJson(reportLine(device));
    else process.stdout.write(reportText(devices));
  });

async function record(file: string, { reader, raw, json }: ReadersOptions): Promise<void> {
  const devices = reader === undefined ? assess(await thisMachine().list()) : [];
  const stop = new AbortController();
  const recorded = recordReader({
    spec: readerToRecord(reader, devices),
    file,
    raw: raw === true,
    json: json === true,
    stopped: stop.signal,
  });
  endGracefully(() => {
    stop.abort();
    return recorded;
  });
  return recorded;
}

/** Prints everything once and then each change, until the process is told to end. */
function watchReaders(json: boolean): void {
  let shown: ReadonlyMap<string, ReportedDevice> | null = null;
  let printing = Promise.resolve();
  const show = async (devices: readonly PluggedDevice[]): Promise<void> => {
    const now = new Map((await reported(devices)).map((one) => [keyOf(one), one]));
    const before = shown;
    shown = now;
    if (before === null && !json) return void process.stdout.write(`${reportText([...now.values()])}\n`);
    for (const [key, one] of before ?? []) {
      if (now.has(key)) continue;
      if (json) printJson({ ...reportLine(one), event: "unplugged" });
      else process.stdout.write(`- ${titleOf(one.assessed)}\n\n`);
    }
    for (const [key, one] of now) {
      if (before?.has(key)) continue;
      if (json) printJson(reportLine(one));
      else process.stdout.write(`+ ${blockText(one)}\n\n`);
    }
  };
  const watching = watchPlugged(thisMachine(), (devices) => {
    printing = printing.then(() => show(devices));
  });
  endGracefully(async () => {
    watching[Symbol.dispose]();
    await printing;
  });
}

/** A device that changed its mode or its permission is told anew. */
function keyOf({ assessed, problem }: ReportedDevice): string {
  return `${formatUsbAddress(assessed.device.address)} ${assessed.mode} ${problem}`;
}

function reported(devices: readonly PluggedDevice[]): Promise<ReportedDevice[]> {
  return Promise.all(assess(devices).map(async (assessed) => ({ assessed, problem: await problemOf(assessed) })));
}

/** What keeps this user from opening the reader, with the exact remedy; null when nothing does. */
async function problemOf(assessed: Assessed): Promise<string | null> {
  if (assessed.verdict !== "reader" || process.platform === "win32") return null;
  const node = nodeOf(assessed);
  try {
    await access(node, constants.R_OK | (assessed.spec.transport === "evdev" ? 0 : constants.W_OK));
    return null;
  } catch (error) {
    const isForbidden = (error as NodeJS.ErrnoException).code === "EACCES";
    return isForbidden ? permissionSentence(assessed, node) : `${node} is not there yet: plug the reader in again.`;
  }
}

function permissionSentence({ spec, device }: Extract<Assessed, { verdict: "reader" }>, node: string): string {
  const vendor = device.address.vendorId.toString(16).padStart(4, "0");
  const rule = {
    serial: `SUBSYSTEM=="tty", ATTRS{idVendor}=="${vendor}", TAG+="uaccess", GROUP="dialout", MODE="0660"`,
    hid: `KERNEL=="hidraw*", ATTRS{idVendor}=="${vendor}", TAG+="uaccess", GROUP="plugdev", MODE="0660"`,
    evdev: `KERNEL=="event*", ATTRS{idVendor}=="${vendor}", TAG+="uaccess", GROUP="input", MODE="0660"`,
    simulated: "",
  }[spec.transport];
  return (
    `This user may not open ${node}. As root, put this line into /etc/udev/rules.d/70-tram-qr-readers.rules ` +
    `and plug the reader in again: ${rule}`
  );
}
