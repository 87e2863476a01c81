/**
 * `npm run test:faults [NUMBER...] [--fast] [--json]`: the faults of the reliability reference against the built product,
 * each with the product that has one protection taken out. Exit code 1 when an invariant was violated, when a fault
 * never struck, or when a control broke nothing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import readline from "node:readline";
import { type Effort, type Invariant, invariants } from "./fault.ts";
import { faultFiles, loadFault, violations } from "./judge-fault.ts";
import type { FaultReport } from "./run-one.ts";

/** A fault with its controls that takes longer than this hangs. */
const TIME_LIMIT_MS = 15 * 60_000;
/** More than processors: stations and centres wait at times. */
const BESIDE_EACH_OTHER = 4;
/** The long ones begin first, so that none is left over at the end. */
const LONGEST_FIRST = [12, 3, 10, 24, 20, 15, 4, 1, 2, 11, 23];

const args = process.argv.slice(2);
const asJson = args.includes("--json");
const effort: Effort = args.includes("--fast") ? "fast" : "full";
const numbers = args.filter((each) => !each.startsWith("--")).map(Number);
const unknown = args.filter((each) => each.startsWith("--") && !["--json", "--fast"].includes(each));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const sayBeside = (line: string): void => void process.stderr.write(`${line}\n`);

const all = await Promise.all(faultFiles().map(async (file) => ({ file, fault: await loadFault(file) })));
const chosen = numbers.length === 0 ? all : all.filter(({ fault }) => numbers.includes(fault.number));
const missing = numbers.filter((number) => !all.some(({ fault }) => fault.number === number));
if (missing.length > 0 || unknown.length > 0) {
  sayBeside(
    `There is no fault ${[...missing, ...unknown].join(", ")}; there are ${all.map(({ fault }) => fault.number).join(", ")}, and the options --fast and --json.`,
  );
  process.exit(1);
}

const running = new Set<ChildProcess>();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    for (const child of running) child.kill("SIGTERM");
    process.exit(1);
  });
}

const startedMs = performance.now();
const reports: FaultReport[] = [];
const rank = ({ fault }: (typeof chosen)[number]): number => {
  const at = LONGEST_FIRST.indexOf(fault.number);
  return at < 0 ? LONGEST_FIRST.length : at;
};
const waiting = chosen.filter(({ fault }) => !fault.alone).toSorted((one, other) => rank(one) - rank(other));
await Promise.all(
  Array.from({ length: BESIDE_EACH_OTHER }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await run(next);
  }),
);
for (const next of chosen.filter(({ fault }) => fault.alone)) await run(next);
reports.sort((one, other) => one.number - other.number);

const problems = reports.flatMap(({ number, fault, controls }) => [
  ...fault.problems.map((problem) => `fault ${number}: ${problem}`),
  ...controls.flatMap((control) =>
    control.problems.map((problem) => `fault ${number}, control without ${control.without}: ${problem}`),
  ),
]);
const seconds = Math.round((performance.now() - startedMs) / 1000);
if (asJson) say(JSON.stringify({ ok: problems.length === 0, seconds, effort, reports, problems }));
else tell();
process.exitCode = problems.length === 0 ? 0 : 1;

async function run({ file, fault }: (typeof chosen)[number]): Promise<void> {
  if (!asJson) sayBeside(`fault ${fault.number} (${fault.name}) ...`);
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "run-one.ts"), file, effort], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: TIME_LIMIT_MS,
  });
  running.add(child);
  let report: FaultReport | undefined;
  readline.createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith('{"number":')) report = JSON.parse(line) as FaultReport;
    else sayBeside(line);
  });
  await new Promise((resolve) => child.on("close", resolve));
  running.delete(child);
  const left = { outcome: null, problems: ["it left no result (see above)"], ms: 0 };
  const made = report ?? { number: fault.number, name: fault.name, fault: left, controls: [] };
  reports.push(made);
  const wrong = made.fault.problems.length + made.controls.reduce((sum, { problems }) => sum + problems.length, 0);
  const well = wrong === 0 ? "all held, its controls were seen to fail" : `${wrong} problems`;
  if (!asJson) sayBeside(`fault ${fault.number} ended after ${Math.round(totalMs(made) / 1000)} s: ${well}`);
}

function totalMs({ fault, controls }: FaultReport): number {
  return controls.reduce((sum, control) => sum + control.ms, fault.ms);
}

/** The sums of what several faults count alike. */
function altogether(): string {
  const sums = new Map<string, number>();
  for (const { fault } of reports) {
    for (const [what, count] of Object.entries(fault.outcome?.counts ?? {}))
      sums.set(what, (sums.get(what) ?? 0) + count);
  }
  return ["power cuts", "kills", "crashes", "scans", "accepted"]
    .map((what) => `${sums.get(what) ?? 0} ${what}`)
    .join(", ");
}

function tell(): void {
  const names = Object.keys(invariants) as Invariant[];
  const widest = Math.max(...reports.map(({ name }) => name.length));
  say("");
  say(`${" ".repeat(widest + 4)}${names.map((name) => name.padStart(4)).join("")}      s  counts`);
  for (const report of reports) {
    const { outcome } = report.fault;
    const marks = names.map((name) => {
      const found = outcome?.judged[name];
      return found === undefined ? "·" : found.length === 0 ? "✓" : "✗";
    });
    const counts = Object.entries(outcome?.counts ?? {}).map(([what, count]) => `${count} ${what}`);
    const row = marks.map((mark) => mark.padStart(4)).join("");
    const taken = String(Math.round(report.fault.ms / 1000)).padStart(6);
    say(`${String(report.number).padStart(2)}  ${report.name.padEnd(widest)}${row} ${taken}  ${counts.join(", ")}`);
  }
  say("");
  say(`Altogether: ${altogether()}`);
  say(`✓ held  ✗ violated  · not judged    ${names.map((name) => `${name} ${invariants[name]}`).join("; ")}`);
  say("");
  say("Controls: the same fault against the product without one protection");
  for (const { number, controls } of reports) {
    for (const control of controls) {
      const broken = control.outcome === null ? [] : violations(control.outcome);
      const kinds = [...new Set(broken.map(([name]) => name))].join(" ");
      const seen = control.problems.length === 0 ? `seen to fail: ${kinds}` : "NOT SEEN TO FAIL";
      say(`${String(number).padStart(2)}  without ${control.without}: ${seen}; ${broken[0]?.[1] ?? ""}`);
    }
  }
  say("");
  for (const problem of problems) say(`✗ ${problem}`);
  const told = problems.length === 0 ? "Every invariant held and every control was seen to fail" : "Not well";
  say(`${told}: ${reports.length} faults in ${Math.floor(seconds / 60)} min ${seconds % 60} s.`);
}
