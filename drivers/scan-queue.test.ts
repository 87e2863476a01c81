import { expect, test } from "vitest";
import { type RawScan, ReaderFault } from "./reader.ts";
import { createScanQueue, type ScanQueue } from "./scan-queue.ts";

const push = (queue: ScanQueue, text: string): void =>
  queue.push({ bytes: Buffer.from(text), aim: null, spoiled: null, receivedMs: 1 });

async function drain(queue: ScanQueue): Promise<RawScan[]> {
  const scans: RawScan[] = [];
  for await (const scan of queue) scans.push(scan);
  return scans;
}

test("scans nobody fetched are bounded, the loss is counted and one scan says so", async () => {
  const queue = createScanQueue("serial:A", 2);
  const iterator = queue[Symbol.asyncIterator]();
  for (const text of ["a", "b", "c", "d"]) push(queue, text);
  expect(queue.lostCount).toBe(2);
  const fetched = [await iterator.next(), await iterator.next(), await iterator.next()];
  push(queue, "e");
  fetched.push(await iterator.next());
  expect(
    fetched.map(({ value }) => [value?.sequence, Buffer.from(value?.bytes ?? []).toString(), value?.spoiled]),
  ).toEqual([
    [1, "a", null],
    [2, "b", null],
    [3, "c", "gap"],
    [4, "e", null],
  ]);
});

test("a fault comes after the scans that were read before it", async () => {
  const queue = createScanQueue("serial:A");
  push(queue, "a");
  queue.fail(new ReaderFault("reader.unplugged", "gone"));
  queue.fail(new ReaderFault("reader.failed", "later"));
  push(queue, "b");
  const iterator = queue[Symbol.asyncIterator]();
  expect(await iterator.next()).toMatchObject({ value: { sequence: 1 } });
  await expect(iterator.next()).rejects.toMatchObject({ code: "reader.unplugged" });
});

test("closing ends a waiting iteration quietly, and nobody iterates twice", async () => {
  const queue = createScanQueue("serial:A");
  const scans = drain(queue);
  queue.close();
  expect(await scans).toEqual([]);
  expect(() => queue[Symbol.asyncIterator]()).toThrow("open it anew");
});
