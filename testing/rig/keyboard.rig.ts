import assert from "node:assert/strict";
import { closeSync, constants, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { test } from "node:test";
import { SAMPLES } from "../../agent/codes/samples.ts";
import { openReader } from "../../drivers/open-reader.ts";
import { parseReaderSpec } from "../../drivers/reader-spec.ts";
import { until } from "../until.ts";
import { assertHealed } from "./healing.ts";
import { createHidDevice, type HidIdentity } from "./hid-device.ts";
import { idOf, wedge } from "./rig-readers.ts";
import { typedReports } from "./typed-reports.ts";
import { PATIENCE_MS, watchReaders } from "./watched-readers.ts";

const id = idOf(wedge, "evdev");
/** What a keyboard can type: no letter beyond ASCII. */
const payload = SAMPLES.S4;

for (const keyMs of [1, 10]) {
  test(`a reader that types a key every ${keyMs} ms is read byte for byte`, async (t) => {
    await using readers = watchReaders(["auto"]);
    await using device = await createHidDevice(wedge);
    device.plug();
    await readers.is(id, "ready");
    const startedMs = performance.now();
    device.send(typedReports(`${payload}\n${SAMPLES.S7}\n`), keyMs / 2);
    await device.done();
    const typedMs = (performance.now() - startedMs) / (payload.length + SAMPLES.S7.length + 2);
    t.diagnostic(`it typed a key every ${typedMs.toFixed(1)} ms`);
    assert.deepEqual(await readers.next(id, 2), [payload, SAMPLES.S7]);
  });
}

test("a reader in keyboard mode is ours alone: nobody else sees its keys, nobody else may take it", async () => {
  await using device = await createHidDevice(wedge);
  device.plug();
  const node = await nodeOf(wedge);
  const listener = openSync(node, constants.O_RDONLY | constants.O_NONBLOCK);
  device.send(typedReports("before\n"), 1);
  await device.done();
  assert.ok(countEvents(listener) > 0, "the listener hears what nobody has taken");
  await using readers = watchReaders(["auto"]);
  await readers.is(id, "ready");
  device.send(typedReports(`${payload}\n`), 1);
  assert.deepEqual(await readers.next(id), [payload]);
  assert.equal(countEvents(listener), 0);
  closeSync(listener);
  await assert.rejects(openReader(parseReaderSpec(`evdev:${node}`)), { code: "reader.busy" });
});

test("two readers of one model without serial numbers are two readers", async () => {
  const twins = ["1-2", "1-3"].map((port) => ({ ...wedge, serialNumber: "", place: `usb-rig-${port}/input0` }));
  await using readers = watchReaders(["auto"]);
  await using stack = new AsyncDisposableStack();
  const devices = await Promise.all(twins.map(async (twin) => stack.use(await createHidDevice(twin))));
  for (const device of devices) device.plug();
  const ids = ["1-2", "1-3"].map((port) => `evdev:usb:0c2e:0200@usb-rig-${port}`);
  for (const twin of ids) await readers.is(twin, "ready");
  for (const [index, device] of devices.entries()) device.send(typedReports(`person at ${index}\n`), 1);
  for (const [index, twin] of ids.entries()) assert.deepEqual(await readers.next(twin), [`person at ${index}`]);
});

test("unplugged in the middle of a scan and plugged in again, it reads the next person", async (t) => {
  await using readers = watchReaders([id, "auto"]);
  await using device = await createHidDevice(wedge);
  const healedMs: number[] = [];
  for (let round = 0; round <= 3; round++) {
    const pluggedMs = performance.now();
    device.plug();
    const readyMs = await readers.is(id, "ready");
    if (round > 0) healedMs.push(readyMs - pluggedMs);
    device.send(typedReports(`person ${round}\n`), 1);
    assert.deepEqual(await readers.next(id), [`person ${round}`]);
    device.send(typedReports("half a person"), 1);
    device.unplug();
    await readers.is(id, "reader.unplugged");
  }
  assertHealed(t, "Keyboard mode", healedMs);
});

test("keys that the kernel dropped spoil their scan and no other", async () => {
  await using readers = watchReaders(["auto"]);
  await using device = await createHidDevice(wedge);
  device.plug();
  await readers.is(id, "ready");
  const holder = holderOf(await nodeOf(wedge));
  process.kill(holder, "SIGSTOP");
  device.send(typedReports(`${payload}\n`));
  await device.done();
  process.kill(holder, "SIGCONT");
  assert.deepEqual(await readers.next(id), ["(gap)"]);
  device.send(typedReports(`${payload}\n`), 1);
  assert.deepEqual(await readers.next(id), [payload]);
});

test("somebody's own keyboard is left alone", async () => {
  const own = { ...wedge, vendorId: 0x046d, productId: 0xc31c, product: "Keyboard", serialNumber: "RIG-K2" };
  await using readers = watchReaders(["auto"]);
  await using keyboard = await createHidDevice(own);
  await using device = await createHidDevice(wedge);
  keyboard.plug();
  const listener = openSync(await nodeOf(own), constants.O_RDONLY | constants.O_NONBLOCK);
  device.plug();
  await readers.is(id, "ready");
  keyboard.send(typedReports("a letter to a friend\n"), 1);
  await keyboard.done();
  assert.ok(countEvents(listener) > 0);
  closeSync(listener);
  assert.ok(readers.states.every((state) => state.startsWith(id)));
});

/** Waits for the input node of a device. */
function nodeOf({ serialNumber }: HidIdentity): Promise<string> {
  const isOurs = (name: string): boolean =>
    name.startsWith("event") && readFileSync(`/sys/class/input/${name}/device/uniq`, "utf8").trim() === serialNumber;
  return until(
    "its input node",
    () => {
      const name = readdirSync("/sys/class/input").find(isOurs);
      return name !== undefined && `/dev/input/${name}`;
    },
    PATIENCE_MS,
  );
}

/** The program that has taken a node for itself. */
function holderOf(node: string): number {
  const holder = readdirSync("/proc").find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(`tram-qr reader ${node}`);
    } catch {
      return false; // No process, or one that ended meanwhile.
    }
  });
  assert.ok(holder, `a program holds ${node}`);
  return Number(holder);
}

/** How many events wait at a node. */
function countEvents(descriptor: number): number {
  const EVENT_BYTES = 24;
  try {
    return readSync(descriptor, Buffer.alloc(64 * EVENT_BYTES)) / EVENT_BYTES;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}
