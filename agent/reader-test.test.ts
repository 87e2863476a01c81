import { afterEach, beforeEach, expect, test } from "vitest";
import { testCodes } from "../drivers/reader-test/test-codes.ts";
import type { ReaderProfile } from "../provisioning/reader-profiles.ts";
import { until } from "../testing/until.ts";
import { ReaderTest, type ReaderTestOptions, testedReader } from "./reader-test.ts";

const reader = { id: "serial:/dev/ttyX", name: "Cổng 1", transport: "serial" };
let profiles: ReaderProfile[];
let events: string[];
let running: ReaderTest;

const make = (options: Partial<ReaderTestOptions> = {}): ReaderTest =>
  new ReaderTest({
    onChange: () => {},
    onTested: (profile) => profiles.push(profile),
    wallMs: () => Date.parse("2026-11-21T08:00:00Z"),
    log: (event, facts) => events.push(`${event} ${JSON.stringify(facts)}`),
    ...options,
  });

beforeEach(async () => {
  profiles = [];
  events = [];
  running = make();
  await running.start(reader);
});
afterEach(() => running.stop());

/** As a serial driver delivers it: the raw bytes with their end, then the frame. */
function send(payload: Uint8Array | string, ending = "\r\n"): void {
  const bytes = Buffer.from(payload);
  running.raw(reader.id, { kind: "bytes", bytes: Buffer.concat([bytes, Buffer.from(ending)]), atMs: 0 });
  running.scan({ bytes, aim: null, spoiled: null });
}
const codeAt = (step: number): Uint8Array => testCodes[step - 1]?.bytes ?? new Uint8Array();
const step = (wanted: number, state: string) =>
  until(`step ${wanted} ${state}`, () => running.view?.step === wanted && running.view.state === state && running.view);
const codes = () => running.view?.findings.map(({ code }) => code);

test("three exact codes go on by themselves; the profile says how the reader is set", async () => {
  expect(running.view).toMatchObject({ state: "waiting", step: 1, steps: 3, codeBytes: 154, verdict: null });
  expect(running.view?.symbol?.path).toMatch(/^M4 4h7v1h-7z/);
  for (const at of [1, 2, 3]) {
    await step(at, "waiting");
    send(codeAt(at));
    expect(await step(at, "result")).toMatchObject({ verdict: "exact", findings: [] });
  }
  expect(await step(3, "done")).toMatchObject({ verdict: "exact", symbol: null });
  expect(profiles).toEqual([
    {
      readerId: reader.id,
      name: "Cổng 1",
      transport: "serial",
      testedAt: "2026-11-21T08:00:00.000Z",
      verdict: "exact",
      findings: [],
      terminator: "CRLF",
      encoding: "UTF-8",
      layout: null,
      prefix: null,
      msPerKey: null,
    },
  ]);
  expect(running.takes(reader.id)).toBe(false);
});

test("a fault stays with what to do until the code is read again or somebody goes on", async () => {
  send(
    Buffer.from(codeAt(1))
      .toString()
      .replace(/\P{ASCII}/gu, "?"),
  );
  const { verdict, findings } = await step(1, "result");
  expect({ verdict, findings }).toMatchObject({
    verdict: "faulty",
    findings: [{ code: "letters-lost", severity: "fault" }],
  });
  expect(findings[0]?.next.vi).toContain("USB COM");
  send(codeAt(1));
  await until("exact now", () => running.view?.verdict === "exact");
  await step(2, "waiting");
  send(Buffer.from(codeAt(2)).subarray(0, 56), "");
  await step(2, "result");
  expect(codes()).toContain("reports-lost");
  running.next();
  await step(3, "waiting");
  running.next();
  expect(await step(3, "done")).toMatchObject({ verdict: "faulty" });
  expect(profiles[0]?.findings.map(({ code }) => code)).toEqual(["nothing", "reports-lost", "no-terminator"]);
  expect(profiles[0]).toMatchObject({ verdict: "faulty", terminator: "none" });
});

test("a reader that goes on reading the code before is not told off for it", async () => {
  send(codeAt(1));
  await step(2, "waiting");
  const fromMs = performance.now();
  await until("any answer to it would have been given", () => {
    send(codeAt(1));
    return performance.now() - fromMs > 2_000;
  });
  expect(running.view).toMatchObject({ step: 2, state: "waiting" });
  send(codeAt(2));
  expect(await step(2, "result")).toMatchObject({ verdict: "exact" });
});

test("one code in two scans is one result; a reader that repeats a bad code without end is answered too", async () => {
  const bytes = Buffer.from(codeAt(1));
  send(bytes.subarray(0, 80), "");
  send(bytes.subarray(80));
  await step(1, "result");
  expect(codes()).toEqual(["split"]);
  running.next();
  const repeating = setInterval(() => send("KTBDTH|]|98"), 100);
  try {
    await step(2, "result");
    expect(codes()).toEqual(["truncated"]);
  } finally {
    clearInterval(repeating);
  }
});

test("nothing comes: what to look at is said, a scan afterwards still counts, and going on ends the test", async () => {
  running.stop();
  running = make({ nothingAfterMs: 50 });
  await running.start(reader);
  await step(1, "result");
  expect(codes()).toEqual(["nothing"]);
  running.next();
  await until("done", () => running.view?.state === "done");
  expect(profiles[0]).toMatchObject({ verdict: "faulty", encoding: null, findings: [{ code: "nothing" }] });

  await running.start(reader);
  await step(1, "result");
  send(codeAt(1));
  await until("exact", () => running.view?.verdict === "exact");
});

test("a test that everybody left gives the reader back", async () => {
  running.stop();
  running = make({ idleMs: 50 });
  await running.start(reader);
  expect(running.takes(reader.id)).toBe(true);
  expect(running.takes("serial:/dev/other")).toBe(false);
  await until("given back", () => !running.takes(reader.id) && running.view === null);
});

test("visitors' cards and a reader that repeats a bad code do not keep a forgotten test open", async () => {
  for (const payload of [() => `card ${Math.random()}`, () => "KTBDTN|]C1]Q3|012"]) {
    running.stop();
    running = make({ idleMs: 2_500 });
    await running.start(reader);
    const scanning = setInterval(() => send(payload()), 900);
    try {
      await until("given back", () => running.view === null, 10_000);
    } finally {
      clearInterval(scanning);
    }
  }
}, 30_000);

test("a person's card during the test is neither logged nor kept", async () => {
  send("079098000001|024123456|Nguyễn Thị Hồng Đào|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021");
  await step(1, "result");
  expect(codes()).toEqual(["other-code"]);
  running.next();
  running.next();
  running.next();
  expect(profiles).toHaveLength(1);
  expect(JSON.stringify([profiles, events, running.view])).not.toMatch(/0790|Ngu|024123/);
});

test("an earlier test is told to staff without what was only worth knowing, and unknown findings of another version are left out", () => {
  const profile: ReaderProfile = {
    readerId: reader.id,
    name: "Cổng 1",
    transport: "serial",
    testedAt: "2026-11-21T08:00:00.000Z",
    verdict: "faulty",
    findings: [
      { code: "input-method", detail: "Telex" },
      { code: "no-terminator", detail: null },
      { code: "of-the-future", detail: null },
    ],
    terminator: null,
    encoding: null,
    layout: null,
    prefix: null,
    msPerKey: null,
  };
  expect(testedReader(profile)).toMatchObject({
    atMs: Date.parse("2026-11-21T08:00:00Z"),
    verdict: "faulty",
    findings: [{ vi: "Bộ gõ tiếng Việt làm sai mã" }],
  });
});
