import { describe, expect, test, vi } from "vitest";
import { createPtyDevice } from "../testing/pty.ts";
import { obeysNothing, type RawScan, type Reader, ReaderFault } from "./reader.ts";
import { parseReaderSpec, type ReaderSpec, type SerialReaderSpec } from "./reader-spec.ts";
import { createScanQueue, type ScanQueue } from "./scan-queue.ts";
import { openSerialReader } from "./serial/serial-reader.ts";
import { type ReaderState, type ReaderSupervision, superviseReader } from "./supervised-reader.ts";

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 5 });

/** Supervises and remembers: scans as text, states as short words. */
function watch(spec: ReaderSpec, supervision: Partial<ReaderSupervision> = {}) {
  const texts: string[] = [];
  const scans: RawScan[] = [];
  const states: ReaderState[] = [];
  const supervised = superviseReader(spec, {
    delaysMs: [20, 50],
    onState: (state) => void states.push(state),
    onScan: (scan) => {
      scans.push(scan);
      texts.push(Buffer.from(scan.bytes).toString("utf8"));
    },
    ...supervision,
  });
  return {
    texts,
    scans,
    words: () => states.map((state) => state.code ?? state.state),
    states,
    retryNow: () => supervised.retryNow(),
    [Symbol.asyncDispose]: () => supervised[Symbol.asyncDispose](),
  };
}

/** A reader the test drives by its queue. */
function queueReader(id: string): { reader: Reader; queue: ScanQueue; push: (text: string) => void } {
  const queue = createScanQueue(id);
  return {
    queue,
    push: (text) => queue.push({ bytes: Buffer.from(text), aim: null, spoiled: null, receivedMs: 0 }),
    reader: {
      id,
      ...obeysNothing,
      [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
      [Symbol.asyncDispose]: async () => queue.close(),
    },
  };
}

describe("a supervised reader", () => {
  test("unplugged in the middle of a line comes back under the same name, and the half line is not joined", async () => {
    await using device = await createPtyDevice();
    await using gate = watch(parseReaderSpec(`serial:${device.path}?name=Gate 1`), {
      // So that a slow machine cannot end the half line by silence before the cable is pulled.
      open: (spec) => openSerialReader(spec as SerialReaderSpec, { framer: { silenceAfterEndMs: 600_000 } }),
    });
    await until(() => expect(gate.words()).toEqual(["connecting", "ready"]));
    await device.write("BEFORE\rHALF");
    await until(() => expect(gate.texts).toEqual(["BEFORE"]));
    await device.unplug();
    await until(() => expect(gate.words()).toContain("reader.not-found"));
    await device.replug();
    await until(() => expect(gate.words().at(-1)).toBe("ready"));
    await device.write("Nguyễn\r");
    await until(() => expect(gate.texts).toEqual(["BEFORE", "Nguyễn"]));
    expect(gate.words()).toEqual(["connecting", "ready", "reader.unplugged", "reader.not-found", "ready"]);
    expect(new Set(gate.states.map(({ readerId, name }) => `${readerId} ${name}`))).toEqual(
      new Set([`serial:${device.path} Gate 1`]),
    );
    expect(gate.scans.map(({ readerId, sequence }) => [readerId, sequence])).toEqual([
      [`serial:${device.path}`, 1],
      [`serial:${device.path}`, 1],
    ]);
  });

  test("waits no longer when it is told that something was plugged in", async () => {
    await using device = await createPtyDevice();
    await device.unplug();
    await using gate = watch(parseReaderSpec(`serial:${device.path}`), { delaysMs: [600_000] });
    await until(() => expect(gate.words()).toEqual(["connecting", "reader.not-found"]));
    await device.replug();
    gate.retryNow();
    await until(() => expect(gate.words().at(-1)).toBe("ready"));
    gate.retryNow(); // One that reads is left alone.
    await device.write("AFTER\r");
    await until(() => expect(gate.texts).toEqual(["AFTER"]));
    expect(gate.words()).toEqual(["connecting", "reader.not-found", "ready"]);
  });

  test("is replugged ten times and read ten times", { timeout: 20_000 }, async () => {
    await using device = await createPtyDevice();
    await using gate = watch(parseReaderSpec(`serial:${device.path}`));
    for (let round = 1; round <= 10; round++) {
      await until(() => expect(gate.words().filter((word) => word === "ready")).toHaveLength(round));
      await device.write(`round ${round}\r`);
      await until(() => expect(gate.texts).toHaveLength(round));
      await device.replug();
    }
    expect(new Set(gate.texts).size).toBe(10);
  });

  test("that faults touches no other reader", async () => {
    await using deviceA = await createPtyDevice();
    await using deviceB = await createPtyDevice();
    await using gateA = watch(parseReaderSpec(`serial:${deviceA.path}`));
    await using gateB = watch(parseReaderSpec(`serial:${deviceB.path}`));
    await until(() => expect([gateA.words().at(-1), gateB.words().at(-1)]).toEqual(["ready", "ready"]));
    await deviceA.unplug();
    await until(() => expect(gateA.words()).toContain("reader.unplugged"));
    await deviceB.write("B\r");
    await until(() => expect(gateB.texts).toEqual(["B"]));
    expect(gateB.words()).toEqual(["connecting", "ready"]);
  });

  test("that cannot be opened is tried with growing waits, and says so once", async () => {
    const attemptsMs: number[] = [];
    await using gate = watch(parseReaderSpec("serial:/dev/ttyNOPE"), {
      delaysMs: [20, 40, 60],
      open: () => {
        attemptsMs.push(performance.now());
        throw new ReaderFault("reader.busy", "Another program holds it: close it.");
      },
    });
    await until(() => expect(attemptsMs.length).toBeGreaterThanOrEqual(6));
    const waitsMs = attemptsMs.slice(1).map((at, index) => at - (attemptsMs[index] ?? 0));
    for (const [index, leastMs] of [20, 40, 60, 60, 60].entries()) {
      expect(waitsMs[index]).toBeGreaterThanOrEqual(leastMs - 2);
    }
    expect(gate.words()).toEqual(["connecting", "reader.busy"]);
  });

  test.each([
    ["it read something", true, 60_000],
    ["it was open for a while", false, 0],
  ])("begins again with the short wait after %s", async (_, scans, healedAfterMs) => {
    const attempts: ReturnType<typeof queueReader>[] = [];
    let failures = 2;
    await using gate = watch(parseReaderSpec("serial:X"), {
      delaysMs: [1, 1, 1, 60_000],
      healedAfterMs,
      open: async (spec) => {
        if (failures-- > 0) throw new ReaderFault("reader.not-found", "not there");
        const attempt = queueReader(spec.id);
        attempts.push(attempt);
        return attempt.reader;
      },
    });
    for (let round = 1; round <= 3; round++) {
      await until(() => expect(attempts).toHaveLength(round));
      if (scans) attempts.at(-1)?.push(`round ${round}`);
      attempts.at(-1)?.queue.fail(new ReaderFault("reader.unplugged", "gone"));
    }
    expect(gate.words()).toContain("ready");
  });

  test("that opens and fails at once, again and again, is tried with growing waits", async () => {
    const openedMs: number[] = [];
    await using _ = watch(parseReaderSpec("serial:X"), {
      delaysMs: [20, 40, 60],
      open: async (spec) => {
        openedMs.push(performance.now());
        const { reader, queue } = queueReader(spec.id);
        queue.fail(new ReaderFault("reader.failed", "a loose contact"));
        return reader;
      },
    });
    await until(() => expect(openedMs.length).toBeGreaterThanOrEqual(5));
    const waitsMs = openedMs.slice(1).map((at, index) => at - (openedMs[index] ?? 0));
    for (const [index, leastMs] of [20, 40, 60, 60].entries()) {
      expect(waitsMs[index]).toBeGreaterThanOrEqual(leastMs - 2);
    }
  });

  test("of an unknown layout stays a fault however often it opens, until a whole scan was read", async () => {
    const fault = new ReaderFault("reader.unknown-layout", "nobody can read it");
    const opened: ReturnType<typeof queueReader>[] = [];
    await using gate = watch(parseReaderSpec("serial:/dev/ttyACM0"), {
      open: async (spec) => {
        const next = queueReader(spec.id);
        opened.push(next);
        return next.reader;
      },
    });
    for (let opening = 1; opening <= 3; opening++) {
      await until(() => expect(opened).toHaveLength(opening));
      const { queue } = opened[opening - 1] as ReturnType<typeof queueReader>;
      queue.push({ bytes: Buffer.from("half"), aim: null, spoiled: "gap", receivedMs: 0 });
      await until(() => expect(gate.scans).toHaveLength(opening));
      if (opening < 3) queue.fail(fault);
    }
    expect(gate.words()).toEqual(["connecting", "ready", "reader.unknown-layout"]);
    opened[2]?.push("079098000001");
    await until(() => expect(gate.words().at(-1)).toBe("ready"));
  });

  test("does not take an exception of its consumer for a fault of the device", async () => {
    const errors: unknown[] = [];
    const { reader, push } = queueReader("serial:X");
    const seen: number[] = [];
    await using gate = watch(parseReaderSpec("serial:X"), {
      open: async () => reader,
      onScan: async (scan) => {
        seen.push(scan.sequence);
        if (scan.sequence === 1) throw new Error("disk full");
        if (scan.sequence === 2) await Promise.reject(new Error("still full"));
      },
      onError: (error) => {
        errors.push(error);
        throw new Error("even the log is broken");
      },
    });
    for (const text of ["a", "b", "c"]) push(text);
    await until(() => expect(seen).toEqual([1, 2, 3]));
    expect(errors.map(String)).toEqual(["Error: disk full", "Error: still full"]);
    expect(gate.words()).toEqual(["connecting", "ready"]);
  });

  test("survives a screen that throws when it is told", async () => {
    const { reader, push } = queueReader("serial:X");
    const errors: unknown[] = [];
    await using gate = watch(parseReaderSpec("serial:X"), {
      open: async () => reader,
      onState: () => {
        throw new Error("no screen");
      },
      onError: (error) => void errors.push(error),
    });
    push("a");
    await until(() => expect(gate.texts).toEqual(["a"]));
    expect(errors).toHaveLength(2);
  });

  test("stops for good when it is disposed, while reading and while waiting", async () => {
    await using device = await createPtyDevice();
    const gate = watch(parseReaderSpec(`serial:${device.path}`));
    await until(() => expect(gate.words()).toContain("ready"));
    await gate[Symbol.asyncDispose]();
    expect(gate.words()).toEqual(["connecting", "ready"]);

    const missing = watch(parseReaderSpec("serial:/dev/ttyNOPE"), { delaysMs: [60_000] });
    await until(() => expect(missing.words()).toContain("reader.not-found"));
    const beforeMs = performance.now();
    await missing[Symbol.asyncDispose]();
    expect(performance.now() - beforeMs).toBeLessThan(1000);

    await using again = watch(parseReaderSpec(`serial:${device.path}`));
    await until(() => expect(again.words()).toContain("ready"));
  });
});
