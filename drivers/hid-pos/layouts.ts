/**
 * Which layout the reports of a scanner have: told by its descriptor, or found among the known families.
 *
 * HID POS fixes the meaning of the fields, not their places: the descriptor does that, and where the system does not
 * hand it out (Windows), only the reports themselves can tell.
 */
import { readScanReport, type ScanReport, type ScanReportLayout } from "./scan-report.ts";

/** Takes reports apart by the layout it knows or finds. */
export interface LayoutSource {
  /** Whether the device's own descriptor told the layout. */
  readonly isDescribed: boolean;
  /**
   * `held` is the layout of the scan that this report should continue, or null at the beginning of one.
   * `other`: not a report of scanned data. `unreadable`: it is one, but broken or of no known layout.
   */
  read(report: Uint8Array, held: ScanReportLayout | null): ScanReport | "other" | "unreadable";
}

interface LayoutFamily extends ScanReportLayout {
  readonly family: string;
  /** Vendors whose readers were seen to use it. */
  readonly vendorIds: readonly number[];
  readonly source: string;
}

/** Common to the three: report 2 of 64 bytes, count at 1, 56 data bytes, bit 0 of byte 63 for "continued". */
const COMMON = {
  reportId: 2,
  reportBytes: 64,
  countAt: 1,
  dataBytes: 56,
  continued: { at: 63, mask: 0b1 },
} as const;

/** In the order in which they are tried: one with an AIM field checks more, so it comes before one without. */
const FAMILIES: readonly LayoutFamily[] = [
  {
    ...COMMON,
    family: "zebra",
    aimAt: 3,
    dataAt: 6,
    codeIdAt: 62,
    vendorIds: [0x05e0],
    source: "Captures of a DS2208 (05E0:2100): mgaffigan/Itp.HidBarcodeScanner, NativeHidDemo/Examples.txt",
  },
  {
    ...COMMON,
    family: "honeywell",
    aimAt: 2,
    dataAt: 5,
    codeIdAt: 61,
    vendorIds: [0x0c2e, 0x0536, 0x23d0, 0x0db5],
    source:
      "HHP USB Interfaces guide p. 1-11, captures of a Xenon 1900 and a Voyager 1602g, Access-IS LSR118 manual p. 68; " +
      "the vendor ids of Honeywell, Hand Held Products, Youjie and Access-IS",
  },
  {
    ...COMMON,
    family: "newland",
    aimAt: null,
    dataAt: 2,
    codeIdAt: 62,
    vendorIds: [0x1eab],
    source: "Newland FM420 manual p. 47, ID TECH FX100 manual p. 43, Quio QU-R-302 manual p. 79",
  },
];

/** The layout a descriptor told. */
export function describedLayout(layout: ScanReportLayout): LayoutSource {
  const { reportId } = layout;
  return {
    isDescribed: true,
    read(report) {
      if (report.length === 0 || (reportId !== 0 && report[0] !== reportId)) return "other";
      return readScanReport(report, layout) ?? "unreadable";
    },
  };
}

/**
 * Finds the layout from the reports. A family must pass its self-check: room for the count, `]` where the AIM
 * identifier begins, NULs behind the data. The family of the vendor goes first, then those whose data also ends on
 * something other than NUL. A full report may fit two families; the first short one that fits exactly one settles
 * it for good (one resolver serves one opening of one device).
 */
export function createLayoutResolver(vendorId: number): LayoutSource {
  const own = FAMILIES.find((family) => family.vendorIds.includes(vendorId));
  let settled: LayoutFamily | null = null;

  return {
    isDescribed: false,
    read(report, held) {
      if (report[0] !== COMMON.reportId) return "other";
      if (settled !== null) return readScanReport(report, settled) ?? "unreadable";
      const fitting = FAMILIES.filter((family) => fits(report, family));
      const endingOnData = fitting.filter((family) => endsOnData(report, family));
      const [only] = endingOnData;
      if (only !== undefined && endingOnData.length === 1 && (report[COMMON.countAt] ?? 0) < COMMON.dataBytes) {
        settled = only;
        // The scan was begun by another layout: what is held of it was cut wrongly.
        if (held !== null && held !== only) return "unreadable";
      }
      const ownFits = own !== undefined && fitting.includes(own);
      const layout = held ?? (ownFits ? own : (endingOnData[0] ?? fitting[0]));
      return layout === undefined ? "unreadable" : (readScanReport(report, layout) ?? "unreadable");
    },
  };
}

function fits(report: Uint8Array, layout: ScanReportLayout): boolean {
  const read = readScanReport(report, layout);
  if (read === null || (layout.aimAt !== null && !read.aim.startsWith("]"))) return false;
  const padding = report.subarray(layout.dataAt + read.data.length, layout.dataAt + layout.dataBytes);
  return padding.every((byte) => byte === 0);
}

function endsOnData(report: Uint8Array, layout: ScanReportLayout): boolean {
  const last = readScanReport(report, layout)?.data.at(-1);
  return last !== undefined && last !== 0;
}
