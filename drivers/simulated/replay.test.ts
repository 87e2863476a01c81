import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { collect } from "../../testing/hid-pos-plug.ts";
import { CAPTURES, DESCRIPTOR_1, LOREM, scanReports } from "../../testing/hid-pos-reports.ts";
import { openReader } from "../open-reader.ts";
import type { Reader } from "../reader.ts";
import { parseReaderSpec } from "../reader-spec.ts";

const CARD = "012345678901|123456789|Nguyễn Thị Hồng Đào|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021";
let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "replay-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function openScript(content: string): Promise<Reader> {
  const file = join(directory, "reader.rec");
  await writeFile(file, content);
  return openReader(parseReaderSpec(`simulated:${file}`));
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 5 });
const reportLine = (report: Uint8Array): string => `@report ${Buffer.from(report).toString("hex")}`;
const bytesLine = (text: string): string => `@bytes ${Buffer.from(text).toString("hex")}`;

describe("recorded HID reports", () => {
  test.each([
    ["a Zebra", "05e0:2100", [CAPTURES.V4first, ...scanReports("zebra", LOREM).slice(1, -1), CAPTURES.V4last], LOREM],
    ["a Honeywell", "0C2E:1007", [CAPTURES.V2], "306030209223"],
    ["a Newland", "1eab:1d10", scanReports("newland", CARD), CARD],
  ])("of %s are read by the driver, with the layout of its vendor", async (_name, id, reports, payload) => {
    await using reader = await openScript(["# recorded", `@hid ${id}`, ...reports.map(reportLine)].join("\n"));
    const { scans, texts } = collect(reader);
    await until(() => expect(texts()).toEqual([payload]));
    expect(scans[0]).toMatchObject({ readerId: reader.id, sequence: 1, spoiled: null });
  });

  test("are read by their own descriptor where it was recorded", async () => {
    // By its vendor alone this would be a Newland with a broken report.
    const [report] = scanReports("honeywell", "079098000001", { aim: "\0\0\0" }) as [Buffer];
    await using reader = await openScript(`@hid 1eab:1d10 ${DESCRIPTOR_1.replace(/\s+/g, " ")}\n${reportLine(report)}`);
    const { texts } = collect(reader);
    await until(() => expect(texts()).toEqual(["079098000001"]));
  });

  test("keep their pace: a part that comes late spoils the scan", async () => {
    const [first, ...rest] = scanReports("honeywell", CARD).map(reportLine) as [string, ...string[]];
    await using reader = await openScript(
      ["@hid 0c2e:1007", reportLine(CAPTURES.V2), first, "@wait 700", ...rest].join("\n"),
    );
    const { scans } = collect(reader);
    await until(() => expect(scans.map((scan) => scan.bytes.length)).toEqual([12, 56, Buffer.byteLength(CARD) - 56]));
  });

  test("end with the driver's own fault when nobody can read them, and as the script says", async () => {
    const strange = `@report 02 0c ${"00".repeat(30)} 41 ${"00".repeat(31)}\n`;
    const { ended } = collect(await openScript(`@hid ffff:0001\n${strange.repeat(8)}`));
    expect(await ended).toMatchObject({ code: "reader.unknown-layout" });
    for (const word of ["unplugged", "busy", "wrong-mode"]) {
      const half = reportLine(scanReports("honeywell", CARD)[0] as Buffer);
      const other = collect(await openScript(`@hid 0c2e:1007\n${reportLine(CAPTURES.V2)}\n${half}\n@fault ${word}\n`));
      expect(await other.ended).toMatchObject({ code: `reader.${word}` });
      expect(other.texts()).toEqual(["306030209223"]);
    }
  });
});

describe("recorded serial bytes", () => {
  test("are framed by the driver: ends, silence, an AIM identifier, letters cut in two", async () => {
    const card = Buffer.from(`]Q1${CARD}\r`);
    const cut = card.indexOf("ễ") + 1;
    expect((card[cut] ?? 0) & 0xc0).toBe(0x80);
    await using reader = await openScript(
      [
        "@serial",
        bytesLine("unended"),
        "@wait 400",
        `@bytes ${card.subarray(0, cut).toString("hex")}`,
        "@wait 20",
        `@bytes ${card.subarray(cut).toString("hex")}`,
        bytesLine("one\r\ntwo\r\n"),
      ].join("\n"),
    );
    const { scans, texts } = collect(reader);
    await until(() => expect(texts()).toEqual(["unended", CARD, "one", "two"]));
    expect(scans.map((scan) => scan.aim)).toEqual([null, "]Q1", null, null]);
  });

  test("end as the script says", async () => {
    const { ended, texts } = collect(
      await openScript(`@serial\n${bytesLine("A\r")}\n@fault unplugged\n${bytesLine("B\r")}`),
    );
    expect(await ended).toMatchObject({ name: "ReaderFault", code: "reader.unplugged" });
    expect(texts()).toEqual(["A"]);
  });

  test("stop when the reader is disposed", async () => {
    const reader = await openScript(`@serial\n@wait 60000\n${bytesLine("A\r")}`);
    const { ended } = collect(reader);
    await reader[Symbol.asyncDispose]();
    expect(await ended).toBeNull();
  });
});

test("recorded keys are read by the keyboard driver's code", async () => {
  await using reader = await openScript(
    "@keys\n@key +ShiftLeft +KeyT -KeyT -ShiftLeft\n@wait 10\n@key +Digit7 -Digit7 +Enter -Enter\n@key +KeyA -KeyA\n",
  );
  const { texts } = collect(reader);
  await until(() => expect(texts()).toEqual(["T7", "a"]));
});

describe("a line that cannot be played is refused with its number", () => {
  test.each([
    ["@hid 0c2e", "Line 1 of", "@hid needs a vendor and a product"],
    ["# c\n@hid 0c2e:1007 05 8", "Line 2 of", "@hid needs a vendor and a product"],
    ["@serial 9600", "Line 1 of", "stands alone"],
    ["@hid 0c2e:1007\n@report 0", "Line 2 of", "pairs of hexadecimal digits"],
    ["@hid 0c2e:1007\n@bytes 00", "Line 2 of", "allowed are @report, @wait, @fault"],
    ["@serial\n012345678901", "Line 2 of", "written with @bytes"],
    ["@serial\n@hid 0c2e:1007", "Line 2 of", "allowed are @bytes"],
    ["A\n@serial", "Line 2 of", "allowed are @hex"],
    [`@serial\n@bytes ${"00".repeat(8193)}`, "Line 2 of", "at most 8192 bytes"],
    ["@keys\n@key KeyA", "Line 2 of", "for example @key \\+KeyA"],
    ["@keys\n@key", "Line 2 of", "for example"],
  ])("%j", async (content, line, reason) => {
    await expect(openScript(content)).rejects.toMatchObject({
      code: "reader.bad-spec",
      message: expect.stringMatching(new RegExp(`^${line} .*${reason}.*\\.$`)),
    });
  });
});
