import { SerialPort } from "serialport";
import { describe, expect, test } from "vitest";
import { type PluggedTree, pluggedTree } from "../../testing/plugged-tree.ts";
import { createPtyDevice, type PtyDevice } from "../../testing/pty.ts";
import { until } from "../../testing/until.ts";
import { openReader } from "../open-reader.ts";
import type { Reader, ReaderCommand } from "../reader.ts";
import { parseReaderSpec, type SerialReaderSpec } from "../reader-spec.ts";
import { openSerialReader, type SerialReaderOptions } from "./serial-reader.ts";

const ALL: readonly ReaderCommand[] = ["beep-good", "beep-bad", "trigger-on", "trigger-off"];

/** A machine with one USB device of `vendor`, whose serial node leads to the terminal. */
function machineWith(device: PtyDevice, vendor: string): PluggedTree {
  const tree = pluggedTree();
  tree.plugIn({ port: "1-1", vendor, product: "0001", interfaces: [{ serial: "ttyACM0", linkTo: device.path }] });
  return tree;
}

function open(path: string, options: SerialReaderOptions = {}, parameters = ""): Promise<Reader> {
  return openSerialReader(parseReaderSpec(`serial:${path}${parameters}`) as SerialReaderSpec, options);
}

/** Iterates in the background; the payloads it gave, byte for byte. */
function payloads(reader: Reader): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const scan of reader) seen.push(Buffer.from(scan.bytes).toString("latin1"));
  })().catch(() => {});
  return seen;
}

describe("a serial reader is told", () => {
  test("what its maker's row says, known by the USB device behind the port", async () => {
    await using device = await createPtyDevice();
    using machine = machineWith(device, "0c2e");
    await using reader = await open(`${machine.dev}/ttyACM0`, { system: machine.system });
    expect(reader.commands).toEqual(new Set(["beep-good", "trigger-on", "trigger-off"]));
    expect(await reader.command("trigger-on")).toBe(true);
    expect(await reader.command("beep-good")).toBe(true);
    expect(await reader.command("trigger-off")).toBe(true);
    await until("the commands arrive", () => device.received().length >= 9);
    expect(device.received().toString("latin1")).toBe("\x16T\r\x16\x07\r\x16U\r");
  });

  test("also when it is named by its USB address", async () => {
    await using device = await createPtyDevice();
    using machine = machineWith(device, "27dd");
    await using reader = await openReader(parseReaderSpec("serial:usb:27dd:0001@1-1"), machine.system);
    expect(await reader.command("trigger-on")).toBe(true);
    await until("the command arrives", () => device.received().toString("latin1") === "\x16T\r");
  });

  test("what the row of vendor= says on a line that tells nothing", async () => {
    await using device = await createPtyDevice();
    await using reader = await open(device.path, {}, "?vendor=cipherlab");
    expect(await reader.command("beep-good")).toBe(true);
    await until("the beep arrives", () => device.received().toString() === "#@////\r");
  });

  test.each([
    ["a terminal nobody knows", null],
    ["an adapter", "1a86"],
    ["an unknown maker", "abcd"],
  ])("nothing at all: %s", async (_who, vendor) => {
    await using device = await createPtyDevice();
    using machine = vendor === null ? null : machineWith(device, vendor);
    const path = machine === null ? device.path : `${machine.dev}/ttyACM0`;
    await using reader = await open(path, machine === null ? {} : { system: machine.system });
    expect(reader.commands.size).toBe(0);
    for (const command of ALL) expect(await reader.command(command)).toBe(false);
    await sayAndHear(device, reader);
    expect(device.received()).toHaveLength(0);
  });

  test("never what would disable it: a Datalogic gets no sound for a bad read", async () => {
    await using device = await createPtyDevice();
    using machine = machineWith(device, "05f9");
    await using reader = await open(`${machine.dev}/ttyACM0`, { system: machine.system });
    for (const command of ALL) await reader.command(command);
    await until("the beep arrives", () => device.received().length > 0);
    await sayAndHear(device, reader);
    expect(device.received().toString()).toBe("B");
  });
});

/** One scan there and back: whatever was on its way to the device has arrived. */
async function sayAndHear(device: PtyDevice, reader: Reader): Promise<void> {
  const seen = payloads(reader);
  await device.write("SCAN\r");
  await until("the scan is read", () => seen.includes("SCAN"));
}

describe("its answers", () => {
  test("never become a scan, nor the beginning of one", async () => {
    await using device = await createPtyDevice();
    device.onReceived(() => void device.write("\x06012345678901|Ng\r"));
    await using reader = await open(device.path, {}, "?vendor=mindeo");
    const seen = payloads(reader);
    await reader.command("trigger-on");
    await until("the scan is read", () => seen.length > 0);
    expect(seen).toEqual(["012345678901|Ng"]);
  });

  test("of a reader that is not known to answer are left as they are", async () => {
    await using device = await createPtyDevice();
    device.onReceived(() => void device.write("\x06A\r"));
    await using reader = await open(device.path, {}, "?vendor=zebra");
    const seen = payloads(reader);
    await reader.command("beep-good");
    await until("the scan is read", () => seen.length > 0);
    expect(seen).toEqual(["\x06A"]);
  });
});

describe("nothing stale is sent", () => {
  test("a command the device does not take is given up in time, and is gone after a replug", async () => {
    await using device = await createPtyDevice();
    const first = await open(device.path, { writeTimeoutMs: 150 }, "?vendor=honeywell");
    await device.stopTaking();
    const begunMs = performance.now();
    expect(await first.command("trigger-on")).toBe(false);
    expect(performance.now() - begunMs).toBeGreaterThanOrEqual(145);
    expect(await first.command("beep-good")).toBe(false); // It would wait behind the first.
    await device.replug();
    await first[Symbol.asyncDispose]();

    await using second = await open(device.path, {}, "?vendor=honeywell");
    await sayAndHear(device, second);
    expect(await second.command("trigger-off")).toBe(true);
    await until("the new command arrives", () => device.received().length >= 3);
    expect(device.received().toString("latin1")).toBe("\x16U\r");
  });

  test("a command while the reader is unplugged is refused, and not sent to it later", async () => {
    await using device = await createPtyDevice();
    const first = await open(device.path, {}, "?vendor=honeywell");
    await device.unplug();
    await first.command("trigger-on"); // Either way: it may come before the hang-up is noticed.
    await until("the hang-up is noticed", async () => !(await first.command("trigger-on")));
    await device.replug();
    await using second = await open(device.path, {}, "?vendor=honeywell");
    expect(await first.command("trigger-on")).toBe(false);
    expect(await second.command("beep-good")).toBe(true);
    await until("the new command arrives", () => device.received().length >= 3);
    expect(device.received().toString("latin1")).toBe("\x16\x07\r");
    await first[Symbol.asyncDispose]();
  });

  test("as a port object would do that is opened again", async () => {
    await using device = await createPtyDevice();
    const port = new SerialPort({ path: device.path, baudRate: 9600, autoOpen: false });
    const opened = (): Promise<void> =>
      new Promise((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
    await opened();
    await device.unplug();
    await new Promise((resolve) => port.close(resolve));
    port.write("STALE");
    await device.replug();
    await opened();
    await until("the stale bytes arrive", () => device.received().toString() === "STALE");
    await new Promise((resolve) => port.close(resolve));
  });
});

test("a reader that opens and never says a word is ready, and is closed in time", async () => {
  await using device = await createPtyDevice();
  const reader = await open(device.path, {}, "?vendor=honeywell");
  await device.stopTaking();
  const iterating = (async () => {
    for await (const _ of reader) throw new Error("nobody scanned");
  })();
  const begunMs = performance.now();
  await reader[Symbol.asyncDispose]();
  expect(performance.now() - begunMs).toBeLessThan(2500);
  await iterating;
});
