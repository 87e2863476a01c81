/** Writes to one opened device: one at a time, each bounded in time, none of them worth an error. */
import { within } from "./time-limit.ts";

/** The writer of one opening; it ends with its handle, so that nothing stale is sent after a replug. */
export interface DeviceWriter {
  /**
   * Starts `write` when the writes before it are done, and resolves to whether the device took it within the limit.
   * While a write that never answered is still out, all others are refused: they would wait behind it.
   */
  send(write: () => Promise<unknown>): Promise<boolean>;
}

/** Makes a writer; the limit counts from the call of `send`, waiting included. */
export function createDeviceWriter(timeoutMs: number): DeviceWriter {
  let last: Promise<unknown> = Promise.resolve();
  let outstanding = false;

  const start = async (write: () => Promise<unknown>, dueMs: number): Promise<boolean> => {
    const leftMs = dueMs - performance.now();
    if (outstanding || leftMs <= 0) return false;
    outstanding = true;
    const writing = Promise.resolve()
      .then(write)
      .finally(() => {
        outstanding = false;
      });
    return within(writing, leftMs).then(
      () => true,
      () => false,
    );
  };

  return {
    send(write) {
      const dueMs = performance.now() + timeoutMs;
      const turn = last.then(() => start(write, dueMs));
      last = turn;
      return turn;
    },
  };
}
