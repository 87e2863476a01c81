import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { createPtyDevice } from "../../testing/pty.ts";
import type { RawScan, Reader } from "../reader.ts";
import { parseReaderSpec, type SerialReaderSpec } from "../reader-spec.ts";
import { openFault } from "./serial-fault.ts";
import { openSerialReader } from "./serial-reader.ts";

const CARD = "012345678901|123456789|Nguyễn Thị Hồng Đào|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021";

const serial = (path: string): SerialReaderSpec => parseReaderSpec(`serial:${path}`) as SerialReaderSpec;

/** Iterates the reader in the background: what it gave so far, and the fault that ended it. */
function collect(reader: Reader): { scans: RawScan[]; texts: () => string[]; ended: Promise<unknown> } {
  const scans: RawScan[] = [];
  const run = async (): Promise<unknown> => {
    try {
      for await (const scan of reader) scans.push(scan);
      return null;
    } catch (error) {
      return error;
    }
  };
  return { scans, texts: () => scans.map((scan) => Buffer.from(scan.bytes).toString("utf8")), ended: run() };
}

/** For tests in which silence must play no part, however slow the machine is. */
const NO_SILENCE = { framer: { silenceMs: 600_000, silenceAfterEndMs: 600_000 } };

const until = (check: () => void, timeout = 10_000): Promise<void> => vi.waitFor(check, { timeout, interval: 5 });

describe("a scan arrives whole", () => {
  test("uncut and cut at every byte position", { timeout: 60_000 }, async () => {
    await using device = await createPtyDevice();
    await using reader = await openSerialReader(serial(device.path));
    const { scans, texts } = collect(reader);
    const sent = Buffer.from(`${CARD}\r`);
    for (let at = 1; at <= sent.length; at++) {
      await device.write(sent.subarray(0, at));
      await new Promise((resolve) => setTimeout(resolve, 2)); // Keeps the pieces apart; nothing waits for it.
      await device.write(sent.subarray(at));
      await until(() => expect(scans).toHaveLength(at));
    }
    expect(new Set(texts())).toEqual(new Set([CARD]));
    expect(scans.map((scan) => scan.sequence)).toEqual(scans.map((_, index) => index + 1));
    expect(scans.every((scan) => scan.readerId === `serial:${device.path}` && scan.spoiled === null)).toBe(true);
  });

  test("byte by byte, with a pause the line takes before its last half", async () => {
    await using device = await createPtyDevice();
    await using reader = await openSerialReader(serial(device.path));
    const { texts } = collect(reader);
    await device.writeInPieces(`${CARD}\r\n`, 1, 1);
    await until(() => expect(texts()).toEqual([CARD]));
    await device.writeInPieces(`${CARD}\r\n`, 50, 200);
    await until(() => expect(texts()).toEqual([CARD, CARD]));
  });

  test.each(["\r", "\n", "\r\n", "\t", "\x03", "\x04"])("ended by %j", async (end) => {
    await using device = await createPtyDevice();
    await using reader = await openSerialReader(serial(device.path), NO_SILENCE);
    const { texts } = collect(reader);
    await device.write(`${CARD}${end}X${end}`);
    await until(() => expect(texts()).toEqual([CARD, "X"]));
  });

  test("ended by silence", async () => {
    await using device = await createPtyDevice();
    await using reader = await openSerialReader(serial(device.path));
    const { scans, texts } = collect(reader);
    await device.write(CARD);
    await until(() => expect(texts()).toEqual([CARD]));
    const waitedMs = performance.now() - (scans[0]?.receivedMonoMs ?? 0);
    expect(waitedMs).toBeGreaterThanOrEqual(300);
  });

  test("with the symbology split off and every other byte as it came", async () => {
    await using device = await createPtyDevice();
    await using reader = await openSerialReader(serial(device.path));
    const { scans } = collect(reader);
    const odd = Buffer.from([0xff, 0x00, 0x1b, 0x5b, 0x41, 0xc3, 0x28, 0x80, 0x11, 0x13, 0x1a, 0x7f, 0xc3]);
    await device.write(Buffer.concat([Buffer.from("\x02]Q1"), odd, Buffer.from("\x03")]));
    await device.write(`${CARD}\r`);
    await until(() => expect(scans).toHaveLength(2));
    expect(scans[0]).toMatchObject({ aim: "]Q1", spoiled: null });
    expect(Buffer.from(scans[0]?.bytes ?? []).toString("hex")).toBe(odd.toString("hex"));
    expect(Buffer.from(scans[1]?.bytes ?? []).toString()).toBe(CARD);
  });

  test("from two readers at once, each its own", async () => {
    await using deviceA = await createPtyDevice();
    await using deviceB = await createPtyDevice();
    await using readerA = await openSerialReader(serial(deviceA.path));
    await using readerB = await openSerialReader(serial(deviceB.path));
    const [a, b] = [collect(readerA), collect(readerB)];
    const sent = (name: string): string[] => Array.from({ length: 20 }, (_, index) => `${name} ${index} ${CARD}`);
    await Promise.all([
      deviceA.writeInPieces(`${sent("A").join("\r")}\r`, 100, 1),
      deviceB.writeInPieces(`${sent("B").join("\n")}\n`, 90, 1),
    ]);
    await until(() => expect([a.texts(), b.texts()]).toEqual([sent("A"), sent("B")]));
  });
});

test("1 MB without an end is one overflow in bounded memory, and the next scan is read", async () => {
  await using device = await createPtyDevice();
  await using reader = await openSerialReader(serial(device.path));
  const { scans, texts } = collect(reader);
  const before = process.memoryUsage();
  const flood = device.write(Buffer.alloc(1 << 20, "x"));
  await until(() => expect(scans).toHaveLength(1), 20_000);
  await flood;
  await device.write(`\r${CARD}\r`);
  await until(() => expect(scans).toHaveLength(2), 20_000);
  expect(scans.map((scan) => [scan.bytes.length, scan.spoiled])).toEqual([
    [8192, "overflow"],
    [Buffer.byteLength(CARD), null],
  ]);
  expect(texts()[1]).toBe(CARD);
  expect(process.memoryUsage().rss - before.rss).toBeLessThan(64 << 20);
});

test("a busy consumer loses nothing while the process stands still in the middle of a scan", async () => {
  await using device = await createPtyDevice();
  await using reader = await openSerialReader(serial(device.path));
  const { texts } = collect(reader);
  await device.write(`before\r${CARD.slice(0, 30)}`);
  await until(() => expect(texts()).toEqual(["before"]));
  const sent = device.write(`${CARD.slice(30)}\r`);
  // The write is in the kernel; now stand still for longer than every silence.
  const untilMs = performance.now() + 900;
  while (performance.now() < untilMs);
  await sent;
  await until(() => expect(texts()).toEqual(["before", CARD]));
});

describe("a fault has a code and says what to do", () => {
  test("missing port, and a directory of the path missing", async () => {
    for (const path of ["/dev/ttyNOPE", "/nowhere/ttyACM0"]) {
      await expect(openSerialReader(serial(path))).rejects.toMatchObject({
        name: "ReaderFault",
        code: "reader.not-found",
        message: expect.stringContaining("plug the reader in"),
      });
    }
  });

  test("busy port, which is free again once the first reader is disposed", async () => {
    await using device = await createPtyDevice();
    const first = await openSerialReader(serial(device.path));
    await expect(openSerialReader(serial(device.path))).rejects.toMatchObject({
      code: "reader.busy",
      message: expect.stringContaining("This station itself has"),
    });
    await first[Symbol.asyncDispose]();
    await using second = await openSerialReader(serial(device.path));
    const { texts } = collect(second);
    await device.write(`${CARD}\r`);
    await until(() => expect(texts()).toEqual([CARD]));
  });

  test("a file that is no device", async () => {
    const directory = await mkdtemp(join(tmpdir(), "no-device-"));
    await writeFile(join(directory, "file"), "");
    await expect(openSerialReader(serial(join(directory, "file")))).rejects.toMatchObject({ code: "reader.failed" });
    await expect(openSerialReader(serial("/dev/null"))).rejects.toMatchObject({ code: "reader.failed" });
    await rm(directory, { recursive: true });
  });

  // Tests may run as root, whom no mode keeps out: the wording comes from the binding and from Node.
  test.each([
    ["/dev/ttyACM0", "EACCES: permission denied, access '/dev/ttyACM0'", "reader.permission", "dialout"],
    ["/dev/ttyACM0", "Error: Permission denied, cannot open /dev/ttyACM0", "reader.permission", "dialout"],
    ["/dev/ttyACM0", "Error Resource temporarily unavailable Cannot lock port", "reader.busy", "close it"],
    ["/dev/ttyACM0", "Error: Device or resource busy, cannot open /dev/ttyACM0", "reader.busy", "close it"],
    ["COM5", "Opening COM5: Access denied", "reader.busy", "close it"],
    ["COM5", "Opening COM5: File not found", "reader.not-found", "plug the reader in"],
    ["COM5", "Opening COM5: Unknown error code 31", "reader.unplugged", "error 31, as after sleep"],
    ["COM5", "Open (SetCommState): Unknown error code 22", "reader.unplugged", "error 22, as after sleep"],
    ["COM5", "Open (GetCommState): Unknown error code 121", "reader.unplugged", "opened again by itself"],
    ["COM5", "Opening COM5: Unknown error code 1210", "reader.failed", "check the cable"],
    ["COM5", "Opening COM5: Access denied", "reader.busy", "the maker's own scanner program"],
    ["/dev/ttyACM0", "Error Resource temporarily unavailable Cannot lock port", "reader.busy", "ModemManager"],
  ])("%s: %s", (path, text, code, advice) => {
    expect(openFault(path, new Error(text))).toMatchObject({ code, message: expect.stringContaining(advice) });
  });
});

describe("unplugging ends the reader", () => {
  test("with the scans that were whole, without the half one", async () => {
    await using device = await createPtyDevice();
    await using reader = await openSerialReader(serial(device.path), NO_SILENCE);
    const { texts, ended } = collect(reader);
    await device.write("WHOLE\rHALF");
    await until(() => expect(texts()).toEqual(["WHOLE"]));
    await device.unplug();
    expect(await ended).toMatchObject({
      code: "reader.unplugged",
      message: expect.stringContaining("plug it in again"),
    });
    expect(texts()).toEqual(["WHOLE"]);
  });

  test("at once, also while it is sending", async () => {
    await using device = await createPtyDevice();
    for (let round = 1; round <= 12; round++) {
      const heard = Promise.withResolvers<void>();
      await using reader = await openSerialReader(serial(device.path), {
        ...NO_SILENCE,
        watchdogIntervalMs: 600_000,
        onRaw: () => heard.resolve(),
      });
      const { ended } = collect(reader);
      await device.write("HALF");
      await heard.promise;
      await device.replug();
      expect(await ended).toMatchObject({ code: "reader.unplugged" });
    }
  });

  test("when only the node vanished or means another device", async () => {
    await using deviceA = await createPtyDevice();
    await using deviceB = await createPtyDevice();
    const directory = await mkdtemp(join(tmpdir(), "by-id-"));
    const link = join(directory, "scanner");
    for (const next of [null, deviceB.path]) {
      await rm(link, { force: true });
      await symlink(deviceA.path, link);
      await using reader = await openSerialReader(serial(link), { watchdogIntervalMs: 20 });
      const { ended } = collect(reader);
      await rm(link);
      if (next !== null) await symlink(next, link);
      expect(await ended).toMatchObject({ code: "reader.unplugged" });
    }
    await rm(directory, { recursive: true });
  });

  test("disposing ends the iteration quietly and within its bound, also after unplugging", async () => {
    await using device = await createPtyDevice();
    const reader = await openSerialReader(serial(device.path));
    const { ended } = collect(reader);
    await reader[Symbol.asyncDispose]();
    expect(await ended).toBeNull();

    const unplugged = await openSerialReader(serial(device.path));
    await device.unplug();
    const beforeMs = performance.now();
    await unplugged[Symbol.asyncDispose]();
    await unplugged[Symbol.asyncDispose]();
    expect(performance.now() - beforeMs).toBeLessThan(2500);
  });
});
