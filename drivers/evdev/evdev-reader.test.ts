import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SAMPLES } from "../../agent/codes/samples.ts";
import { createFakeInputDevice, type FakeInputDevice } from "../../testing/fake-input-device.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { droppedEvents, keyEvents, typedEvents } from "../../testing/input-events.ts";
import { until } from "../../testing/until.ts";
import { uncalibrated } from "../keyboard/calibration.ts";
import type { RawScan } from "../reader.ts";
import { parseReaderSpec } from "../reader-spec.ts";
import { type EvdevReaderOptions, openEvdevReader } from "./evdev-reader.ts";
import { grabProgram } from "./grab-program.ts";

let folder: ReturnType<typeof temporaryFolder>;
let device: FakeInputDevice;
let path: string;

beforeEach(() => {
  folder = temporaryFolder();
  device = createFakeInputDevice(folder.path);
  ({ path } = device);
});

afterEach(() => {
  device[Symbol.dispose]();
  folder[Symbol.dispose]();
});

const open = (options?: EvdevReaderOptions) => {
  const spec = parseReaderSpec(`evdev:${path}`);
  if (spec.transport !== "evdev") throw new Error("not an evdev spec");
  return openEvdevReader(spec, options);
};

const type = (text: string): void => device.write(typedEvents(text));
const textOf = (scan: RawScan | undefined): string => Buffer.from(scan?.bytes ?? []).toString();

/** Processes of the helping program for this test's device. */
const helpers = (): string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`reader ${path}`);
    } catch {
      return false;
    }
  });

test("what the reader types comes out as scans: Enter, Tab or silence ends one", async () => {
  await using reader = await open();
  const scans = reader[Symbol.asyncIterator]();
  const next = async () => (await scans.next()).value as RawScan;
  type(`${SAMPLES.S5}\n`);
  const first = await next();
  expect(textOf(first)).toBe(SAMPLES.S5);
  expect(first).toMatchObject({ readerId: `evdev:${path}`, sequence: 1, spoiled: null, aim: null });
  type("\n\t]Q1079098000001\t");
  expect(await next()).toMatchObject({ aim: "]Q1", sequence: 2 });
  type("24");
  expect(textOf(await next())).toBe("24");
});

test("a scan in which the system lost keys is marked and so never a person; the next one is whole", async () => {
  await using reader = await open();
  const scans = reader[Symbol.asyncIterator]();
  device.write(Buffer.concat([typedEvents("079098|"), droppedEvents(), typedEvents("A\n079098000001\n")]));
  expect((await scans.next()).value).toMatchObject({ spoiled: "gap" });
  const whole = (await scans.next()).value as RawScan;
  expect(whole.spoiled).toBeNull();
  expect(textOf(whole)).toBe("079098000001");
});

test("lost keys alone are told too, and a Shift that was never seen going up is not believed for ever", async () => {
  await using reader = await open();
  const scans = reader[Symbol.asyncIterator]();
  device.write(Buffer.concat([keyEvents("ShiftLeft", true), droppedEvents()]));
  expect((await scans.next()).value).toMatchObject({ spoiled: "gap" });
  type("12345678a\n");
  expect(textOf((await scans.next()).value as RawScan)).toBe("12345678a");
});

test("keys wait in the helping program while this process is busy", async () => {
  await using reader = await open();
  // A burst longer than evdev's own queue, all of it written while nothing here runs but this loop.
  const card = SAMPLES.S6;
  for (let at = 0; at < card.length; at += 20) type(card.slice(at, at + 20));
  const busyUntilMs = performance.now() + 700;
  while (performance.now() < busyUntilMs);
  type("\n");
  expect(textOf((await reader[Symbol.asyncIterator]().next()).value as RawScan)).toBe(card);
});

test("a calibrated prefix is taken off, from the scan on before which it was learned", async () => {
  let prefix = "";
  await using reader = await open({ calibration: () => ({ ...uncalibrated, prefix }) });
  const scans = reader[Symbol.asyncIterator]();
  type("~~079098000001\n");
  expect(textOf((await scans.next()).value as RawScan)).toBe("~~079098000001");
  prefix = "~~";
  type("~~079098000001\n");
  expect(textOf((await scans.next()).value as RawScan)).toBe("079098000001");
});

test("unplugging ends the iteration with a fault that says so, after the scans that were read", async () => {
  await using reader = await open();
  const scans = reader[Symbol.asyncIterator]();
  type("079098000001\n");
  expect(textOf((await scans.next()).value as RawScan)).toBe("079098000001");
  device.unplug();
  type("x");
  await expect(scans.next()).rejects.toMatchObject({
    code: "reader.unplugged",
    message: expect.stringContaining(path),
  });
  await until("the program is gone", () => helpers().length === 0);
});

test("disposing ends the iteration and the program at once", async () => {
  const reader = await open();
  expect(helpers()).toHaveLength(1);
  const ended = reader[Symbol.asyncIterator]().next();
  await reader[Symbol.asyncDispose]();
  expect(await ended).toMatchObject({ done: true });
  expect(helpers()).toEqual([]);
});

test("an agent that is killed leaves no program behind, so the keyboard is given back", async () => {
  const script = `import { openEvdevReader } from ${JSON.stringify(join(import.meta.dirname, "evdev-reader.ts"))};
    await openEvdevReader({ transport: "evdev", id: "x", name: "x", direction: "in", path: ${JSON.stringify(path)} });
    process.stdout.write("open"); setInterval(() => {}, 1000);`;
  const agent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => agent.stdout.once("data", resolve));
  expect(helpers()).toHaveLength(1);
  agent.kill("SIGKILL");
  await until("the program is gone", () => helpers().length === 0);
});

test("an idle reader does not keep its process from ending once it is disposed", async () => {
  const script = `import { openEvdevReader } from ${JSON.stringify(join(import.meta.dirname, "evdev-reader.ts"))};
    const reader = await openEvdevReader({ transport: "evdev", id: "x", name: "x", direction: "in", path: ${JSON.stringify(path)} });
    process.once("SIGTERM", () => reader[Symbol.asyncDispose]());
    process.stdout.write("open");`;
  const agent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => agent.stdout.once("data", resolve));
  const exited = new Promise((resolve) => agent.once("exit", resolve));
  agent.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(helpers()).toEqual([]);
});

test("each reason not to open is told apart, with what to do", async () => {
  // The real ioctl: a FIFO is no keyboard.
  delete process.env.PERL5OPT;
  await expect(open()).rejects.toMatchObject({
    code: "reader.failed",
    message: expect.stringContaining("not a keyboard"),
  });
  const missing = { transport: "evdev", id: "x", name: "x", direction: "in", path: `${path}-none` } as const;
  await expect(openEvdevReader(missing)).rejects.toMatchObject({ code: "reader.not-found" });
  process.env.PERL5OPT = "-MFakeDevice";
  device.refuse(16);
  await expect(open()).rejects.toMatchObject({ code: "reader.busy" });
  device.refuse(13);
  const startMs = performance.now();
  await expect(open({ permissionWaitMs: 300 })).rejects.toMatchObject({
    code: "reader.permission",
    message: expect.stringMatching(/--udev-rules.*group input/),
  });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(300);
});

test("a language that this system does not have, about which perl complains first, keeps nothing from opening", async () => {
  process.env.LC_ALL = "xx_XX.UTF-8";
  await using reader = await open({ openTimeoutMs: 5000 });
  type("079098000001\n");
  expect(textOf((await reader[Symbol.asyncIterator]().next()).value as RawScan)).toBe("079098000001");
});

test("a system without perl is told which package is missing", async () => {
  process.env.PATH = folder.path;
  await expect(open()).rejects.toMatchObject({ code: "reader.failed", message: expect.stringContaining("perl-base") });
});

test("the program is one that this perl takes without a warning", () => {
  expect(existsSync("/usr/bin/perl")).toBe(true);
  delete process.env.PERL5OPT;
  execFileSync("perl", ["-cwe", grabProgram], { stdio: "pipe" });
});
