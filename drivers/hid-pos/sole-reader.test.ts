import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../../testing/until.ts";
import { createNodeHidAccess } from "./hid-access.ts";
import { takeReader } from "./sole-reader.ts";

const nobody = { onReport: () => {}, onError: () => {} };
/** A name no other test or program has. */
const pathOf = (name: string): string => `\\\\?\\HID#${process.pid}#${name}`;

test("a reader another Trạm QR has open is busy, until that program is gone, kill -9 included", async () => {
  const path = pathOf("other");
  const module = join(import.meta.dirname, "sole-reader.ts");
  const other = spawn(process.execPath, [
    "--input-type=module",
    "--eval",
    `const { takeReader } = await import(${JSON.stringify(module)});
     await takeReader(${JSON.stringify(path)});
     console.log("taken");
     setInterval(() => {}, 1000);`,
  ]);
  await once(other.stdout, "data");
  await expect(takeReader(path.toLowerCase())).rejects.toMatchObject({
    code: "reader.busy",
    message: expect.stringContaining("Another Trạm QR"),
  });
  other.kill("SIGKILL");
  await once(other, "exit");
  const mine = await until("it is free", () => takeReader(path));
  mine[Symbol.dispose]();
});

test("a reader is free again once it was closed, and when it could not be opened", async () => {
  const path = pathOf("own");
  const opened = { on: () => {}, close: async () => {} };
  const openings: (() => unknown)[] = [];
  const access = createNodeHidAccess(async () => ({
    getHidapiVersion: () => "0.15.0",
    devicesAsync: async () => [],
    HIDAsync: { open: async () => openings.shift()?.() } as never,
  }));
  openings.push(() => Promise.reject(new Error("cannot open device")));
  await expect(access.open(path, nobody)).rejects.toThrow("cannot open device");
  for (let opening = 1; opening <= 2; opening++) {
    openings.push(() => opened);
    const handle = await access.open(path, nobody);
    await expect(access.open(path, nobody)).rejects.toMatchObject({ code: "reader.busy" });
    await handle.close();
  }
});
