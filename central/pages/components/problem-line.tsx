import type { CallProblem } from "../api.ts";
import { texts } from "../i18n/texts.ts";
import { problemText } from "../problem-text.ts";

/** What went wrong, said aloud by a screen reader as soon as it stands there. */
export function ProblemLine({ problem }: { readonly problem: CallProblem | null }) {
  return <div role="alert">{problem ? <p class="note alert">{problemText(problem, texts.value)}</p> : null}</div>;
}

/** What was done, or nothing. */
export function DoneLine({ text }: { readonly text: string }) {
  return <div role="status">{text ? <p class="note calm">{text}</p> : null}</div>;
}
