/** Where the parts of one HID POS scan report lie, and how to take them out. Pure. */

/** Byte offsets in a report as node-hid gives it: byte 0 is the report ID when the device numbers its reports. */
export interface ScanReportLayout {
  /** 0 when the device does not number its reports; then no ID byte stands in front. */
  readonly reportId: number;
  /** Length of the whole report in bytes, with its ID. */
  readonly reportBytes: number;
  readonly countAt: number;
  /** First of the three AIM characters (usages FB to FD); null when the report has none. */
  readonly aimAt: number | null;
  readonly dataAt: number;
  /** Room for data in one report, in bytes: 56 in every known layout. */
  readonly dataBytes: number;
  /** The vendor's own code id (usage FF66:04); null when the report has none or it is not told where. */
  readonly codeIdAt: number | null;
  /** Any of these bits says that the scan goes on in the next report; null when no report ever continues. */
  readonly continued: { readonly at: number; readonly mask: number } | null;
}

/** One report taken apart. */
export interface ScanReport {
  readonly layout: ScanReportLayout;
  /** The three characters of the AIM field as they are (NULs when unused); empty when the layout has no such field. */
  readonly aim: string;
  readonly codeId: number | null;
  /** A view into the report: copy what must outlive it. Cut by the count, since data may hold NULs. */
  readonly data: Uint8Array;
  readonly continued: boolean;
}

/** Takes a report apart; null when it is too short for the layout or counts more bytes than it has room for. */
export function readScanReport(report: Uint8Array, layout: ScanReportLayout): ScanReport | null {
  const { reportBytes, countAt, aimAt, dataAt, dataBytes, codeIdAt, continued } = layout;
  const count = report[countAt] ?? 0;
  if (report.length < reportBytes || count > dataBytes) return null;
  return {
    layout,
    aim: aimAt === null ? "" : String.fromCharCode(...report.subarray(aimAt, aimAt + 3)),
    codeId: codeIdAt === null ? null : (report[codeIdAt] ?? null),
    data: report.subarray(dataAt, dataAt + count),
    continued: continued !== null && ((report[continued.at] ?? 0) & continued.mask) !== 0,
  };
}
