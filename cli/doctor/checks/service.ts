import { readdir } from "node:fs/promises";
import path from "node:path";
import { argumentsOf, parentOf, readText, unitOf } from "../holder.ts";
import { type Finding, findingsOf } from "../report.ts";
import type { Station } from "../station.ts";

const say = findingsOf("service");

/** Where units of the machine and of its packages lie (systemd.unit(5)). */
const unitFolders = [
  "/etc/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
];

/** Who starts the agent again after a crash, and who after a power cut. */
export async function checkService({ agent }: Station): Promise<Finding[]> {
  if (process.platform !== "linux") return [];
  const units = await unitsThatStartUs();
  if (agent === null || agent.pid === null) {
    if (units.length > 0)
      return [say("unit", "ok", `${units.join(", ")} starts the station; see "systemctl status ${units[0]}".`)];
    return [noUnit()];
  }
  const parent = parentOf(agent.pid);
  const supervisor = parent === null ? [] : argumentsOf(parent);
  const isSupervised = isOurs(supervisor) && !supervisor.includes("--no-supervisor");
  const unit = unitOf(agent.pid);
  return [
    isSupervised
      ? say("supervisor", "ok", `A supervisor (process ${parent}) starts the agent again when it ends or stands still.`)
      : unit === null
        ? say(
            "supervisor",
            "warn",
            "Nobody starts the agent again when it ends.",
            'Run it as "tram agent" without --no-supervisor, in a service.',
          )
        : say("supervisor", "ok", `The service ${unit} starts the agent again when it ends.`),
    unit !== null
      ? say("unit", "ok", `It belongs to the service ${unit}.`)
      : units.length > 0
        ? say(
            "unit",
            "warn",
            `It was started by hand, not by ${units.join(", ")}.`,
            `Stop it and run "systemctl start ${units[0]}".`,
          )
        : noUnit(),
  ];
}

const noUnit = (): Finding =>
  say(
    "unit",
    "warn",
    "No service of this machine starts the station: after a power cut somebody must do it.",
    "Make a systemd unit with ExecStart=tram agent --config FILE and Restart=always, and enable it.",
  );

/** Words of a running program or of a unit that start one of ours. */
function isOurs(words: readonly string[]): boolean {
  const at = words.findIndex((word) => /^tram(\.m?js)?$/.test(path.basename(word)));
  return at >= 0 && words.slice(at + 1).some((word) => word === "agent" || word === "start");
}

async function unitsThatStartUs(): Promise<string[]> {
  const found = new Set<string>();
  for (const folder of unitFolders) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((one) => one.endsWith(".service"))) {
      const text = readText(path.join(folder, name)) ?? "";
      const starts = [...text.matchAll(/^ExecStart=(.*)$/gm)].map(([, line = ""]) => line.trim().split(/\s+/));
      if (starts.some(isOurs)) found.add(name);
    }
  }
  return [...found].toSorted();
}
