import { Command } from "commander";
import { assess } from "../../drivers/discovery.ts";
import type { PluggedDevice } from "../../drivers/plugged/plugged-device.ts";
import { thisMachine } from "../../drivers/plugged/system.ts";
import { watchPlugged } from "../../drivers/plugged/watch-plugged.ts";
import { udevRules } from "../../drivers/udev-rules.ts";
import { formatUsbAddress } from "../../drivers/usb-address.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { loadReaderProfiles } from "../../provisioning/reader-profiles.ts";
import { CommandFailure } from "../failure.ts";
import { endGracefully } from "../lifetime.ts";
import { printJson } from "../output.ts";
import { deviceProblems, machineProblems } from "../reader-problems.ts";
import { testReader } from "../reader-test.ts";
import { blockText, type ReportedDevice, reportLine, reportText, specOf, titleOf } from "../readers-report.ts";
import { readerToRecord, recordReader } from "../record-reader.ts";

interface ReadersOptions {
  watch?: true;
  udevRules?: true;
  json?: true;
  record?: string;
  raw?: true;
  reader?: string;
  test?: string | true;
  svg?: string;
  data: string;
}

export const readersCommand = new Command("readers")
  .description("what readers are plugged in, in which mode, what reads them and what to do about each")
  .option("--watch", "go on and print what is plugged in or out, until Ctrl+C")
  .option("--udev-rules", "print the udev rules that let a station use its readers on Linux")
  .option("--record <file>", "record what a reader sends for support, letters and digits invented, until Ctrl+C")
  .option("--reader <spec>", "which reader to record; needed only when several are plugged in")
  .option("--test [reader]", "show a reader QR codes that are known, and tell byte for byte what came of them")
  .option("--svg <file>", "with --test: keep the code to show in this file too, for a screen or a printer")
  .option("--data <folder>", "data folder of the station, whose agent tests its readers", defaultDataFolder())
  .option("--raw", "record what was scanned as it was: the file then holds personal data")
  .option("--json", "one JSON line per device and per problem of the machine")
  .action(async (options: ReadersOptions) => {
    if (options.record !== undefined) return record(options.record, options);
    if (options.raw || options.reader !== undefined) {
      throw new CommandFailure("--raw and --reader belong to --record FILE; name the file.");
    }
    if (options.test !== undefined) return test(options.test === true ? undefined : options.test, options);
    if (options.udevRules) return void process.stdout.write(udevRules());
    if (options.watch) return watchReaders(options.json === true, options.data);
    const devices = await reported(await thisMachine().list(), options.data);
    const problems = await machineProblems();
    if (!options.json) return void process.stdout.write(reportText(devices, problems));
    for (const device of devices) printJson(reportLine(device));
    for (const problem of problems) printJson({ event: "problem", problem });
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

async function test(named: string | undefined, { data, json, svg }: ReadersOptions): Promise<void> {
  const stop = new AbortController();
  const tested = testReader({ named, dataDir: data, json: json === true, svgFile: svg, stopped: stop.signal });
  endGracefully(async () => {
    stop.abort();
    await tested;
  });
  process.exitCode = await tested;
}

/** Prints everything once and then each change, until the process is told to end. */
function watchReaders(json: boolean, dataDir: string): void {
  let shown: ReadonlyMap<string, ReportedDevice> | null = null;
  let printing = Promise.resolve();
  const show = async (devices: readonly PluggedDevice[]): Promise<void> => {
    const now = new Map((await reported(devices, dataDir)).map((one) => [keyOf(one), one]));
    const before = shown;
    shown = now;
    if (before === null && !json) {
      return void process.stdout.write(`${reportText([...now.values()], await machineProblems())}\n`);
    }
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
function keyOf({ assessed, problems }: ReportedDevice): string {
  return `${formatUsbAddress(assessed.device.address)} ${assessed.mode} ${problems.join(" ")}`;
}

function reported(devices: readonly PluggedDevice[], dataDir: string): Promise<ReportedDevice[]> {
  const { readers: profiles } = loadReaderProfiles(dataDir);
  return Promise.all(
    assess(devices).map(async (assessed) => ({
      assessed,
      problems: await deviceProblems(assessed),
      tested: profiles.find(({ readerId }) => readerId === specOf(assessed)),
    })),
  );
}
