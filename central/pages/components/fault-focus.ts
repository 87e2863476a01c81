import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import type { CallProblem } from "../api.ts";

/** Brings the person to the first field that is wrong, once for each refusal. */
export function useFaultFocus(form: RefObject<HTMLElement | null>, problem: CallProblem | null): void {
  useEffect(() => {
    if (problem !== null) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [problem]);
}
