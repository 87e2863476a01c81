import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openReader } from "../open-reader.ts";
import type { RawScan } from "../reader.ts";
import { parseReaderSpec } from "../reader-spec.ts";
import { parseReaderScript } from "./reader-script.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "script-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function script(content: string | Uint8Array) {
  const file = join(directory, "demo.scans");
  await writeFile(file, content);
  return parseReaderSpec(`simulated:${file}?direction=in`);
}

const text = (scan: RawScan): string => Buffer.from(scan.bytes).toString("utf8");

describe("a script", () => {
  test("is played step by step until its fault", async () => {
    const spec = await script(
      "\uFEFF# two people\nNguyễn Văn A\r\n\n@hex 41 0d 42\n@base64 Qw==\n@wait 30\n@repeat 2\n@fault unplugged\nnever\n",
    );
    await using reader = await openReader(spec);
    expect(reader.id).toBe(spec.id);
    const scans: RawScan[] = [];
    const play = async (): Promise<void> => {
      for await (const scan of reader) scans.push(scan);
    };
    await expect(play()).rejects.toMatchObject({ code: "reader.unplugged" });
    expect(scans.map(text)).toEqual(["Nguyễn Văn A", "A\rB", "C", "C", "C"]);
    expect(scans.map((scan) => scan.sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(scans[0]).toMatchObject({ readerId: spec.id, aim: null, spoiled: null });
    expect((scans[3]?.receivedMonoMs ?? 0) - (scans[2]?.receivedMonoMs ?? 0)).toBeGreaterThanOrEqual(29);
  });

  test("ends in silence: the reader stays open until it is disposed", async () => {
    const reader = await openReader(await script("A"));
    const iterator = reader[Symbol.asyncIterator]();
    expect(text((await iterator.next()).value)).toBe("A");
    const next = iterator.next();
    expect(await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 50, "silent"))])).toBe("silent");
    await reader[Symbol.asyncDispose]();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(() => reader[Symbol.asyncIterator]()).toThrow("open it anew");
  });

  test("is interrupted in a wait by disposing", async () => {
    const reader = await openReader(await script("@wait 60000\nA"));
    const next = reader[Symbol.asyncIterator]().next();
    await reader[Symbol.asyncDispose]();
    expect(await next).toMatchObject({ done: true });
  });

  test("replays bytes that are not UTF-8 as they were", () => {
    const { steps } = parseReaderScript("f", Buffer.from([0x4c, 0xea, 0xff, 0x0a]));
    expect(steps).toEqual([{ kind: "scan", bytes: Uint8Array.of(0x4c, 0xea, 0xff), times: 1 }]);
  });

  test.each([
    ["A\n@hex 4", "Line 2 of", "pairs of hexadecimal digits"],
    ["@base64 ???", "Line 1 of", "base64"],
    ["@base64", "Line 1 of", "base64"],
    ["@wait soon", "Line 1 of", "milliseconds"],
    ["A\n\n# c\n@repeat 0", "Line 4 of", "whole number"],
    ["@repeat 2", "Line 1 of", "no scan before"],
    ["@fault toString", "Line 1 of", "unplugged, not-found, busy, permission, wrong-mode, unknown-layout, failed"],
    ["@say hello", "Line 1 of", "allowed are @hex"],
  ])("%j is refused with its line", async (content, line, reason) => {
    await expect(openReader(await script(content))).rejects.toMatchObject({
      code: "reader.bad-spec",
      message: expect.stringMatching(new RegExp(`^${line} .*${reason}.*\\.$`)),
    });
  });

  test("that is missing is not found", async () => {
    await expect(openReader(parseReaderSpec(`simulated:${directory}/none`))).rejects.toMatchObject({
      code: "reader.not-found",
    });
    await expect(openReader(parseReaderSpec(`simulated:${directory}`))).rejects.toMatchObject({
      code: "reader.failed",
    });
  });
});
