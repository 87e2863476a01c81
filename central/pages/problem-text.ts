import type { CallProblem } from "./api.ts";
import { fill } from "./i18n/texts.ts";
import { span } from "./i18n/time.ts";
import type { Texts } from "./i18n/vi.ts";

/** One sentence for what went wrong, in the words of the page. */
export function problemText(problem: CallProblem, texts: Texts): string {
  const { problems } = texts;
  if (problem.problem === "masked_only") return texts.live.maskedOnly[problem.reason] ?? problems.masked_only ?? "";
  return fill(problems[problem.problem] ?? problems.other ?? "", {
    left: problem.attemptsLeft,
    wait: span(problem.retryAfterS, texts),
  });
}

/**
 * What is wrong with the field at `pointer` (RFC 6901), or null. A fault within a field that is one for the person
 * (`/address/commune_code` of the address) belongs to it; the field that names it closest shows it.
 */
export function fieldText(
  problem: CallProblem | null,
  pointer: string,
  known: readonly string[],
  texts: Texts,
): string | null {
  for (const fault of problem?.errors ?? []) {
    const owner = known
      .filter((each) => fault.pointer === each || fault.pointer.startsWith(`${each}/`))
      .sort((left, right) => right.length - left.length)[0];
    if (owner === pointer) return texts.faults[fault.code] ?? texts.faults[pointer] ?? texts.faults.other ?? "";
  }
  return null;
}
