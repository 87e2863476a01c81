import { existsSync } from "node:fs";
import { type Assessed, assess, type FoundReader } from "../../../drivers/discovery.ts";
import { isAt } from "../../../drivers/plugged/locate-node.ts";
import { thisMachine } from "../../../drivers/plugged/system.ts";
import { parseReaderChoice, type ReaderSpec } from "../../../drivers/reader-spec.ts";
import { holderOf, serialTraps } from "../../../drivers/serial/serial-traps.ts";
import { parseUsbAddress } from "../../../drivers/usb-address.ts";
import { loadReaderProfiles, type ReaderProfile } from "../../../provisioning/reader-profiles.ts";
import { isExpected } from "../../failure.ts";
import { deviceProblems, machineProblems } from "../../reader-problems.ts";
import { nodeOf, specOf } from "../../readers-report.ts";
import { type Finding, findingsOf } from "../report.ts";
import type { Station } from "../station.ts";

const say = findingsOf("readers");

/** The readers that should be there against those that are, and what keeps this user from each. */
export async function checkReaders(station: Station): Promise<Finding[]> {
  const plugged = assess(await thisMachine().list());
  const { readers: profiles, problem } = loadReaderProfiles(station.dataDir);
  const { named, isAuto } = choicesOf(station);
  const found = plugged.filter((one) => one.verdict === "reader");
  const others = isAuto ? found.filter((one) => !named.some((spec) => isSame(spec, one))) : [];
  const findings = [
    ...(await Promise.all(named.map((spec) => namedReader(spec, found, station, profiles)))).flat(),
    ...(await Promise.all(others.map((one) => foundReader(one, station, profiles)))).flat(),
    ...unusable(plugged),
    ...(problem === null ? [] : [say("profiles", "warn", problem, 'Test the readers again: "tram readers --test".')]),
  ];
  if (named.length > 0 || others.length > 0) return findings;
  return [...findings, ...(await noReader(isAuto))];
}

function choicesOf({ config }: Station): { named: ReaderSpec[]; isAuto: boolean } {
  // Without a configuration an agent takes what it finds.
  if (config === null) return { named: [], isAuto: true };
  try {
    const choices = config.readers.map(parseReaderChoice);
    return {
      named: choices.filter((choice) => choice.transport !== "auto"),
      isAuto: choices.some(({ transport }) => transport === "auto"),
    };
  } catch (fault) {
    // What is wrong with it stands under `config`.
    if (isExpected(fault)) return { named: [], isAuto: true };
    throw fault;
  }
}

async function noReader(isAuto: boolean): Promise<Finding[]> {
  if (!isAuto)
    return [say("plugged", "ok", "No reader is configured; the page takes what is typed and its camera sees.")];
  const next =
    'Plug one in by USB; "tram readers --watch" shows it the moment it appears. One on a serial cable is named in "readers".';
  const reasons = (await machineProblems()).map((sentence) => say("machine", "warn", sentence));
  return [say("plugged", "warn", "No reader is plugged in that can be recognised.", next), ...reasons];
}

async function namedReader(
  spec: ReaderSpec,
  found: readonly FoundReader[],
  station: Station,
  profiles: readonly ReaderProfile[],
): Promise<Finding[]> {
  const match = found.find((one) => isSame(spec, one));
  if (match !== undefined) return foundReader(match, station, profiles, spec);
  const isAddress = spec.transport !== "simulated" && parseUsbAddress(spec.path) !== null;
  const isThere = !isAddress && (process.platform === "win32" || existsSync(spec.path));
  if (!isThere) {
    const next =
      spec.transport === "simulated"
        ? "Correct its path."
        : 'Plug it in, or correct its path; "tram readers" shows what is plugged in.';
    return [say("reader", "fail", `The configured reader ${spec.id} is not there.`, next)];
  }
  const shown = shownState(spec.id, station);
  const traps = spec.transport === "serial" ? (await serialTraps(spec.path)).map(({ message }) => message) : [];
  if (traps.length > 0) return traps.map((sentence) => problemOf(spec.id, sentence, shown?.isReady === true));
  return [shown?.finding ?? (await idle(spec.id, spec.path, station, profiles))];
}

async function foundReader(
  reader: FoundReader,
  station: Station,
  profiles: readonly ReaderProfile[],
  spec: ReaderSpec = reader.spec,
): Promise<Finding[]> {
  const shown = shownState(spec.id, station);
  const problems = (await deviceProblems(reader)).map((sentence) =>
    problemOf(spec.id, sentence, shown?.isReady === true),
  );
  const advice =
    reader.advice === null
      ? []
      : [say("reader", "warn", `${reader.name} reads, but not at its best.`, reader.advice.en)];
  if (problems.length > 0) return [...problems, ...advice];
  return [shown?.finding ?? (await idle(spec.id, nodeOf(reader), station, profiles)), ...advice];
}

/** A program that holds the reader although the agent does not run keeps it from being opened later. */
async function idle(
  id: string,
  node: string,
  { agent }: Station,
  profiles: readonly ReaderProfile[],
): Promise<Finding> {
  const holder = agent === null ? await holderOf(node) : null;
  if (holder !== null) return say("reader", "fail", `${id} is held by ${holder}.`, "End that program.");
  const state = agent === null ? "is there and may be opened" : "is there, but the agent does not show it";
  return say("reader", agent === null ? "ok" : "warn", `${id} ${state}; ${testedText(id, profiles)}.`);
}

/** A trap that did not keep the agent from reading is only a warning. */
function problemOf(id: string, sentence: string, isReady: boolean): Finding {
  const [what = sentence, next] = sentence.split(/: (?=run |put |plug |install |add )/, 2);
  return say(
    "reader",
    isReady ? "warn" : "fail",
    `${id}: ${what}${next === undefined ? "" : "."}`,
    next === undefined ? null : `${next.charAt(0).toUpperCase()}${next.slice(1)}`,
  );
}

/** What the running agent says of it. */
function shownState(id: string, { view, dataDir }: Station): { finding: Finding; isReady: boolean } | null {
  const reader = view?.readers.find((one) => one.id === id);
  if (reader === undefined) return null;
  const { state, message } = reader;
  if (state !== "ready") {
    const level = state === "fault" ? "fail" : "warn";
    return {
      finding: say("reader", level, `${id}: ${message?.en ?? state}.`, '"tram readers" says more.'),
      isReady: false,
    };
  }
  const tested = testedText(id, loadReaderProfiles(dataDir).readers);
  return { finding: say("reader", "ok", `${id} is ready; ${tested}.`), isReady: true };
}

function testedText(id: string, profiles: readonly ReaderProfile[]): string {
  const profile = profiles.find(({ readerId }) => readerId === id);
  if (profile === undefined) return 'never tested ("tram readers --test")';
  return `tested ${profile.testedAt.slice(0, 10)}: ${profile.verdict}`;
}

function unusable(plugged: readonly Assessed[]): Finding[] {
  return plugged
    .filter((one) => one.verdict === "unusable")
    .map(({ name, title, next, mode }) =>
      say("mode", mode === "keyboard" ? "warn" : "fail", `${name}: ${title.en}.`, next.en),
    );
}

function isSame(spec: ReaderSpec, reader: FoundReader): boolean {
  if (spec.transport === "simulated") return false;
  if (spec.id === specOf(reader)) return true;
  const address = parseUsbAddress(spec.path);
  if (address !== null) return isAt(reader.device, address);
  return reader.device.interfaces.some(({ path }) => path === spec.path);
}
