import path from "node:path";
import { Command } from "commander";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { examine } from "../doctor/examine.ts";
import { type DoctorReport, exitCodes, type Finding, type Level } from "../doctor/report.ts";
import { printable, printJson } from "../output.ts";

const marks: Readonly<Record<Level, string>> = { ok: "ok", warn: "warn", fail: "FAIL", unknown: "????" };

export const doctorCommand = new Command("doctor")
  .description(
    "look at this station and say what is wrong and what to do next; changes nothing, with or without an agent",
  )
  .option("--data <folder>", "data folder of the station", defaultDataFolder())
  .option("--config <file>", "configuration file (default: the running agent's, or agent.json in the data folder)")
  .option("--json", "print the report as one JSON line")
  .addHelpText("after", "\nExit code: 0 good (warnings may be told), 1 something fails, 2 something cannot be told.")
  .action(async ({ data, config, json }: { data: string; config?: string; json?: true }) => {
    const report = await examine(path.resolve(data), config === undefined ? null : path.resolve(config));
    if (json) printJson(report);
    else process.stdout.write(textOf(report));
    process.exitCode = exitCodes[report.verdict];
  });

function textOf({ findings, verdict }: DoctorReport): string {
  const lines = findings.map(lineOf);
  const count = (level: Level): number => findings.filter((one) => one.level === level).length;
  const told = `${count("fail")} failed, ${count("warn")} to look after, ${count("unknown")} cannot be told.`;
  const ends = {
    good: count("warn") === 0 ? "All is well." : `The station works: ${told}`,
    problems: `The station has problems: ${told}`,
    unknown: `Nothing failed, but not everything could be looked at: ${told}`,
  };
  return `${lines.join("\n")}\n${ends[verdict]}\n`;
}

function lineOf({ level, area, what, next }: Finding): string {
  return printable(`${marks[level].padEnd(4)}  ${area.padEnd(9)}  ${what}${next === null ? "" : ` -> ${next}`}`);
}
