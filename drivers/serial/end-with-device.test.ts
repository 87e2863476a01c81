import { SerialPort } from "serialport";
import { expect, test } from "vitest";
import { createPtyDevice } from "../../testing/pty.ts";
import { until } from "../../testing/until.ts";
import { endWithDevice } from "./end-with-device.ts";

/** Opens a port, takes its device away and only then reads; what the port said, and the CPU time that took. */
async function readAfterUnplug(prepare: (port: SerialPort) => void): Promise<{ said: string[]; cpuMs: number }> {
  await using device = await createPtyDevice();
  const port = new SerialPort({ path: device.path, baudRate: 9600, autoOpen: false });
  prepare(port);
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  const said: string[] = [];
  for (const event of ["end", "close", "error"]) port.on(event, () => said.push(event));
  await device.unplug();
  const before = process.cpuUsage();
  port.on("data", () => {});
  const begunMs = performance.now();
  await until(
    "something is said, or half a second of silence",
    () => said.length > 0 || performance.now() - begunMs > 500,
  );
  const { user, system } = process.cpuUsage(before);
  const seen = [...said];
  await new Promise((resolve) => port.close(resolve));
  return { said: seen, cpuMs: (user + system) / 1000 };
}

test("a port whose device hung up ends, and does not read on for ever", async () => {
  expect((await readAfterUnplug(endWithDevice)).said).toEqual(["end"]);
});

test("without it serialport says nothing and keeps the processor busy", async () => {
  const { said, cpuMs } = await readAfterUnplug(() => {});
  expect(said).toEqual([]);
  expect(cpuMs).toBeGreaterThan(100);
});
