import { setTimeout as pause } from "node:timers/promises";
import { createPtyDevice } from "../pty.ts";
import type { Oracle } from "./oracle.ts";

/** A serial reader that holds one card after the other, whoever listens. */
export interface RestlessReader extends AsyncDisposable {
  /** For `readers` of a station. */
  readonly spec: string;
}

/** Starts to scan at once; `longestPauseMs` lies between two cards at most. */
export async function startRestlessReader(oracle: Oracle, longestPauseMs: number): Promise<RestlessReader> {
  const pty = await createPtyDevice();
  let isOver = false;
  const scanning = (async () => {
    while (!isOver) {
      await pty.write(`${oracle.issue().payload}\r`);
      await pause(Math.random() * longestPauseMs);
    }
  })();
  return {
    spec: `serial:${pty.path}?direction=in`,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await scanning;
      await pty[Symbol.asyncDispose]();
    },
  };
}
