/** Keeps one reader open for ever. A fault of this reader, or of whoever takes its scans, touches no other reader. */
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { openReader } from "./open-reader.ts";
import { type RawScan, type Reader, type ReaderCommand, ReaderFault, type ReaderFaultCode } from "./reader.ts";
import type { ReaderSpec } from "./reader-spec.ts";

/** What a supervised reader is doing. `code` and `message` are set while, and only while, it is in `fault`. */
export type ReaderState = { readonly readerId: string; readonly name: string } & (
  | { readonly state: "connecting" | "ready"; readonly code: null; readonly message: null }
  | { readonly state: "fault"; readonly code: ReaderFaultCode; readonly message: string }
);

/** Who listens to a supervised reader, and how. */
export interface ReaderSupervision {
  /** Takes one scan; the next waits until a returned promise is settled. What it throws goes to `onError`. */
  readonly onScan: (scan: RawScan) => void | Promise<void>;
  /** Told on change only: a fault stays a fault while it is tried again, so that a screen does not flicker. */
  readonly onState: (state: ReaderState) => void;
  /** Told what `onScan` or `onState` threw. That is the fault of the program, not of the device. */
  readonly onError?: (error: unknown) => void;
  /** Waits before the attempts after a fault, in ms; the last one repeats. */
  readonly delaysMs?: readonly number[];
  /** How long one must be open, unless it reads something, before a fault begins with the first wait again, in ms. */
  readonly healedAfterMs?: number;
  readonly open?: (spec: ReaderSpec) => Promise<Reader>;
}

/** A reader that is kept open. Dispose it to stop. */
export interface SupervisedReader extends AsyncDisposable {
  /** As {@link Reader.command}; false while the device is not open. */
  command(command: ReaderCommand): Promise<boolean>;
  /** Something was plugged in: a reader that waits after a fault is tried at once. Any other is left as it is. */
  retryNow(): void;
}

/** readers.md 8.5: quick for a cable that was touched, patient for a reader that was taken away. */
const DEFAULT_DELAYS_MS = [500, 1000, 2000, 5000];
/** One that is open so long has healed; one that fails sooner, and has read nothing, is tried less and less often. */
const HEALED_AFTER_MS = 10_000;
/** How long disposing waits for an `onScan` that is still running. */
const DISPOSE_TIMEOUT_MS = 5000;

/**
 * Opens the reader, passes its scans on and opens it anew after every fault, under the same id and name.
 * Never throws for the device; everything it has to say goes to `onState`.
 */
export function superviseReader(spec: ReaderSpec, supervision: ReaderSupervision): SupervisedReader {
  const { onScan, onState, onError, delaysMs = DEFAULT_DELAYS_MS, open = openReader } = supervision;
  const { healedAfterMs = HEALED_AFTER_MS } = supervision;
  const stop = new AbortController();
  let current: Reader | null = null;
  let reported = "";
  let stopWaiting = (): void => {};

  const guarded = async (work: () => void | Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      try {
        onError?.(error);
      } catch {
        // There is nobody left to tell, and the next scan must still be read.
      }
    }
  };

  const report = async (fault: ReaderFault | null, state: "connecting" | "ready" = "connecting"): Promise<void> => {
    const key = fault === null ? state : `${fault.code} ${fault.message}`;
    if (key === reported || stop.signal.aborted) return;
    reported = key;
    const named = { readerId: spec.id, name: spec.name };
    await guarded(() =>
      onState(
        fault === null
          ? { ...named, state, code: null, message: null }
          : { ...named, state: "fault", code: fault.code, message: fault.message },
      ),
    );
  };

  /** One opening, from open to fault; resolves to the fault. */
  const runOnce = async (onHealed: () => void): Promise<ReaderFault> => {
    let openedMs = Number.POSITIVE_INFINITY;
    try {
      await using reader = await open(spec);
      current = reader;
      openedMs = performance.now();
      if (stop.signal.aborted) return stoppedFault(spec);
      // One that nobody could read opens as well as any other; only a scan shows that it is read now.
      if (!reported.startsWith("reader.unknown-layout")) await report(null, "ready");
      for await (const scan of reader) {
        onHealed();
        if (scan.spoiled === null) await report(null, "ready");
        await guarded(() => onScan(scan));
        // A reader that never pauses must not keep the others from being read.
        await nextTurn();
      }
      return stoppedFault(spec);
    } catch (error) {
      return error instanceof ReaderFault ? error : unexpectedFault(spec, error);
    } finally {
      current = null;
      if (performance.now() - openedMs >= healedAfterMs) onHealed();
    }
  };

  const run = async (): Promise<void> => {
    await report(null, "connecting");
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      const fault = await runOnce(() => {
        attempt = 0;
      });
      if (stop.signal.aborted) return;
      await report(fault);
      if (stop.signal.aborted) return;
      const delayMs = delaysMs[Math.min(attempt, delaysMs.length - 1)] ?? 0;
      // One signal for each wait: AbortSignal.any() leaves something behind in the lasting one, and this goes on for weeks.
      const waiting = new AbortController();
      stopWaiting = () => waiting.abort();
      await pause(delayMs, undefined, { signal: waiting.signal }).catch(() => {});
    }
  };
  const finished = run();

  return {
    command: (command) => current?.command(command) ?? Promise.resolve(false),
    retryNow: () => stopWaiting(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      stopWaiting();
      await current?.[Symbol.asyncDispose]();
      const limit = new AbortController();
      const expired = pause(DISPOSE_TIMEOUT_MS, undefined, { signal: limit.signal }).catch(() => {});
      await Promise.race([finished, expired]);
      limit.abort();
    },
  };
}

function stoppedFault(spec: ReaderSpec): ReaderFault {
  return new ReaderFault("reader.failed", `The reader ${spec.id} stopped without a reason: plug it in again.`);
}

function unexpectedFault(spec: ReaderSpec, error: unknown): ReaderFault {
  const text = error instanceof Error ? error.message : String(error);
  return new ReaderFault("reader.failed", `The reader ${spec.id} failed (${text}): plug it in again.`, {
    cause: error,
  });
}
