import type { DoctorReport, Level } from "../cli/doctor/report.ts";
import { doctorReport } from "../cli/doctor/report.ts";
import { runTram } from "./program.ts";

/** What `tram doctor --json` of the built program says of a data folder. */
export interface Checkup {
  readonly code: number | null;
  readonly report: DoctorReport;
  /** `area.check` of the findings of a level, each once. */
  found(level: Level): string[];
  /** The findings of one `area.check`, as `what -> next`. */
  said(name: string): string;
}

export async function checkUp(
  data: string,
  more: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Checkup> {
  const { code, out, err } = await runTram(["doctor", "--data", data, "--json", ...more], "", { env });
  if (err !== "") throw new Error(`tram doctor complained: ${err}`);
  const report = doctorReport.parse(JSON.parse(out));
  return {
    code,
    report,
    found: (level) => [
      ...new Set(report.findings.filter((one) => one.level === level).map(({ area, check }) => `${area}.${check}`)),
    ],
    said: (name) =>
      report.findings
        .filter(({ area, check }) => `${area}.${check}` === name)
        .map(({ what, next }) => (next === null ? what : `${what} -> ${next}`))
        .join("\n"),
  };
}
