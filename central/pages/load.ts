import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type CallProblem, problemOf } from "./api.ts";

/** Something from the service: the last that was got, when, and why there is nothing newer. */
export interface Loaded<T> {
  readonly value: T | null;
  readonly at: number;
  readonly problem: CallProblem | null;
  /** Gets it again; what is shown stays until then. */
  readonly reload: () => Promise<void>;
  /** Takes over what a change answered. */
  take(value: T): void;
}

/** Loads when the page opens and whenever `key` changes; an answer for another key is dropped. */
export function useLoaded<T>(load: () => Promise<T>, key: string): Loaded<T> {
  const state = useSignal<{ key: string; value: T | null; at: number; problem: CallProblem | null }>({
    key,
    value: null,
    at: 0,
    problem: null,
  });
  const wanted: Signal<string> = useSignal(key);
  wanted.value = key;
  const reload = async () => {
    try {
      const value = await load();
      if (wanted.peek() === key) state.value = { key, value, at: Date.now(), problem: null };
    } catch (error) {
      if (wanted.peek() !== key) return;
      const before = state.peek();
      const kept = before.key === key ? before : { value: null, at: 0 };
      state.value = { key, value: kept.value, at: kept.at, problem: problemOf(error) };
    }
  };
  useEffect(() => void reload(), [key]);
  const current = state.value.key === key ? state.value : { value: null, at: 0, problem: null };
  return {
    ...current,
    reload,
    take: (value) => {
      state.value = { key, value, at: Date.now(), problem: null };
    },
  };
}

/** One thing a person asked for: it runs once at a time, and says what went wrong. */
export interface Attempt {
  readonly busy: boolean;
  readonly problem: CallProblem | null;
  /** True when the work was done. */
  run(work: () => Promise<void>): Promise<boolean>;
  /** Takes the sentence away, or shows another. */
  say(problem: CallProblem | null): void;
  /** The field at `pointer` was changed: what was wrong with it is not said any more. */
  mended(pointer: string): void;
}

export function useAttempt(): Attempt {
  const busy = useSignal(false);
  const problem = useSignal<CallProblem | null>(null);
  return {
    busy: busy.value,
    problem: problem.value,
    say: (other) => {
      problem.value = other;
    },
    mended: (pointer) => {
      const before = problem.peek();
      if (before === null || before.errors.length === 0) return;
      const errors = before.errors.filter(
        (each) => each.pointer !== pointer && !each.pointer.startsWith(`${pointer}/`),
      );
      if (errors.length === before.errors.length) return;
      problem.value = errors.length === 0 ? null : before.withErrors(errors);
    },
    async run(work) {
      if (busy.peek()) return false;
      busy.value = true;
      problem.value = null;
      try {
        await work();
        return true;
      } catch (error) {
        problem.value = problemOf(error);
        return false;
      } finally {
        busy.value = false;
      }
    },
  };
}
