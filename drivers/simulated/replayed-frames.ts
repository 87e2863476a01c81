/** A recorded reader whose transport is only framed: the drivers' framer, silence and queue, without a port. */
import type { Frame } from "../framing/byte-framer.ts";
import { createSilenceTimer } from "../framing/silence-timer.ts";
import { obeysNothing, type Reader, ReaderFault } from "../reader.ts";
import type { SimulatedReaderSpec } from "../reader-spec.ts";
import { createScanQueue } from "../scan-queue.ts";
import { playSteps } from "./play-steps.ts";
import type { DeviceStep } from "./reader-script.ts";

/** What the framers of the serial and of the keyboard driver have in common. */
interface Framer<Sent> {
  push(sent: Sent, nowMs: number): Frame[];
  deadlineMs(): number | null;
  expire(nowMs: number): Frame[];
}

/** Opens the replay; it begins with the iteration. */
export function openFramedReplay<Sent>(
  { id, path }: SimulatedReaderSpec,
  steps: readonly DeviceStep<Sent>[],
  framer: Framer<Sent>,
): Reader {
  const queue = createScanQueue(id);
  const stopped = new AbortController();
  const silence = createSilenceTimer(
    () => framer.deadlineMs(),
    () => {
      for (const frame of framer.expire(performance.now())) queue.push(frame);
    },
  );
  const stop = (): void => {
    stopped.abort();
    silence.stop();
  };

  return {
    id,
    ...obeysNothing,
    [Symbol.asyncIterator]() {
      const iterator = queue[Symbol.asyncIterator]();
      const target = {
        send(sent: Sent) {
          for (const frame of framer.push(sent, performance.now())) queue.push(frame);
          silence.arm();
        },
        fault(code: ReaderFault["code"]) {
          stop();
          queue.fail(new ReaderFault(code, `The recording ${path} faults here: ${code}.`));
        },
      };
      void playSteps(steps, target, stopped.signal);
      return iterator;
    },
    async [Symbol.asyncDispose]() {
      stop();
      queue.close();
    },
  };
}
