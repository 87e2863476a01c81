import { maxBatchEntries } from "../../contract/limits.ts";

/** A batch this small fits through in the time of one call even where a few kilobytes a second are all there is. */
const smallestBatch = 10;

/** No answer, or "wait": the next batch is small, so that it gets through a bad line and asks little of a busy centre. */
export const afterFailure = (size: number): number => Math.max(smallestBatch, Math.floor(size / 4));

export const afterSuccess = (size: number): number => Math.min(maxBatchEntries, size * 2);
