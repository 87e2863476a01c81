/** Reports that no reader sends, one after another: random bytes, and real reports with a few bytes of them changed. */

import { createLayoutResolver, describedLayout, type LayoutSource } from "../drivers/hid-pos/layouts.ts";
import { parseScannerDescriptor } from "../drivers/hid-pos/report-descriptor.ts";
import { CAPTURES, DESCRIPTOR_1, DESCRIPTOR_2, type Family, LOREM, scanReports, VENDOR } from "./hid-pos-reports.ts";

/** Whole numbers below `count`, the same for the same seed (mulberry32). */
export function createDice(seed: number): (count: number) => number {
  let state = seed;
  return (count) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  };
}

const CARD = "079098000001|024123456|Nguyễn Thị Hồng Đào|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021";
const FAMILIES = Object.keys(VENDOR) as Family[];
const REAL: readonly Uint8Array[] = [
  ...Object.values(CAPTURES),
  ...FAMILIES.flatMap((family) => [...scanReports(family, LOREM), ...scanReports(family, CARD)]),
];
/** Bytes that mean something somewhere in a report: no data, a full report, one too many, all ones. */
const TELLING = [0, 1, 2, 55, 56, 57, 0x5d, 0xff];

/** The next report: a third random with report ID 2, a third a changed real one, the rest whole, cut, long or of another ID. */
export function createReportFuzzer(dice: (count: number) => number): () => Uint8Array {
  const random = (length: number): Uint8Array => Uint8Array.from({ length }, () => dice(256));
  const real = (): Uint8Array => Uint8Array.from(REAL[dice(REAL.length)] ?? []);
  return () => {
    switch (dice(9)) {
      case 0:
      case 1:
      case 2: {
        const report = random(64);
        report[0] = 2;
        return report;
      }
      case 3:
      case 4:
      case 5: {
        const report = real();
        for (let change = dice(4); change >= 0; change--) {
          // The first bytes and the last are what the layouts hang on.
          const at = dice(2) === 0 ? dice(64) : ([0, 1, 2, 3, 61, 62, 63][dice(7)] ?? 0);
          report[at] = dice(2) === 0 ? dice(256) : (TELLING[dice(TELLING.length)] ?? 0);
        }
        return report;
      }
      case 6:
        return real();
      case 7:
        return real().subarray(0, dice(65));
      default:
        return random(dice(200));
    }
  };
}

/** Every way to know a layout, with the family whose scans it then reads. */
export const EVERY_LAYOUT: readonly (readonly [string, Family, () => LayoutSource])[] = [
  ...FAMILIES.map((family) => [`${family} by vendor`, family, () => createLayoutResolver(VENDOR[family])] as const),
  ...FAMILIES.map((family) => [`${family} by its reports`, family, () => createLayoutResolver(0xffff)] as const),
  ["honeywell by descriptor D1", "honeywell", () => described(DESCRIPTOR_1)],
  ["honeywell by descriptor D2", "honeywell", () => described(DESCRIPTOR_2)],
];

function described(descriptor: string): LayoutSource {
  const parsed = parseScannerDescriptor(descriptor);
  if (parsed === null) throw new Error("the descriptor must parse");
  return describedLayout(parsed.layout);
}
