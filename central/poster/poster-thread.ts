import { parentPort, workerData } from "node:worker_threads";
import { drawPoster, type PosterWish } from "./draw.ts";
import type { PosterContent } from "./layout.ts";

/** What the thread is started with. */
export interface PosterJob {
  readonly content: PosterContent;
  readonly wish: PosterWish;
}

const { content, wish } = workerData as PosterJob;
parentPort?.postMessage(await drawPoster(content, wish));
