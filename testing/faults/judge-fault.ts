import { globSync } from "node:fs";
import path from "node:path";
import type { Control, Effort, Fault, FaultOutcome, Invariant } from "./fault.ts";
import { mutateProgram } from "./mutated-program.ts";

/** Files of the faults, `NN-name.ts`, in order of their numbers. */
export function faultFiles(): string[] {
  return globSync("[0-9][0-9]-*.ts", { cwd: import.meta.dirname })
    .toSorted()
    .map((name) => path.join(import.meta.dirname, name));
}

export async function loadFault(file: string): Promise<Fault> {
  const { fault } = (await import(file)) as { fault: Fault };
  return fault;
}

/** A run of a fault or of a control with what is to be said of it. */
export interface JudgedRun {
  readonly outcome: FaultOutcome | null;
  /** Why the run proves nothing or the product is not well; empty when all is as it should be. */
  readonly problems: readonly string[];
  readonly ms: number;
}

/** The product itself: nothing may be violated, and the fault must have struck. */
export function judgeFault(fault: Fault, effort: Effort): Promise<JudgedRun> {
  return judged(
    () => fault.run(effort),
    (outcome) => [
      ...neverStruck(outcome),
      ...(Object.keys(outcome.judged).length === 0 ? ["it judged nothing"] : []),
      ...violations(outcome).map(([name, sentence]) => `${name}: ${sentence}`),
    ],
  );
}

/** The product without a protection: one of the invariants named must be violated. */
export function judgeControl(control: Control, effort: Effort): Promise<JudgedRun> {
  return judged(
    async () => {
      using mutated = mutateProgram(...control.mutations.filter(({ file }) => file === undefined));
      return await control.run(mutated.program, effort);
    },
    (outcome) => [
      ...neverStruck(outcome),
      ...(violations(outcome).some(([name]) => control.breaks.includes(name))
        ? []
        : [`it broke nothing of ${control.breaks.join(", ")}, so the fault proves nothing`]),
    ],
  );
}

/** Every violation, with its invariant. */
export function violations({ judged: found }: FaultOutcome): (readonly [Invariant, string])[] {
  const all = Object.entries(found) as [Invariant, readonly string[]][];
  return all.flatMap(([name, sentences]) => sentences.map((sentence) => [name, sentence] as const));
}

function neverStruck({ counts }: FaultOutcome): string[] {
  const [first] = Object.entries(counts);
  return first === undefined || first[1] === 0
    ? [`the fault never struck (${first?.[0] ?? "nothing counted"}: 0)`]
    : [];
}

async function judged(
  run: () => Promise<FaultOutcome>,
  problemsOf: (outcome: FaultOutcome) => string[],
): Promise<JudgedRun> {
  const startedMs = performance.now();
  const ms = (): number => Math.round(performance.now() - startedMs);
  try {
    const outcome = await run();
    return { outcome, problems: problemsOf(outcome), ms: ms() };
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { outcome: null, problems: [`it could not be run: ${why}`], ms: ms() };
  }
}
