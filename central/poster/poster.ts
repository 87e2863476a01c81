import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import type { PosterWish } from "./draw.ts";
import type { PosterContent } from "./layout.ts";
import type { PosterJob } from "./poster-thread.ts";

/** Posters that wait for their turn; more are asked to come back. */
const mostWaiting = 8;
/** A page takes a second or two; this is a thread that hangs. */
const longestMs = 60_000;

/** Draws posters one after the other, each in a thread of its own: a page of 300 dpi takes a second and 200 MiB. */
export interface PosterPress {
  /** Null when too many wait. */
  draw(content: PosterContent, wish: PosterWish): Promise<Uint8Array> | null;
}

export function posterPress(): PosterPress {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return {
    draw(content, wish) {
      if (waiting >= mostWaiting) return null;
      waiting += 1;
      const drawn = last.then(() => inThread({ content, wish })).finally(() => (waiting -= 1));
      last = drawn.catch(() => undefined);
      return drawn;
    },
  };
}

function inThread(job: PosterJob): Promise<Uint8Array> {
  // Beside this file, as source and as built.
  const file = join(import.meta.dirname, `poster-thread${extname(import.meta.filename)}`);
  const worker = new Worker(file, { workerData: job, name: "poster" });
  return new Promise<Uint8Array>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("A poster took too long.")), longestMs);
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`The poster's thread ended with code ${code}.`));
    });
  }).finally(() => void worker.terminate());
}
