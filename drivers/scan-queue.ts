/**
 * Between a device that never waits and a consumer that may be busy: a bounded queue, iterated once.
 *
 * Every driver listens from the opening on and never pauses its device: a paused serial port does not notice
 * that it was unplugged. So the queue has to be the place that bounds.
 */
import type { Frame } from "./framing/byte-framer.ts";
import type { RawScan, ReaderFault } from "./reader.ts";

/** Scans on their way from a driver to whoever iterates the reader. */
export interface ScanQueue extends AsyncIterable<RawScan> {
  /** Scans lost so far because nobody fetched them. */
  readonly lostCount: number;
  /** Queues one frame as a scan, or loses it when the queue is full. */
  push(frame: Frame): void;
  /** Ends the iteration with `fault`, after the scans that are waiting. Only the first end counts. */
  fail(fault: ReaderFault): void;
  /** Ends the iteration at once and quietly: the reader was disposed. */
  close(): void;
}

/**
 * Makes a queue of at most `capacity` scans. When it is full, one more scan marked `gap` is queued in the place of
 * all that are lost until there is room again, so that somebody is asked to scan once more.
 */
export function createScanQueue(readerId: string, capacity = 1024): ScanQueue {
  const waiting: RawScan[] = [];
  let sequence = 0;
  let lostCount = 0;
  let iterated = false;
  let ended: { readonly fault: ReaderFault | null } | null = null;
  let wake: (() => void) | null = null;

  const notify = (): void => {
    wake?.();
    wake = null;
  };

  const enqueue = (frame: Frame, spoiled: RawScan["spoiled"]): void => {
    sequence++;
    const { bytes, aim, receivedMs } = frame;
    waiting.push({ bytes, aim, readerId, receivedMonoMs: receivedMs, sequence, spoiled });
    notify();
  };

  async function* iterate(): AsyncGenerator<RawScan, void, undefined> {
    for (;;) {
      const scan = waiting.shift();
      if (scan !== undefined) {
        yield scan;
      } else if (ended !== null) {
        if (ended.fault !== null) throw ended.fault;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  return {
    get lostCount() {
      return lostCount;
    },
    push(frame) {
      if (ended !== null) return;
      if (waiting.length < capacity) return enqueue(frame, frame.spoiled);
      lostCount++;
      if (waiting.length === capacity) enqueue(frame, "gap");
    },
    fail(fault) {
      ended ??= { fault };
      notify();
    },
    close() {
      ended = { fault: null };
      waiting.length = 0;
      notify();
    },
    [Symbol.asyncIterator]() {
      if (iterated) throw new Error(`Reader ${readerId} was iterated already; open it anew.`);
      iterated = true;
      return iterate();
    },
  };
}
