import { notEnrolled } from "../../agent/enrolment/enrolment-file.ts";
import { appVersion } from "../../provisioning/app-version.ts";
import { checkAgent } from "./checks/agent.ts";
import { checkClock } from "./checks/clock.ts";
import { checkConfig } from "./checks/config.ts";
import { checkDuty } from "./checks/duty.ts";
import { checkEnrolment } from "./checks/enrolment.ts";
import { checkFolder } from "./checks/folder.ts";
import { checkJournal } from "./checks/journal.ts";
import { checkKeys } from "./checks/keys.ts";
import { checkLog } from "./checks/log.ts";
import { reachCentre } from "./checks/network.ts";
import { checkPage } from "./checks/page.ts";
import { checkProgram } from "./checks/program.ts";
import { checkReaders } from "./checks/readers.ts";
import { checkService } from "./checks/service.ts";
import { type Area, type DoctorReport, type Finding, findingsOf, verdictOf } from "./report.ts";
import { lookAtStation, type Station } from "./station.ts";

/** Looks at everything and changes nothing. A look that fails is a finding of its own; the others go on. */
export async function examine(dataDir: string, configFile: string | null): Promise<DoctorReport> {
  const findings = checkProgram();
  const folder = await lookAtFolder(dataDir, configFile);
  findings.push(...folder.findings);
  if (folder.station !== null) findings.push(...(await everythingElse(folder.station)));
  const at = new Date().toISOString();
  return { event: "doctor", verdict: verdictOf(findings), at, version: appVersion, dataDir, findings };
}

/** A folder that cannot be looked into ends it: what follows would only repeat it. */
async function lookAtFolder(
  dataDir: string,
  configFile: string | null,
): Promise<{ findings: Finding[]; station: Station | null }> {
  const none = { config: null, agent: null, launcher: null, view: null, kept: notEnrolled, isEnrolmentDamaged: false };
  const blind: Station = { dataDir, configFile, ...none };
  const [first] = await looked("folder", () => checkFolder(blind));
  if (first?.check === "there" || first === undefined)
    return { findings: first === undefined ? [] : [first], station: null };
  const station = await lookAtStation(dataDir, configFile);
  return { findings: await looked("folder", () => checkFolder(station)), station };
}

async function everythingElse(station: Station): Promise<Finding[]> {
  // A configuration that is not understood may name another centre than the one that was kept.
  const isUnclear = station.configFile !== null && station.config === null;
  const central = isUnclear ? null : (station.config?.central ?? station.kept.centre);
  let offsetMs: number | null = null;
  const network = async (): Promise<readonly Finding[]> => {
    if (central === null) return [];
    const reached = await reachCentre(central);
    offsetMs = reached.offsetMs;
    return reached.findings;
  };
  const checks: readonly (readonly [Area, () => Promise<readonly Finding[]> | readonly Finding[]])[] = [
    ["config", () => checkConfig(station)],
    ["agent", () => checkAgent(station)],
    ["service", () => checkService(station)],
    ["keys", () => checkKeys(station)],
    ["journal", () => checkJournal(station)],
    ["readers", () => checkReaders(station)],
    ["network", network],
    ["clock", () => checkClock(offsetMs)],
    ["enrolment", () => checkEnrolment(station)],
    ["duty", () => checkDuty(station)],
    ["page", () => checkPage(station)],
    ["log", () => checkLog(station)],
  ];
  const findings: Finding[] = [];
  for (const [area, check] of checks) findings.push(...(await looked(area, check)));
  return findings;
}

async function looked(
  area: Area,
  check: () => Promise<readonly Finding[]> | readonly Finding[],
): Promise<readonly Finding[] & Finding[]> {
  try {
    return [...(await check())];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.name : "fault");
    const next =
      code === "EACCES" || code === "EPERM"
        ? "Run it as the user of the station."
        : "Tell support, with the whole of this report.";
    return [findingsOf(area)("look", "unknown", `This could not be looked at (${code}).`, next)];
  }
}
