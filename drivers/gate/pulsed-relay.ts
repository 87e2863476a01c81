/** The rules of one relay: how long a pulse is, how soon the next one may come, and which are not worth giving any more. */
import { setTimeout as pause } from "node:timers/promises";
import { RelayFault } from "./relay-fault.ts";
import type { RelaySpec } from "./relay-spec.ts";

/**
 * What became of one pulse that was asked for. `heldMs` is the time between ON and OFF, both acknowledged where the
 * board answers.
 */
export type PulseReport = { readonly relayId: string } & (
  | { readonly result: "given"; readonly heldMs: number }
  | { readonly result: "dropped"; readonly why: "locked-out" | "late" | "not-connected" }
  | { readonly result: "failed"; readonly why: string }
);

export interface PulsedRelayOptions {
  /** Switches this relay; see `RelayBoard.switch`. */
  readonly switch: (on: boolean) => Promise<void>;
  readonly onReport: (report: PulseReport) => void;
  /** The board cannot be trusted any more; whoever is told switches off, as after `stop`. */
  readonly onFault: (fault: RelayFault) => void;
  /** Ends a running pulse at once; whoever aborts switches off afterwards. */
  readonly stop: AbortSignal;
}

export interface PulsedRelay {
  /** Asks for one pulse, `askedMs` on the clock of {@link monotonicMs}. What becomes of it is reported. */
  pulse(askedMs: number): void;
  /** Resolves when nothing is running any more. */
  settled(): Promise<void>;
}

/**
 * Time between OFF and the next ON (readers.md 12). One person may wait for it: of two who show their cards within a
 * second both were recorded, so both must get through. A third is dropped: nobody passes a gate that fast, and a gate
 * that goes on opening after the people have gone lets strangers in.
 */
const LOCK_OUT_MS = 1000;
/**
 * A pulse older than this finds nobody before the gate any more. More than the longest wait that is allowed: a pulse and
 * a lock-out.
 */
const MAX_AGE_MS = 3000;
/** An OFF that is not confirmed is said again before the board is given up. */
const OFF_ATTEMPTS = 3;

/** A clock that all processes of this machine share and nobody can set, in ms. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

export function createPulsedRelay(spec: RelaySpec, options: PulsedRelayOptions): PulsedRelay {
  const { onFault, onReport, stop } = options;
  let running: Promise<void> | null = null;
  let waitingSinceMs: number | null = null;

  const drop = (why: Extract<PulseReport, { result: "dropped" }>["why"]): void =>
    onReport({ relayId: spec.id, result: "dropped", why });

  /** One pulse. Resolves to whether the relay moved. */
  const give = async (askedMs: number): Promise<boolean> => {
    if (monotonicMs() - askedMs > MAX_AGE_MS) {
      drop("late");
      return false;
    }
    const onMs = performance.now();
    await options.switch(true);
    // Counted from before ON: a slow acknowledgement makes no pulse longer.
    await pause(Math.max(0, onMs + spec.pulseMs - performance.now()), undefined, { signal: stop }).catch(() => {});
    await switchOff(options.switch);
    onReport({ relayId: spec.id, result: "given", heldMs: Math.round(performance.now() - onMs) });
    return true;
  };

  const run = async (askedMs: number): Promise<void> => {
    try {
      for (let next: number | null = askedMs; next !== null && !stop.aborted; next = waitingSinceMs) {
        waitingSinceMs = null;
        const moved = await give(next);
        if (moved) await pause(LOCK_OUT_MS, undefined, { signal: stop }).catch(() => {});
      }
    } catch (error) {
      const fault = error instanceof RelayFault ? error : new RelayFault("relay.failed", String(error));
      onReport({ relayId: spec.id, result: "failed", why: fault.code });
      onFault(fault);
    } finally {
      running = null;
      if (waitingSinceMs !== null) drop("not-connected");
      waitingSinceMs = null;
    }
  };

  return {
    pulse(askedMs) {
      if (stop.aborted) drop("not-connected");
      else if (running === null) running = run(askedMs);
      else if (waitingSinceMs === null) waitingSinceMs = askedMs;
      else drop("locked-out");
    },
    settled: () => running ?? Promise.resolve(),
  };
}

/** Says OFF until the board takes it; the last refusal is thrown. */
export async function switchOff(set: (on: boolean) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await set(false);
    } catch (error) {
      if (attempt === OFF_ATTEMPTS) throw error;
    }
  }
}
