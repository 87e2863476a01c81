/** Serial readers as they are at a busy gate: fast, several at once, pulled out, gone mad. Silence ends no frame here. */
import { describe, expect, test } from "vitest";
import { createPtyDevice, type PtyDevice } from "../../testing/pty.ts";
import { until } from "../../testing/until.ts";
import type { RawScan } from "../reader.ts";
import { parseReaderSpec, type SerialReaderSpec } from "../reader-spec.ts";
import {
  type ReaderState,
  type ReaderSupervision,
  type SupervisedReader,
  superviseReader,
} from "../supervised-reader.ts";
import { openSerialReader, type SerialReaderOptions } from "./serial-reader.ts";

const NO_SILENCE: SerialReaderOptions = { framer: { silenceMs: 600_000, silenceAfterEndMs: 600_000 } };

/** An invented card; the reader and the number make each one different. */
function card(reader: string, number: number): string {
  return `${String(number).padStart(12, "0")}|123456789|Nguyễn Thị ${reader}|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021`;
}

const cards = (reader: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => card(reader, index + 1));

interface Watched extends AsyncDisposable {
  readonly scans: RawScan[];
  readonly texts: () => string[];
  readonly states: ReaderState[];
  readonly supervised: SupervisedReader;
}

/** A supervised reader that is ready; `onScan` is what the consumer does with each scan. */
async function watched(
  device: PtyDevice,
  onScan: ReaderSupervision["onScan"] = () => {},
  options: SerialReaderOptions = NO_SILENCE,
): Promise<Watched> {
  const scans: RawScan[] = [];
  const states: ReaderState[] = [];
  const supervised = superviseReader(parseReaderSpec(`serial:${device.path}`), {
    delaysMs: [5],
    open: (spec) => openSerialReader(spec as SerialReaderSpec, options),
    onState: (state) => void states.push(state),
    onScan: (scan) => {
      scans.push(scan);
      return onScan(scan);
    },
  });
  await until("the reader is ready", () => states.at(-1)?.state === "ready");
  return {
    scans,
    states,
    supervised,
    texts: () => scans.map((scan) => Buffer.from(scan.bytes).toString("utf8")),
    [Symbol.asyncDispose]: () => supervised[Symbol.asyncDispose](),
  };
}

/** Sends one scan every `everyMs`: what is due is told by the time that has passed. Gives the time it took, in ms. */
async function sendEvery(device: PtyDevice, texts: readonly string[], everyMs: number): Promise<number> {
  const begunMs = performance.now();
  for (let sent = 0; sent < texts.length; ) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const due = Math.min(texts.length, Math.floor((performance.now() - begunMs) / everyMs));
    if (due > sent)
      await device.write(
        texts
          .slice(sent, due)
          .map((text) => `${text}\r`)
          .join(""),
      );
    sent = Math.max(sent, due);
  }
  return performance.now() - begunMs;
}

describe("scans arrive whole", () => {
  test.each([9600, 19_200, 38_400, 57_600, 115_200])("at the pace of a line of %i baud", async (baudRate) => {
    await using device = await createPtyDevice();
    await using reader = await watched(device);
    const sent = cards(String(baudRate), Math.ceil(baudRate / 4800));
    await device.writeAtLineSpeed(`${sent.join("\r")}\r`, baudRate);
    await until("all are read", () => reader.scans.length >= sent.length);
    expect(reader.texts()).toEqual(sent);
  });

  test("when ten of them come in one piece", async () => {
    await using device = await createPtyDevice();
    await using reader = await watched(device);
    await device.write(`${cards("MERGED", 10).join("\r\n")}\r\n`);
    await until("all are read", () => reader.scans.length >= 10);
    expect(reader.texts()).toEqual(cards("MERGED", 10));
  });

  test("when one lost its end: the pause parts it from the next person", async () => {
    await using device = await createPtyDevice();
    await using reader = await watched(device, undefined, {});
    await device.write(`${card("A", 1)}\r${card("A", 2)}`);
    await until("silence ended the second", () => reader.scans.length >= 2);
    await device.write(`${card("A", 3)}\r`);
    await until("the third is read", () => reader.scans.length >= 3);
    expect(reader.texts()).toEqual(cards("A", 3));
  });

  test("50 a second at each of four readers at once: none lost, none joined", { timeout: 40_000 }, async () => {
    const names = ["IN 1", "IN 2", "OUT 1", "OUT 2"];
    await using stack = new AsyncDisposableStack();
    const gates: { name: string; device: PtyDevice; reader: Watched }[] = [];
    for (const name of names) {
      const device = stack.use(await createPtyDevice());
      gates.push({ name, device, reader: stack.use(await watched(device)) });
    }
    const count = 200;
    const tookMs = await Promise.all(gates.map(({ name, device }) => sendEvery(device, cards(name, count), 20)));
    await until("all are read", () => gates.every(({ reader }) => reader.scans.length >= count));
    for (const { name, reader } of gates) {
      expect(reader.texts()).toEqual(cards(name, count));
      expect(reader.scans.map(({ sequence }) => sequence)).toEqual(cards(name, count).map((_, index) => index + 1));
      expect(reader.scans.every(({ spoiled }) => spoiled === null)).toBe(true);
      expect(reader.states.map(({ state }) => state)).toEqual(["connecting", "ready"]);
    }
    expect(Math.max(...tookMs)).toBeLessThan(8000); // Otherwise it was not 50 a second.
  });
});

test("half a scan is joined with no other, wherever the cable was pulled", { timeout: 30_000 }, async () => {
  await using device = await createPtyDevice();
  await using reader = await watched(device);
  const whole = Buffer.from(`${card("PULLED", 1)}\r`);
  const cuts = [1, 12, 13, 33, 60, whole.length - 2, whole.length - 1];
  for (const [index, cut] of cuts.entries()) {
    await device.write(`${card("BEFORE", index)}\r`);
    await until("the scan before is read", () => reader.scans.length === 2 * index + 1);
    await device.write(whole.subarray(0, cut));
    await device.replug();
    await until("it is ready again", () => reader.states.filter(({ state }) => state === "ready").length === index + 2);
    await device.write(`${card("AFTER", index)}\r`);
    await until("the scan after is read", () => reader.scans.length === 2 * index + 2);
  }
  expect(reader.texts()).toEqual(cuts.flatMap((_, index) => [card("BEFORE", index), card("AFTER", index)]));
});

test("one reader gone mad harms no other: bounded memory, its losses marked, its next scan read", {
  timeout: 40_000,
}, async () => {
  await using madDevice = await createPtyDevice();
  await using calmDevice = await createPtyDevice();
  // As slow as a disk that commits each scan.
  await using mad = await watched(madDevice, () => new Promise((resolve) => setTimeout(resolve, 2)));
  const lateMs: number[] = [];
  await using calm = await watched(calmDevice, (scan) => void lateMs.push(performance.now() - scan.receivedMonoMs));
  const before = process.memoryUsage().rss;
  const flood = cards("MAD", 20_000);
  await Promise.all([madDevice.write(`${flood.join("\r")}\r`), sendEvery(calmDevice, cards("CALM", 50), 20)]);
  await until("the calm one is read", () => calm.scans.length >= 50);
  expect(calm.texts()).toEqual(cards("CALM", 50));
  expect(Math.max(...lateMs)).toBeLessThan(1000);
  expect(process.memoryUsage().rss - before).toBeLessThan(96 << 20);

  await until("a loss is marked", () => mad.scans.some(({ spoiled }) => spoiled === "gap"), 20_000);
  await madDevice.write("\rNEXT\r");
  await until("the next scan is read", () => mad.texts().includes("NEXT"), 20_000);
  const wrong = mad.texts().filter((text) => text !== "NEXT" && !flood.includes(text));
  expect(wrong).toEqual([]);
});

test("the same code again and again, two a second for an hour: every one is read, nothing grows", {
  timeout: 40_000,
}, async () => {
  await using device = await createPtyDevice();
  let wrong = 0;
  let count = 0;
  const same = card("SAME", 1);
  let isReady = false;
  await using _ = superviseReader(parseReaderSpec(`serial:${device.path}`), {
    open: (spec) => openSerialReader(spec as SerialReaderSpec, NO_SILENCE),
    onState: ({ state }) => {
      isReady = state === "ready";
    },
    onScan: (scan) => {
      count++;
      if (scan.sequence !== count || Buffer.from(scan.bytes).toString("utf8") !== same) wrong++;
    },
  });
  await until("the reader is ready", () => isReady);
  const heaps: number[] = [];
  for (let minute = 1; minute <= 60; minute++) {
    const expected = minute * 120;
    await device.write(`${same}\r`.repeat(expected - count));
    await until(`minute ${minute} is read`, () => count === expected);
    if (minute === 10 || minute === 60) heaps.push(process.memoryUsage().heapUsed);
  }
  expect([count, wrong]).toEqual([7200, 0]);
  expect((heaps[1] ?? 0) - (heaps[0] ?? 0)).toBeLessThan(32 << 20);
});
