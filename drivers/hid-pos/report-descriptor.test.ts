import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DESCRIPTOR_1, DESCRIPTOR_2, recorded } from "../../testing/hid-pos-reports.ts";
import { parseScannerDescriptor } from "./report-descriptor.ts";

const SHARED = {
  reportId: 2,
  reportBytes: 64,
  countAt: 1,
  aimAt: 2,
  dataAt: 5,
  dataBytes: 56,
  // All eight one-bit fields of byte 63 are declared, whichever of them a device sets.
  continued: { at: 63, mask: 0xff },
};
const bits = (text: string) => new Uint8Array(recorded(text));
const D1 = new Uint8Array(Buffer.from(DESCRIPTOR_1.replace(/\s/g, ""), "hex"));
const D2 = new Uint8Array(Buffer.from(DESCRIPTOR_2.replace(/\s/g, ""), "hex"));

describe("a real descriptor", () => {
  test("D1: places of the scan, and the trigger on bit 1", () => {
    const output = { reportId: 4, reportBytes: 2, at: 1 };
    expect(parseScannerDescriptor(DESCRIPTOR_1)).toEqual({
      layout: { ...SHARED, codeIdAt: null },
      outputs: [
        { ...output, usage: 0x5f, mask: 0b1 },
        { ...output, usage: 0x60, mask: 0b10 },
        { ...output, usage: 0x85, mask: 0b100 },
        { ...output, usage: 0x86, mask: 0b11111000 },
      ],
      outputReports: new Map([
        [0x04, 2],
        [0xf0, 64],
      ]),
      featureReports: new Map(),
    });
  });

  test("D2: the same places, but the trigger on bit 2 and the beeps from bit 5 on", () => {
    const output = { reportId: 4, reportBytes: 2, at: 1 };
    expect(parseScannerDescriptor(DESCRIPTOR_2)).toEqual({
      layout: { ...SHARED, codeIdAt: 61 },
      outputs: [
        { ...output, usage: 0x5e, mask: 1 << 0 },
        { ...output, usage: 0x5f, mask: 1 << 1 },
        { ...output, usage: 0x60, mask: 1 << 2 },
        { ...output, usage: 0x85, mask: 1 << 5 },
        // Seven usages for eight bits: the last takes both.
        { ...output, usage: 0x86, mask: 0b11 << 6 },
      ],
      outputReports: new Map([
        [0x04, 2],
        [0xfd, 64],
      ]),
      featureReports: new Map([[0xfe, 2]]),
    });
  });

  test("reads the same from bytes and from text", () => {
    expect(parseScannerDescriptor(D2)).toEqual(parseScannerDescriptor(DESCRIPTOR_2));
  });
});

describe("a descriptor laid out otherwise", () => {
  const body = "85 07 75 08 95 01 05 01 09 3B 81 02 05 8C 09 FE 95 14 81 02";

  test("has another report ID, no AIM field and no continuation", () => {
    expect(parseScannerDescriptor(bits(`05 8C 09 02 A1 01 ${body} C0`))?.layout).toEqual({
      reportId: 7,
      reportBytes: 22,
      countAt: 1,
      aimAt: null,
      dataAt: 2,
      dataBytes: 20,
      codeIdAt: null,
      continued: null,
    });
  });

  test("numbers no reports, so that nothing stands in front", () => {
    const layout = parseScannerDescriptor(bits(`05 8C 09 02 A1 01 ${body.slice(6)} C0`))?.layout;
    expect(layout).toMatchObject({ reportId: 0, reportBytes: 21, countAt: 0, dataAt: 1 });
  });

  test("skips padding, names fields by ranges and four-byte usages, saves and restores", () => {
    const text = `05 8C 09 02 A1 01 85 02 75 08 95 01 81 03 A4 05 01 09 3B 81 02 B4
      19 FB 29 FD 95 03 81 02 0B FE 00 8C 00 95 38 81 02 75 03 95 01 81 03 75 01 09 FF 81 02 75 04 81 03 C0`;
    expect(parseScannerDescriptor(bits(text))?.layout).toMatchObject({
      countAt: 2,
      aimAt: 3,
      dataAt: 6,
      dataBytes: 56,
      continued: { at: 62, mask: 0b1000 },
      reportBytes: 63,
    });
  });

  test("of page FF8C, a near copy that never delivers a scan, is no scanner", () => {
    expect(parseScannerDescriptor(bits(`06 8C FF 09 02 A1 01 ${body} C0`))).toBeNull();
  });

  test("counts no field outside the collection 8C:02", () => {
    expect(parseScannerDescriptor(bits(`05 8C 09 03 A1 01 ${body} C0`))).toBeNull();
    expect(parseScannerDescriptor(bits(`05 8C 09 02 A1 01 C0 ${body}`))).toBeNull();
  });
});

describe("a malformed descriptor is null", () => {
  test.each([
    ["empty", ""],
    ["an end without a beginning", "C0"],
    ["a beginning without an end", DESCRIPTOR_1.trim().slice(0, -2)],
    ["a pop without a push", "B4"],
    ["a push too many", "A4".repeat(17)],
    ["report ID 0", "8500"],
    ["a report of gigabytes", "058C0902A10109FE77FFFFFFFF97FFFFFFFF8102C0"],
    ["ten thousand usages", "058C0902A10119002AFFFF8102C0"],
    ["a long item beyond the end", "FEFF00"],
    ["odd hexadecimal", "058"],
    ["no hexadecimal", "xyz0"],
    ["longer than any", "00".repeat(4097)],
  ])("%s", (_name, text) => {
    expect(parseScannerDescriptor(text)).toBeNull();
  });

  test("cut at any byte", () => {
    for (const whole of [D1, D2]) {
      for (let at = 0; at < whole.length; at++) expect(parseScannerDescriptor(whole.subarray(0, at))).toBeNull();
    }
  });

  test("any bytes, and any change of a real one, give null or a layout that lies inside its report", () => {
    const changed = fc
      .tuple(fc.constantFrom(D1, D2), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }))
      .map(([real, changes]) => {
        const copy = Uint8Array.from(real);
        for (const [at, value] of changes) copy[at % copy.length] = value;
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 400 })), (bytes) => {
        const parsed = parseScannerDescriptor(bytes);
        if (parsed === null) return;
        const { layout, outputs } = parsed;
        expect(layout.dataAt + layout.dataBytes).toBeLessThanOrEqual(layout.reportBytes);
        for (const at of [layout.countAt, layout.codeIdAt, layout.continued?.at, (layout.aimAt ?? -2) + 2]) {
          expect(at ?? 0).toBeLessThan(layout.reportBytes);
        }
        for (const { at, mask, reportBytes } of outputs) {
          expect(at).toBeLessThan(reportBytes);
          expect(mask & 0xff).toBe(mask);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
