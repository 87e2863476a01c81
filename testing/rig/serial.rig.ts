import assert from "node:assert/strict";
import { existsSync, realpathSync } from "node:fs";
import { test } from "node:test";
import { SAMPLES } from "../../agent/codes/samples.ts";
import { assess } from "../../drivers/discovery.ts";
import { monotonicMs } from "../../drivers/gate/pulsed-relay.ts";
import { parseRelaySpecs } from "../../drivers/gate/relay-spec.ts";
import { superviseBoard } from "../../drivers/gate/supervised-board.ts";
import { thisMachine } from "../../drivers/plugged/system.ts";
import { until } from "../until.ts";
import { assertHealed } from "./healing.ts";
import { createUsbGadget } from "./usb-gadget.ts";
import { createSerialAdapter } from "./usb-monitor.ts";
import { PATIENCE_MS, watchReaders } from "./watched-readers.ts";

const ADAPTER_NODE = "/dev/ttyUSB0";
const BY_ID = "/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_FT0001-if00-port0";
const ADAPTER_ADDRESS = "usb:0403:6001:FT0001";
const payloads = [SAMPLES.S1, SAMPLES.S3, SAMPLES.S5, "x".repeat(2000)];
const lines = (...texts: readonly string[]): string => texts.map((text) => `${text}\r\n`).join("");

for (const { path, replugs } of [
  { path: ADAPTER_ADDRESS, replugs: 3 },
  { path: BY_ID, replugs: 1 },
]) {
  test(`a reader behind a USB serial adapter, named ${path.slice(0, 15)}..., is read byte for byte and heals`, async (t) => {
    const id = `serial:${path}`;
    using adapter = await createSerialAdapter("FT0001");
    await using readers = watchReaders([id, "auto"]);
    const healedMs: number[] = [];
    for (let round = 0; round <= replugs; round++) {
      const pluggedMs = performance.now();
      await adapter.plug();
      const readyMs = await readers.is(id, "ready");
      if (round > 0) healedMs.push(readyMs - pluggedMs);
      adapter.send(lines(...payloads));
      assert.deepEqual(await readers.next(id, payloads.length), payloads);
      adapter.send("half a person");
      const unpluggedMs = performance.now();
      await adapter.unplug();
      t.diagnostic(
        `unplugging noticed after ${Math.round((await readers.is(id, "reader.unplugged")) - unpluggedMs)} ms`,
      );
      await until("the node to go", () => !existsSync(ADAPTER_NODE), PATIENCE_MS);
    }
    assertHealed(t, "USB serial adapter", healedMs);
    assert.equal(adapter.received().length, 0, "nothing was ever sent to it");
  });
}

test("an adapter is never taken unless somebody names it: it may be the gate", async () => {
  using adapter = await createSerialAdapter("FT0001");
  await adapter.plug();
  const found = await until(
    "the adapter with its node",
    async () => {
      const devices = await thisMachine().list();
      return assess(devices).find((one) => one.device.address.vendorId === 0x0403 && one.device.interfaces.length > 0);
    },
    PATIENCE_MS,
  );
  assert.deepEqual(
    { verdict: found.verdict, specText: found.verdict === "by-hand" && found.specText },
    { verdict: "by-hand", specText: `serial:${ADAPTER_ADDRESS}` },
  );
  assert.equal(await until("the link", () => existsSync(BY_ID) && realpathSync(BY_ID), PATIENCE_MS), ADAPTER_NODE);
  await adapter.unplug();
});

test("a relay that is plugged in again opens no gate: pulses asked for meanwhile, or cut short, are not given later", async () => {
  const [spec] = parseRelaySpecs([`lcus:${ADAPTER_ADDRESS}?channel=1&pulse=1000`]);
  assert.ok(spec);
  const off = "a00100a1";
  using adapter = await createSerialAdapter("FT0001");
  let state = "";
  const results: string[] = [];
  await using board = superviseBoard([spec], {
    onState: (now) => {
      state = now.state;
    },
    onReport: ({ result }) => void results.push(result),
  });
  await adapter.plug();
  await until("the relay to be ready", () => state === "ready", PATIENCE_MS);
  let sent = "";
  const receivedAll = (): string => {
    sent += adapter.received().toString("hex");
    return sent;
  };
  await until("it to be let go", () => receivedAll().endsWith(off), PATIENCE_MS);
  board.pulse(spec.id, monotonicMs());
  await until("the pulse to begin", () => receivedAll().includes("a00101a2"), PATIENCE_MS);
  await adapter.unplug();
  await until("the fault", () => state === "fault", PATIENCE_MS);
  board.pulse(spec.id, monotonicMs());
  await until("that pulse to be dropped", () => results.includes("dropped"), PATIENCE_MS);
  adapter.received();
  await adapter.plug();
  await until("the relay to be ready again", () => state === "ready", PATIENCE_MS);
  sent = "";
  await until("it to be let go", () => receivedAll().length > 0, PATIENCE_MS);
  assert.equal(sent.replaceAll(off, ""), "", "it was told to let go and nothing else");
  await board[Symbol.asyncDispose]();
  await adapter.unplug();
});

test("a reader with a serial port of its own is found, read and told from its twin, also in the other port", async (t) => {
  const twin = { vendor: "05f9", product: "4204", maker: "Datalogic", model: "Rig Gryphon" };
  using first = createUsbGadget(twin, 0);
  using second = createUsbGadget(twin, 1);
  await using readers = watchReaders(["auto"]);
  first.plug();
  second.plug();
  const ids = await until(
    "both to be ready",
    () => {
      const ready = readers.states
        .filter((state) => state.endsWith(" ready"))
        .map((state) => state.split(" ")[0] ?? "");
      return ready.length === 2 && ready.toSorted();
    },
    PATIENCE_MS,
  );
  for (const [index, gadget] of [first, second].entries())
    await gadget.send(lines(`${index} ${SAMPLES.S1}`, ...payloads));
  const heard = await Promise.all(ids.map((id) => readers.next(id, 1 + payloads.length)));
  const firstScans = new Set(heard.map(([scan]) => scan));
  assert.deepEqual(firstScans, new Set([`0 ${SAMPLES.S1}`, `1 ${SAMPLES.S1}`]));
  for (const [, ...rest] of heard) assert.deepEqual(rest, payloads);
  const firstId = ids[heard.findIndex(([scan]) => scan?.startsWith("0 "))] ?? "";
  const healedMs: number[] = [];
  for (let round = 1; round <= 3; round++) {
    first.unplug();
    await readers.is(firstId, "gone");
    const pluggedMs = performance.now();
    first.plug();
    healedMs.push((await readers.is(firstId, "ready")) - pluggedMs);
    await first.send(lines(`again ${round}`));
    assert.deepEqual(await readers.next(firstId), [`again ${round}`]);
  }
  assertHealed(t, `USB serial ${firstId}`, healedMs);
});
