import { describe, expect, test, vi } from "vitest";
import { collect, hid, PATH, type Plug, replay } from "../../testing/hid-pos-plug.ts";
import { CAPTURES, DESCRIPTOR_1, DESCRIPTOR_2, LOREM, scanReports, VENDOR } from "../../testing/hid-pos-reports.ts";
import type { Reader, ReaderCommand } from "../reader.ts";
import type { HidDevice } from "./hid-access.ts";
import { type HidPosReaderOptions, openHidPosReader } from "./hid-pos-reader.ts";

const ALL: ReaderCommand[] = ["trigger-on", "beep-good", "beep-bad", "trigger-off"];
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 5 });
const open = (plug: Plug, options: HidPosReaderOptions = {}): Promise<Reader> =>
  openHidPosReader(hid(PATH), { access: plug.access, ...options });

/** What a reader is written when it is given every command, one after the other. */
async function everyCommand(plug: Plug): Promise<string[]> {
  await using reader = await open(plug);
  for (const command of ALL) {
    expect(await reader.command(command)).toBe(reader.commands.has(command));
  }
  return plug.written;
}

describe("what a reader is sent for a command", () => {
  test("is a bit of report 4 by the Honeywell table, the trigger kept on while it beeps", async () => {
    for (const vendorId of [VENDOR.honeywell, 0x0536, 0x23d0, 0x0db5]) {
      expect(await everyCommand(replay(vendorId))).toEqual(["0404", "0444", "0424", "0402"]);
    }
  });

  test("is the beep's bit alone while nothing was triggered, as the maker documents it", async () => {
    const plug = replay(VENDOR.honeywell);
    await using reader = await open(plug);
    await reader.command("beep-good");
    await reader.command("beep-bad");
    expect(plug.written).toEqual(["0440", "0420"]);
  });

  test("is on other bits of the same report where its own descriptor says so", async () => {
    // D1: initiate read 1, prevent read 0, error beep 2, good-read beep 3. D2: 2, 1, 5, 6.
    const honeywell = VENDOR.honeywell;
    expect(await everyCommand(replay(honeywell, { descriptor: DESCRIPTOR_1 }))).toEqual([
      "0402",
      "040a",
      "0406",
      "0401",
    ]);
    expect(await everyCommand(replay(honeywell, { descriptor: DESCRIPTOR_2 }))).toEqual([
      "0404",
      "0444",
      "0424",
      "0402",
    ]);
  });

  test("is nothing where its own descriptor has no such bit, whatever the table says", async () => {
    const inputOnly = DESCRIPTOR_1.slice(0, DESCRIPTOR_1.indexOf("0914A1")).concat("C0");
    const plug = replay(VENDOR.honeywell, { descriptor: inputOnly });
    expect(await everyCommand(plug)).toEqual([]);
  });

  test("is a length and a text for Newland, in a report of the whole 64 bytes", async () => {
    expect(await everyCommand(replay(VENDOR.newland))).toEqual([
      `0403015404${"00".repeat(59)}`,
      `0403015004${"00".repeat(59)}`,
    ]);
  });

  test("is no text for a Newland whose report 4 is a byte of bits", async () => {
    expect(await everyCommand(replay(VENDOR.newland, { descriptor: DESCRIPTOR_1 }))).toEqual([]);
  });

  test("is known of a maker without a vendor id by the reports it declares", async () => {
    expect(await everyCommand(replay(0x4c4a, { descriptor: DESCRIPTOR_2 }))).toEqual(["0404", "0444", "0424", "0402"]);
    expect(await everyCommand(replay(0x4c4a, { descriptor: DESCRIPTOR_1 }))).toEqual([]);
  });

  test.each([
    ["Zebra", VENDOR.zebra],
    ["Datalogic", 0x05f9],
    ["a maker nobody knows", 0xffff],
  ])("is nothing at all for %s", async (_name, vendorId) => {
    const plug = replay(vendorId);
    plug.devices.push({ ...(plug.devices[0] as HidDevice), path: "/dev/hidraw8", usagePage: 1, usage: 6 });
    await using reader = await open(plug);
    expect(reader.commands).toEqual(new Set());
    for (const command of ALL) expect(await reader.command(command)).toBe(false);
    await reader[Symbol.asyncDispose]();
    expect(plug.written).toEqual([]);
  });
});

describe("a command", () => {
  test("that the device refuses is false and no fault", async () => {
    const plug = replay(VENDOR.honeywell);
    await using reader = await open(plug);
    const { texts } = collect(reader);
    plug.onWrite = () => Promise.reject("GetOverlappedResult: Invalid handle");
    expect(await reader.command("beep-good")).toBe(false);
    plug.onWrite = () => {
      throw new Error("thrown at once");
    };
    expect(await reader.command("beep-good")).toBe(false);
    plug.onWrite = async () => {};
    expect(await reader.command("beep-good")).toBe(true);
    plug.send(CAPTURES.V2);
    await until(() => expect(texts()).toEqual(["306030209223"]));
  });

  test("that never answers is given up, nothing waits behind it, and scans go on", async () => {
    const plug = replay(VENDOR.honeywell);
    let answer = (_value: unknown): void => {};
    plug.onWrite = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    await using reader = await open(plug, { writeTimeoutMs: 50 });
    const { texts } = collect(reader);
    const beforeMs = performance.now();
    const obeyed = await Promise.all(Array.from({ length: 1000 }, () => reader.command("beep-good")));
    expect(obeyed.filter(Boolean)).toEqual([]);
    expect(await reader.command("beep-bad")).toBe(false);
    expect(performance.now() - beforeMs).toBeLessThan(5000);
    expect(plug.written).toEqual(["0440"]);
    plug.send(CAPTURES.V2);
    await until(() => expect(texts()).toEqual(["306030209223"]));
    // The device woke up: it is sent to again, but nothing of what was given up.
    answer(2);
    plug.onWrite = async () => {};
    await vi.waitFor(async () => expect(await reader.command("beep-bad")).toBe(true), { timeout: 10_000 });
    expect(plug.written).toEqual(["0440", "0420"]);
  });

  test("waits for the one before it", async () => {
    const plug = replay(VENDOR.honeywell);
    const answers: ((value: unknown) => void)[] = [];
    plug.onWrite = () => new Promise((resolve) => answers.push(resolve));
    await using reader = await open(plug, { writeTimeoutMs: 10_000 });
    const both = Promise.all([reader.command("beep-good"), reader.command("beep-bad")]);
    await until(() => expect(answers).toHaveLength(1));
    expect(plug.written).toEqual(["0440"]);
    answers[0]?.(2);
    await until(() => expect(answers).toHaveLength(2));
    answers[1]?.(2);
    expect(await both).toEqual([true, true]);
  });

  test("to a reader that was unplugged or disposed reaches nobody, now or after the replug", async () => {
    const plug = replay(VENDOR.honeywell);
    const answers: ((value: unknown) => void)[] = [];
    plug.onWrite = () => new Promise((resolve) => answers.push(resolve));
    const reader = await open(plug, { writeTimeoutMs: 10_000 });
    const { ended } = collect(reader);
    const outstanding = reader.command("beep-good");
    const waiting = reader.command("beep-bad");
    await until(() => expect(answers).toHaveLength(1));
    plug.unplug("device disconnected");
    expect(await ended).toMatchObject({ code: "reader.unplugged" });
    expect(await reader.command("beep-good")).toBe(false);
    plug.replug();
    await using again = await open(plug);
    answers[0]?.(2);
    expect([await outstanding, await waiting]).toEqual([true, false]);
    expect(plug.written).toEqual(["0440"]);
    expect(again.commands.size).toBe(4);
    await reader[Symbol.asyncDispose]();
  });
});

describe("Newland's replies", () => {
  const REPLY = Buffer.from("02013030303023435243454e41313b0603", "hex");

  test("are no scans while a command is outstanding, and the person between them is one", async () => {
    const plug = replay(VENDOR.newland);
    await using reader = await open(plug);
    const { texts } = collect(reader);
    expect(await reader.command("trigger-on")).toBe(true);
    const long = Buffer.concat([REPLY, Buffer.from("Product: NLS-FM430;".repeat(5))]);
    plug.send(...scanReports("newland", REPLY), ...scanReports("newland", LOREM), ...scanReports("newland", long));
    plug.send(...scanReports("newland", "next"));
    await until(() => expect(texts()).toEqual([LOREM, "next"]));
  });

  test("in the middle of a scan do not disturb it", async () => {
    const plug = replay(VENDOR.newland);
    await using reader = await open(plug);
    const { scans, texts } = collect(reader);
    await reader.command("trigger-on");
    const [first, ...rest] = scanReports("newland", LOREM) as [Buffer, ...Buffer[]];
    plug.send(first, ...scanReports("newland", REPLY), ...rest);
    await until(() => expect(texts()).toEqual([LOREM]));
    expect(scans[0]?.spoiled).toBeNull();
  });

  test("are codes like any other while nobody asked", async () => {
    const plug = replay(VENDOR.newland);
    await using reader = await open(plug);
    const { texts } = collect(reader);
    plug.send(...scanReports("newland", REPLY));
    await until(() => expect(texts()).toHaveLength(1));
  });
});

describe("a Honeywell in keyboard mode", () => {
  const composite = (vendorId: number, descriptor: string | null = null): Plug => {
    const plug = replay(vendorId, { descriptor });
    plug.devices.push({ ...(plug.devices[0] as HidDevice), path: "/dev/hidraw8", usagePage: 1, usage: 6 });
    return plug;
  };

  test("is told on every opening to send its scans here, and given back on a clean end", async () => {
    for (const vendorId of [VENDOR.honeywell, 0x0536, 0x23d0]) {
      const plug = composite(vendorId);
      for (let opening = 1; opening <= 2; opening++) {
        const reader = await open(plug);
        await until(() => expect(plug.written.at(-1)).toBe("feature fe01"));
        await reader[Symbol.asyncDispose]();
      }
      expect(plug.written).toEqual(["feature fe01", "feature fe00", "feature fe01", "feature fe00"]);
      expect(plug.closings).toBe(2);
    }
  });

  test("is told so where its descriptor has that report, and not where it has none", async () => {
    const declared = composite(VENDOR.honeywell, DESCRIPTOR_2);
    await (await open(declared))[Symbol.asyncDispose]();
    expect(declared.written).toEqual(["feature fe01", "feature fe00"]);
    const undeclared = composite(VENDOR.honeywell, DESCRIPTOR_1);
    await (await open(undeclared))[Symbol.asyncDispose]();
    expect(undeclared.written).toEqual([]);
  });

  test("is read although it refuses, and not given back once it is unplugged", async () => {
    const plug = composite(VENDOR.honeywell);
    plug.onWrite = () => Promise.reject("could not send feature report");
    const reader = await open(plug);
    const { texts, ended } = collect(reader);
    plug.send(CAPTURES.V2);
    await until(() => expect(texts()).toEqual(["306030209223"]));
    await until(() => expect(plug.written).toEqual(["feature fe01"]));
    plug.unplug("gone");
    expect(await ended).toMatchObject({ code: "reader.unplugged" });
    await reader[Symbol.asyncDispose]();
    expect(plug.written).toEqual(["feature fe01"]);
  });

  test("is closed only when it was given back, however often it is disposed", async () => {
    const plug = composite(VENDOR.honeywell);
    const reader = await open(plug, { writeTimeoutMs: 10_000 });
    await until(() => expect(plug.written).toEqual(["feature fe01"]));
    let answer = (_value: unknown): void => {};
    plug.onWrite = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const both = Promise.all([reader[Symbol.asyncDispose](), reader[Symbol.asyncDispose]()]);
    await until(() => expect(plug.written.at(-1)).toBe("feature fe00"));
    expect(plug.closings).toBe(0);
    answer(2);
    await both;
    expect(plug.closings).toBe(1);
  });

  test("that never answers is opened and closed in bounded time", async () => {
    const plug = composite(VENDOR.honeywell);
    plug.onWrite = () => new Promise(() => {});
    const beforeMs = performance.now();
    const reader = await open(plug, { writeTimeoutMs: 50 });
    await until(() => expect(plug.written).toEqual(["feature fe01"]));
    await reader[Symbol.asyncDispose]();
    expect(performance.now() - beforeMs).toBeLessThan(3000);
    expect(plug.closings).toBe(1);
  });

  test("is left alone when it is another reader's keyboard, or its own mode is HID POS", async () => {
    for (const change of [{ productId: 0x0200 }, { serialNumber: "18230B4F2A" }]) {
      const plug = replay(VENDOR.honeywell);
      plug.devices.push({ ...(plug.devices[0] as HidDevice), path: "/dev/hidraw8", usagePage: 1, usage: 6, ...change });
      await (await open(plug))[Symbol.asyncDispose]();
      expect(plug.written).toEqual([]);
    }
  });
});

describe("a reader of a layout nobody knows", () => {
  const strange = (): Buffer => {
    const report = Buffer.alloc(64).fill(2, 0, 1).fill(12, 1, 2);
    report.write("079098000001", 20);
    return report;
  };
  const microscan = (): Buffer => Buffer.concat([Buffer.of(1, 12), Buffer.from("079098000001"), Buffer.alloc(50)]);

  test.each([
    ["a layout of no family", strange, "report 2 of 64 bytes"],
    ["another report number (Microscan MS-4)", microscan, "report 1 of 64 bytes"],
    ["half reports", () => (scanReports("honeywell", LOREM)[0] as Buffer).subarray(0, 32), "report 2 of 32 bytes"],
  ])("ends after eight reports, told without a byte of what was scanned: %s", async (_name, report, shape) => {
    const plug = replay(0xffff);
    const reader = await open(plug);
    const { ended } = collect(reader);
    for (let sent = 0; sent < 20; sent++) plug.send(report());
    const fault = await ended;
    expect(fault).toMatchObject({ name: "ReaderFault", code: "reader.unknown-layout" });
    const { message } = fault as Error;
    expect(message).toContain(`ffff:1007 on ${PATH}`);
    expect(message).toContain(shape);
    expect(message).toContain("USB serial");
    expect(message).not.toMatch(/0790|Lorem|\n/);
    expect(plug.closings).toBe(1);
  });

  test("is not one that was read before, nor one that sends empty or described reports besides", async () => {
    const plug = replay(VENDOR.honeywell);
    await using reader = await open(plug);
    const { texts } = collect(reader);
    for (let sent = 0; sent < 20; sent++) plug.send(Buffer.alloc(64).fill(0xf0, 0, 1));
    plug.send(CAPTURES.V2);
    for (let sent = 0; sent < 20; sent++) plug.send(strange(), microscan());
    await new Promise((resolve) => setTimeout(resolve, 300)); // The silence that ends the broken scan.
    plug.send(CAPTURES.V2);
    await until(() => expect(texts().at(-1)).toBe("306030209223"));

    const described = replay(0xffff, { descriptor: DESCRIPTOR_1 });
    await using other = await open(described);
    const scans = collect(other);
    for (let sent = 0; sent < 20; sent++) described.send(Buffer.alloc(64, 0x41).fill(0xf0, 0, 1));
    described.send(CAPTURES.V2);
    await until(() => expect(scans.texts()).toEqual(["306030209223"]));
  });

  test("is also one whose own descriptor is not true", async () => {
    const plug = replay(0xffff, { descriptor: DESCRIPTOR_1 });
    const { ended } = collect(await open(plug));
    for (let sent = 0; sent < 8; sent++) plug.send(Buffer.from(strange()).fill(200, 1, 2));
    expect(await ended).toMatchObject({ code: "reader.unknown-layout" });
  });
});
