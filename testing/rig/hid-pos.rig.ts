import assert from "node:assert/strict";
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { test } from "node:test";
import { SAMPLES } from "../../agent/codes/samples.ts";
import { scanReports } from "../hid-pos-reports.ts";
import { until } from "../until.ts";
import { assertHealed } from "./healing.ts";
import { createHidDevice, type HidIdentity } from "./hid-device.ts";
import { honeywell, idOf, keyboardDescriptor, newland, unknownMaker, zebra } from "./rig-readers.ts";
import { PATIENCE_MS, watchReaders } from "./watched-readers.ts";

/** The names of people and places, one that needs two full reports and nothing more, one that stands in one report. */
const payloads = [SAMPLES.S1, SAMPLES.S3, `${"7".repeat(109)}Ệ`, "Nguyễn Văn Ă", "x".repeat(56)];

test("readers of all families are found and read byte for byte, names and full reports too", async () => {
  const models = [honeywell, zebra, newland, unknownMaker];
  await using readers = watchReaders(["auto"]);
  await using stack = new AsyncDisposableStack();
  const devices = await Promise.all(models.map(async (model) => stack.use(await createHidDevice(model))));
  for (const device of devices) device.plug();
  for (const model of models) await readers.is(idOf(model), "ready");
  for (const payload of payloads) {
    for (const [index, model] of models.entries()) devices[index]?.send(scanReports(model.sends, payload), 2);
  }
  for (const model of models)
    assert.deepEqual(await readers.next(idOf(model), payloads.length), payloads, model.product);
});

test("a reader whose firmware promises more after every full report is read whole", async () => {
  await using readers = watchReaders(["auto"]);
  await using device = await createHidDevice(honeywell);
  device.plug();
  await readers.is(idOf(honeywell), "ready");
  device.send(scanReports("honeywell", payloads[2] as string, { continuedWhenFull: true }), 2);
  assert.deepEqual(await readers.next(idOf(honeywell)), [payloads[2]]);
});

test("ten times unplugged and plugged in, under changing nodes: found and read again each time", async (t) => {
  await using readers = watchReaders(["auto"]);
  await using device = await createHidDevice(honeywell);
  await using other = await createHidDevice(zebra);
  const id = idOf(honeywell);
  const healedMs: number[] = [];
  const nodes = new Set<string>();
  device.plug();
  await readers.is(id, "ready");
  for (let round = 1; round <= 10; round++) {
    device.unplug();
    await until("the node to go", () => nodeOf(honeywell) === null, PATIENCE_MS);
    // What stands in its place takes its number.
    if (round % 2 === 1) other.plug();
    else other.unplug();
    await other.done();
    await readers.is(id, "gone");
    const pluggedMs = performance.now();
    device.plug();
    healedMs.push((await readers.is(id, "ready")) - pluggedMs);
    nodes.add(nodeOf(honeywell) ?? "");
    device.send(scanReports("honeywell", `${round} ${SAMPLES.S1}`), 2);
    assert.deepEqual(await readers.next(id), [`${round} ${SAMPLES.S1}`]);
  }
  t.diagnostic(`it was ${[...nodes].join(" and ")}`);
  assert.ok(nodes.size > 1, "the node had another name at least once");
  assertHealed(t, "HID POS", healedMs);
});

test("one that is named by its address and unplugged in the middle of a scan heals, and half a person is no scan", async (t) => {
  const id = idOf(honeywell);
  await using readers = watchReaders([id]);
  await using device = await createHidDevice(honeywell);
  device.plug();
  await readers.is(id, "ready");
  const [first] = scanReports("honeywell", SAMPLES.S1);
  device.send([first as Buffer]);
  device.unplug();
  await readers.is(id, "reader.unplugged");
  const pluggedMs = performance.now();
  device.plug();
  const healedMs = (await readers.is(id, "ready")) - pluggedMs;
  device.send(scanReports("honeywell", "next person"));
  assert.deepEqual(await readers.next(id), ["next person"]);
  assertHealed(t, "HID POS by name", [healedMs]);
});

test("nothing is lost of a burst while the program is busy, although the kernel keeps 63 reports only", async () => {
  const id = idOf(honeywell);
  await using readers = watchReaders(["auto"]);
  await using device = await createHidDevice(honeywell);
  device.plug();
  await readers.is(id, "ready");
  const asleep = openSync(`/dev/${nodeOf(honeywell)}`, constants.O_RDONLY | constants.O_NONBLOCK);
  const persons = Array.from({ length: 150 }, (_, index) => `person ${index}`);
  // Four times as fast as the reports of one scan come from a reader (readers.md 4).
  device.send(
    persons.flatMap((person) => scanReports("honeywell", person)),
    4,
  );
  await until("the first one", async () => (await readers.next(id))[0] === persons[0], PATIENCE_MS);
  const busyUntilMs = performance.now() + 1500;
  while (performance.now() < busyUntilMs);
  assert.deepEqual(await readers.next(id, persons.length - 1), persons.slice(1));
  assert.equal(countReports(asleep), 63);
  closeSync(asleep);
});

test("the beep of a code that is not taken reaches the reader", async () => {
  await using readers = watchReaders(["auto"]);
  await using device = await createHidDevice(honeywell);
  device.plug();
  await readers.is(idOf(honeywell), "ready");
  assert.equal(await readers.command(idOf(honeywell), "beep-bad"), true);
  await until("the report", () => device.asked.includes("output 0420"), PATIENCE_MS);
});

test("a reader that types is told to send its scans here, and to type again at the end", async () => {
  const typing = { ...honeywell, descriptor: Buffer.concat([honeywell.descriptor, keyboardDescriptor(1)]) };
  await using device = await createHidDevice(typing);
  {
    await using readers = watchReaders(["auto"]);
    device.plug();
    await readers.is(idOf(typing), "ready");
    await until("it is taken over", () => device.asked.includes("feature fe01"), PATIENCE_MS);
    device.send(scanReports("honeywell", SAMPLES.S2), 2);
    assert.deepEqual(await readers.next(idOf(typing)), [SAMPLES.S2]);
  }
  await until("it is given back", () => device.asked.includes("feature fe00"), PATIENCE_MS);
});

/** The name of the reader's hidraw node now. */
function nodeOf({ serialNumber }: HidIdentity): string | null {
  const all = existsSync("/sys/class/hidraw") ? readdirSync("/sys/class/hidraw") : [];
  return (
    all.find((name) =>
      readFileSync(`/sys/class/hidraw/${name}/device/uevent`, "utf8").includes(`HID_UNIQ=${serialNumber}\n`),
    ) ?? null
  );
}

/** How many reports wait at a descriptor that nobody read. */
function countReports(descriptor: number): number {
  for (let count = 0; ; count++) {
    try {
      readSync(descriptor, Buffer.alloc(64));
    } catch {
      return count;
    }
  }
}
