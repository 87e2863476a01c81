import { setTimeout as wait } from "node:timers/promises";
import type { Child } from "./child.ts";

export interface SupervisorOptions {
  /** As people call the program: "agent". */
  readonly name: string;
  readonly start: () => Child;
  /** It reports progress (`reportProgress`): when it reports none it is killed and started again. */
  readonly watched: boolean;
  /** One sentence for whoever runs this machine. */
  readonly say: (sentence: string) => void;
}

/** Waits before a program is started again: doubling while it does not live for a minute, without an end. */
const firstDelayMs = 200;
const longestDelayMs = 10_000;
const healthyAfterMs = 60_000;
/** What only a person can mend is tried again this often. */
const faultDelayMs = 30_000;

/**
 * Keeps a program of ours running, `first` being its first run: after any end that was not asked for it is started again,
 * for ever. A fault that the program told is said once, as long as it stays the same.
 */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #stopped = new AbortController();
  #child: Child;
  #failures = 0;
  #said: string | null = null;

  constructor(first: Child, options: SupervisorOptions) {
    this.#options = options;
    this.#child = first;
    this.#supervise(first);
  }

  /** Ends the program and starts it no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#child.stop();
  }

  #supervise(child: Child): void {
    this.#child = child;
    const startedAtMs = performance.now();
    const { name, say } = this.#options;
    using watch = new DisposableStack();
    if (this.#options.watched) {
      watch.use(
        watchProgress(child, (limitS) => {
          say(`The ${name} made no progress for ${limitS} s; it is killed and started again.`);
          child.kill();
        }),
      );
    }
    const watching = watch.move();
    child.onExit(() => {
      watching.dispose();
      if (this.#stopped.signal.aborted) return;
      const livedMs = performance.now() - startedAtMs;
      this.#failures = livedMs < healthyAfterMs ? this.#failures + 1 : 1;
      const sentence = child.fault?.sentence ?? null;
      if (sentence === null) say(`The ${name} ended unexpectedly; it is started again.`);
      else if (sentence !== this.#said) say(`The ${name} cannot go on, it is tried again every 30 s: ${sentence}`);
      this.#said = sentence;
      const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(this.#failures - 1, 10));
      void this.#startAgain(sentence === null ? delayMs : faultDelayMs);
    });
  }

  async #startAgain(delayMs: number): Promise<void> {
    await wait(delayMs, undefined, { signal: this.#stopped.signal }).catch(() => {});
    if (this.#stopped.signal.aborted) return;
    try {
      this.#supervise(this.#options.start());
    } catch (error) {
      this.#options.say(`The ${this.#options.name} cannot be started (${String(error)}); it is tried again.`);
      await this.#startAgain(longestDelayMs);
    }
  }
}

const tickMs = 1_000;
/** A program that works is stuck after this long without progress. */
const stuckAfterTicks = 20;
/** A big journal after a crash takes its time, as long as the event loop turns; then the start itself is stuck. */
const stuckStartAfterTicks = 600;

/**
 * Calls `onStuck` once when no progress is reported for too long. Counts turns of its own event loop: when the whole
 * machine stood still, nobody is blamed for it.
 */
function watchProgress(child: Child, onStuck: (limitS: number) => void): Disposable {
  let silent = 0;
  let starting = 0;
  let works = false;
  child.onMessage((message) => {
    if (message.type !== "progress") return;
    works ||= message.phase === "working";
    if (works === (message.phase === "working")) silent = 0;
  });
  const timer = setInterval(() => {
    silent++;
    if (!works) starting++;
    if (silent < stuckAfterTicks && starting < stuckStartAfterTicks) return;
    clearInterval(timer);
    onStuck(Math.max(silent, starting < stuckStartAfterTicks ? 0 : starting));
  }, tickMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
