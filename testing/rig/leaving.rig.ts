import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { until } from "../until.ts";
import { createHidDevice } from "./hid-device.ts";
import { honeywell, idOf, wedge } from "./rig-readers.ts";
import { createSerialAdapter } from "./usb-monitor.ts";
import { PATIENCE_MS } from "./watched-readers.ts";

test("a program with idle readers of every kind is gone within 2 s of being told to stop", async (t) => {
  await using hid = await createHidDevice(honeywell);
  await using keyboard = await createHidDevice(wedge);
  using adapter = await createSerialAdapter("FT0001");
  hid.plug();
  keyboard.plug();
  await adapter.plug();
  const specs = [idOf(honeywell), idOf(wedge, "evdev"), "serial:usb:0403:6001:FT0001"];
  const program = spawn(process.execPath, [path.join(import.meta.dirname, "idle-readers.ts"), ...specs], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  program.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await until("all readers to be open", () => said.includes("ready\n"), PATIENCE_MS);
  assert.ok(hid.asked.includes("open") && keyboard.asked.includes("open"));
  const gone = once(program, "exit");
  const toldMs = performance.now();
  program.kill("SIGTERM");
  const late = setTimeout(() => program.kill("SIGKILL"), PATIENCE_MS);
  assert.deepEqual(await gone, [0, null]);
  clearTimeout(late);
  const goneMs = Math.round(performance.now() - toldMs);
  t.diagnostic(`gone after ${goneMs} ms`);
  assert.ok(goneMs < 2000);
  await adapter.unplug();
});
