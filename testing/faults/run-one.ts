/**
 * `node testing/faults/run-one.ts FILE EFFORT`: one fault and its controls in a process of its own, for run.ts. A control is
 * small in any case: it need only be seen to fail.
 */
import type { Effort } from "./fault.ts";
import { type JudgedRun, judgeControl, judgeFault, loadFault } from "./judge-fault.ts";

/** The one line on standard output. */
export interface FaultReport {
  readonly number: number;
  readonly name: string;
  readonly fault: JudgedRun;
  readonly controls: readonly (JudgedRun & { readonly without: string; readonly breaks: readonly string[] })[];
}

if (import.meta.main) {
  // What was mounted and started is given back when this ends by itself, so it does.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => process.exit(1));
  const [file = "", effort = "full"] = process.argv.slice(2);
  const fault = await loadFault(file);
  const controls: FaultReport["controls"][number][] = [];
  const run = await judgeFault(fault, effort as Effort);
  for (const control of fault.controls) {
    const { without, breaks } = control;
    controls.push({ without, breaks, ...(await judgeControl(control, "fast")) });
  }
  const report: FaultReport = { number: fault.number, name: fault.name, fault: run, controls };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}
