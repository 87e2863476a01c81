import { describe, expect, test } from "vitest";
import { createDice, createReportFuzzer } from "../../testing/hid-pos-fuzz.ts";
import { DESCRIPTOR_2, type Family, scanReports, VENDOR } from "../../testing/hid-pos-reports.ts";
import { createKeyFramer } from "../evdev/key-framer.ts";
import type { Frame } from "../framing/byte-framer.ts";
import { createLayoutResolver } from "../hid-pos/layouts.ts";
import { createReportAssembler } from "../hid-pos/reassembly.ts";
import { uncalibrated } from "../keyboard/calibration.ts";
import type { RawEvent } from "../raw-tap.ts";
import { createChoices } from "./payload-mask.ts";
import { createRawRecorder } from "./raw-recorder.ts";
import { parseReaderScript } from "./reader-script.ts";

// Its letters lie across the cuts at 56 and at 112 bytes.
const CARD = `079098000001|024123456|Nguyễn Thị Hồng Đào|01021990|Nữ|${"Xã Cổ Lũy ".repeat(6)}|01022021`;
const shape = (text: string): string =>
  text
    .replace(/\p{Lu}/gu, "A")
    .replace(/\p{Ll}/gu, "a")
    .replace(/\d/g, "9");

function record(events: readonly RawEvent[], raw = false): string {
  const recorder = createRawRecorder(raw ? null : createChoices());
  return [...events.flatMap((event) => recorder.take(event)), ...recorder.end()].join("\n");
}

const device = (vendorId: number, descriptor: Uint8Array | null = null): RawEvent => ({
  kind: "hid",
  vendorId,
  productId: 0x1007,
  descriptor,
});
const reports = (bytes: readonly Uint8Array[], startMs = 0): RawEvent[] =>
  bytes.map((one, index) => ({ kind: "report", bytes: one, atMs: startMs + index * 16 }));
const keys = (codes: readonly string[], startMs = 0): RawEvent[] =>
  codes.map((code, index) => ({
    kind: "key",
    stroke: { code: code.slice(1), text: null, down: code.startsWith("+"), modifiers: null },
    atMs: startMs + index * 5,
  }));

/** The scans a recorded file of reports is read as. */
function readReports(content: string): Frame[] {
  const script = parseReaderScript("f", Buffer.from(content));
  if (script.kind !== "hid") throw new Error("it must be reports");
  const assembler = createReportAssembler(createLayoutResolver(script.vendorId));
  let nowMs = 0;
  return script.steps.flatMap((step) => {
    if (step.kind === "send") return assembler.push(step.sent, nowMs);
    if (step.kind === "wait") nowMs += step.durationMs;
    return assembler.expire(nowMs);
  });
}

describe("reports", () => {
  test.each(Object.keys(VENDOR) as Family[])("of a %s, masked, are read as a scan of the same shape", (family) => {
    const sent = [...scanReports(family, CARD), ...scanReports(family, CARD)];
    const content = record([device(VENDOR[family]), ...reports(sent)]);
    const texts = readReports(content).map(({ bytes }) => Buffer.from(bytes).toString("utf8"));
    expect(texts.map(shape)).toEqual([shape(CARD), shape(CARD)]);
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).not.toBe(CARD);
    for (const frame of readReports(content)) expect(frame.aim).toBe(family === "newland" ? null : "]Q1");
  });

  test("are recorded raw to the byte, with the device's descriptor and their pace", () => {
    const [first, second] = scanReports("honeywell", CARD) as [Buffer, Buffer];
    const descriptor = Buffer.from(DESCRIPTOR_2.replace(/\s/g, ""), "hex");
    const sent = [...reports([first, second]), ...reports([first], 60_000)];
    expect(record([device(0x0c2e, descriptor), ...sent], true).split("\n")).toEqual([
      `@hid 0c2e:1007 ${descriptor.toString("hex")}`,
      `@report ${first.toString("hex")}`,
      "@wait 16",
      `@report ${second.toString("hex")}`,
      // A minute of nothing is told as two seconds.
      "@wait 2000",
      `@report ${first.toString("hex")}`,
    ]);
  });

  test("of a layout nobody knows show their shape and none of what was scanned", () => {
    const strange = Buffer.alloc(64).fill(2, 0, 1).fill(40, 1, 2);
    strange.write("079098000001|Nguyễn Thị Hồng Đào", 20);
    const content = record([device(0xffff), ...reports([strange, strange])]);
    const [one] = [...content.matchAll(/@report (.*)/g)].map((match) => Buffer.from(match[1] ?? "", "hex"));
    expect(one?.subarray(0, 20)).toEqual(strange.subarray(0, 20));
    expect(shape(one?.toString("utf8") ?? "")).toBe(shape(strange.toString("utf8")));
    expect(content).not.toContain(Buffer.from("079098").toString("hex"));
    expect(content).not.toContain(Buffer.from("Nguy").toString("hex"));
  });

  test("read by the wrong family are masked whole all the same", () => {
    // A full Honeywell report taken for a Newland's: three bytes of the card lie where that has none.
    const [full] = scanReports("honeywell", "9".repeat(56), { aim: "\0\0\0" }) as [Buffer];
    const contents = Array.from({ length: 20 }, () => record([device(VENDOR.newland), ...reports([full])]));
    const tails = contents.map((content) =>
      Buffer.from(content.split("@report ")[1] ?? "", "hex").toString("latin1", 58, 61),
    );
    expect(new Set(tails).size).toBeGreaterThan(10);
  });

  test("read by a descriptor that is not true are masked where it has its identifier too", () => {
    const descriptor = Buffer.from(DESCRIPTOR_2.replace(/\s/g, ""), "hex");
    const [first] = scanReports("newland", CARD) as [Buffer];
    const starts = Array.from({ length: 20 }, () => {
      const line =
        record([device(0x0c2e, descriptor), ...reports([first])])
          .split("\n")
          .at(-1) ?? "";
      return Buffer.from(line.replace("@report ", ""), "hex").subarray(2, 5).toString();
    });
    expect(starts.every((start) => /^\d{3}$/.test(start))).toBe(true);
    expect(new Set(starts).size).toBeGreaterThan(5);
  });

  test("of any kind are recorded as lines that can be played", () => {
    const next = createReportFuzzer(createDice(7));
    const sent = Array.from({ length: 3000 }, next).filter((bytes) => bytes.length > 0);
    const content = record([device(VENDOR.honeywell), ...reports(sent)]);
    const { steps } = parseReaderScript("f", Buffer.from(content));
    expect(steps.filter((step) => step.kind === "send")).toHaveLength(sent.length);
  });
});

describe("keys", () => {
  const typed = "+ShiftLeft +KeyT -KeyT -ShiftLeft +Digit7 -Digit7 +Comma -Comma +KeyZ -KeyZ +Enter -Enter".split(" ");
  const read = (content: string): string[] => {
    const script = parseReaderScript("f", Buffer.from(content));
    if (script.kind !== "keys") throw new Error("it must be keys");
    const framer = createKeyFramer(() => uncalibrated);
    return script.steps
      .flatMap((step) => {
        if (step.kind !== "send") return [];
        if (step.sent !== "lost") return framer.push(step.sent, 0);
        framer.lose(0);
        return [];
      })
      .map(({ bytes, spoiled }) => `${Buffer.from(bytes).toString("utf8")} ${spoiled}`);
  };

  test("are replayed as they were, raw", () => {
    expect(read(record(keys(typed), true))).toEqual(["T7,z null"]);
  });

  test("become other keys of their kind, each going up as what it went down", () => {
    const contents = Array.from({ length: 10 }, () => record(keys(typed)));
    for (const content of contents) {
      expect(read(content)[0]).toMatch(/^[A-Z][0-9],[a-z] null$/);
      const strokes = [...content.matchAll(/@key (.)(\w+)/g)];
      const held = new Set<string>();
      for (const [, sign, code = ""] of strokes) {
        if (sign === "+") held.add(code);
        else expect(held.delete(code)).toBe(true);
      }
    }
    expect(new Set(contents.map((content) => read(content)[0])).size).toBeGreaterThan(5);
  });

  test("that the system lost are lost in the replay too", () => {
    const [half, rest] = [typed.slice(0, 4), typed.slice(4)];
    const content = record([...keys(half), { kind: "lost", atMs: 30 }, ...keys(rest, 40)]);
    expect(read(content)[0]).toMatch(/ gap$/);
  });
});
