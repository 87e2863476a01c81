/**
 * Reads a HID report descriptor (USB HID 1.11, section 6.2.2) for what a bar code scanner says about its reports
 * (HID Point of Sale usage tables 1.02, page 0x8C). Pure and total: any bytes give an answer or null, in bounded time.
 */
import type { ScanReportLayout } from "./scan-report.ts";

/** An output a host may write: bits of a usage of page 0x8C, such as 0x60 initiate read or 0x86 good-read beep. */
export interface OutputBits {
  readonly usage: number;
  readonly reportId: number;
  /** Length of the whole report in bytes, with its ID: Windows wants all of it written. */
  readonly reportBytes: number;
  /** Offset of the byte that holds the bits; byte 0 is the report ID when the device numbers its reports. */
  readonly at: number;
  /**
   * All bits of the usage. Where a descriptor gives one more than one bit, makers document the lowest
   * (3800i Application Note p. 1-12: `04 40`, good-read beep, of two).
   */
  readonly mask: number;
}

/** What a descriptor says about a scanner. */
export interface ScannerDescriptor {
  readonly layout: ScanReportLayout;
  readonly outputs: readonly OutputBits[];
  /** Length in bytes, with its ID, of every output report of the scanner, by report ID. */
  readonly outputReports: ReadonlyMap<number, number>;
  /** The same for its feature reports. */
  readonly featureReports: ReadonlyMap<number, number>;
}

/** Linux takes no longer descriptor (HID_MAX_DESCRIPTOR_SIZE), nor would any scanner need one. */
const MAX_DESCRIPTOR_BYTES = 4096;
/** The longest report, in bits; scanners send 64 bytes. */
const MAX_REPORT_BITS = 4096 * 8;
const MAX_USAGES_PER_ITEM = 256;
const MAX_PUSHED = 16;

/** Item tags with their type, the two size bits taken off (6.2.2.4, 6.2.2.7, 6.2.2.8). */
const TAG = {
  input: 0x80,
  output: 0x90,
  feature: 0xb0,
  collection: 0xa0,
  endCollection: 0xc0,
  usagePage: 0x04,
  reportSize: 0x74,
  reportId: 0x84,
  reportCount: 0x94,
  push: 0xa4,
  pop: 0xb4,
  usage: 0x08,
  usageMinimum: 0x18,
  usageMaximum: 0x28,
} as const;
const LONG_ITEM = 0xfe;
const APPLICATION_COLLECTION = 1;

const SCANNER_PAGE = 0x8c;
/** Usages as page * 0x10000 + id. */
const USAGE = {
  scanner: 0x8c0002,
  byteCount: 0x01003b,
  aim1: 0x8c00fb,
  aim2: 0x8c00fc,
  aim3: 0x8c00fd,
  data: 0x8c00fe,
  continued: 0x8c00ff,
  codeId: 0xff660004,
};

type ReportKind = "input" | "output" | "feature";

/** `count` neighbouring fields of `size` bits with one usage. `bit` counts from the start of the report, ID included. */
interface FieldRun {
  readonly kind: ReportKind;
  readonly reportId: number;
  readonly bit: number;
  readonly size: number;
  readonly count: number;
  readonly usage: number;
}

interface Item {
  readonly tag: number;
  readonly value: number;
  readonly size: number;
}

/** A usage whose page is null takes the page in force at its main item (6.2.2.8). */
interface LocalUsage {
  readonly page: number | null;
  readonly id: number;
}

interface Globals {
  page: number;
  size: number;
  count: number;
  reportId: number;
}

/**
 * Reads a descriptor, given as bytes or as hexadecimal text (white space allowed).
 *
 * Only fields inside an application collection with usage 8C:02 count: not those of a keyboard on the same interface,
 * and not those of page FF8C (Honeywell's remote management, which never delivers a scan).
 *
 * @returns null when it is malformed, too long, or describes no scanner report that can be read.
 */
export function parseScannerDescriptor(descriptor: Uint8Array | string): ScannerDescriptor | null {
  const bytes = typeof descriptor === "string" ? bytesOfHex(descriptor) : descriptor;
  if (bytes === null || bytes.length > MAX_DESCRIPTOR_BYTES) return null;
  const parsed = parseFields(bytes);
  if (parsed === null) return null;
  const { runs, reportBits } = parsed;
  const reportBytes = (kind: ReportKind, reportId: number): number =>
    Math.ceil((reportBits.get(reportKey(kind, reportId)) ?? 0) / 8);
  const lengths = (kind: ReportKind): ReadonlyMap<number, number> =>
    new Map(runs.filter((run) => run.kind === kind).map(({ reportId }) => [reportId, reportBytes(kind, reportId)]));
  const layout = findLayout(
    runs.filter((run) => run.kind === "input"),
    (reportId) => reportBytes("input", reportId),
  );
  if (layout === null) return null;
  const isNamed = ({ kind, usage }: FieldRun): boolean =>
    kind === "output" && Math.floor(usage / 0x10000) === SCANNER_PAGE && usage % 0x10000 !== 0;
  const outputs = runs.filter(isNamed).map((run) => ({
    usage: run.usage % 0x10000,
    reportId: run.reportId,
    reportBytes: reportBytes("output", run.reportId),
    ...bitsInOneByte(run),
  }));
  return { layout, outputs, outputReports: lengths("output"), featureReports: lengths("feature") };
}

function bytesOfHex(text: string): Uint8Array | null {
  const hex = text.replace(/\s+/g, "");
  return hex.length % 2 === 0 && /^[0-9a-f]*$/i.test(hex) ? Buffer.from(hex, "hex") : null;
}

/** The items one after another; null for one that reaches beyond the end. */
function* items(bytes: Uint8Array): Generator<Item | null> {
  for (let at = 0; at < bytes.length; ) {
    const prefix = bytes[at] ?? 0;
    if (prefix === LONG_ITEM) {
      at += 3 + (bytes[at + 1] ?? bytes.length); // Nobody defines one; its second byte is its size.
      if (at > bytes.length) yield null;
      continue;
    }
    const size = [0, 1, 2, 4][prefix & 0b11] ?? 0;
    const end = at + 1 + size;
    if (end > bytes.length) return yield null;
    let value = 0;
    for (let index = end - 1; index > at; index--) value = value * 0x100 + (bytes[index] ?? 0);
    yield { tag: prefix & 0xfc, value, size };
    at = end;
  }
}

/** Walks the items once; null when they end in the middle, nest wrongly or describe impossible reports. */
function parseFields(bytes: Uint8Array): { runs: FieldRun[]; reportBits: Map<string, number> } | null {
  const runs: FieldRun[] = [];
  const reportBits = new Map<string, number>();
  const pushed: Globals[] = [];
  let globals: Globals = { page: 0, size: 0, count: 0, reportId: 0 };
  let usages: LocalUsage[] = [];
  let usageMinimum: LocalUsage | null = null;
  let depth = 0;
  let inScanner = false;

  const fullUsage = (usage: LocalUsage): number => (usage.page ?? globals.page) * 0x10000 + usage.id;

  /** Takes an item; false for an impossible one. */
  const take = ({ tag, value, size }: Item): boolean => {
    const usage = size === 4 ? { page: Math.floor(value / 0x10000), id: value % 0x10000 } : { page: null, id: value };
    switch (tag) {
      case TAG.usagePage:
        globals.page = value % 0x10000;
        return true;
      case TAG.reportSize:
        globals.size = value;
        return true;
      case TAG.reportCount:
        globals.count = value;
        return true;
      case TAG.reportId:
        globals.reportId = value;
        return value > 0 && value <= 0xff;
      case TAG.push:
        pushed.push({ ...globals });
        return pushed.length <= MAX_PUSHED;
      case TAG.pop: {
        const popped = pushed.pop();
        globals = popped ?? globals;
        return popped !== undefined;
      }
      case TAG.usage:
        usages.push(usage);
        return usages.length <= MAX_USAGES_PER_ITEM;
      case TAG.usageMinimum:
        usageMinimum = usage;
        return true;
      case TAG.usageMaximum: {
        if (usageMinimum === null) return false;
        const { page, id: first } = usageMinimum;
        if (usage.id < first || usages.length + usage.id - first >= MAX_USAGES_PER_ITEM) return false;
        for (let id = first; id <= usage.id; id++) usages.push({ page, id });
        usageMinimum = null;
        return true;
      }
      case TAG.input:
      case TAG.output:
      case TAG.feature:
      case TAG.collection:
      case TAG.endCollection: {
        const possible = takeMain(tag, value);
        usages = [];
        usageMinimum = null;
        return possible;
      }
      default: // Logical ranges, units, strings, designators: nothing that moves a field.
        return true;
    }
  };

  const takeMain = (tag: number, value: number): boolean => {
    switch (tag) {
      case TAG.collection:
        if (depth === 0) {
          const [usage] = usages;
          inScanner = value === APPLICATION_COLLECTION && usage !== undefined && fullUsage(usage) === USAGE.scanner;
        }
        depth++;
        return true;
      case TAG.endCollection:
        depth--;
        return depth >= 0;
      case TAG.input:
        return takeFields("input", value);
      case TAG.output:
        return takeFields("output", value);
      case TAG.feature:
        return takeFields("feature", value);
      default:
        return true;
    }
  };

  const takeFields = (kind: ReportKind, flags: number): boolean => {
    const { size, count, reportId } = globals;
    const key = reportKey(kind, reportId);
    const start = reportBits.get(key) ?? (reportId === 0 ? 0 : 8);
    if (start + size * count > MAX_REPORT_BITS) return false;
    reportBits.set(key, start + size * count);
    const isVariable = (flags & 0b11) === 0b10; // Neither constant padding nor an array of choices.
    if (!isVariable || !inScanner || depth === 0 || size === 0) return true;
    const named = usages.slice(0, count);
    for (const [index, usage] of named.entries()) {
      // The last usage stands for all fields that are left.
      const fields = index === named.length - 1 ? count - index : 1;
      runs.push({ kind, reportId, bit: start + index * size, size, count: fields, usage: fullUsage(usage) });
    }
    return true;
  };

  for (const item of items(bytes)) if (item === null || !take(item)) return null;
  return depth === 0 ? { runs, reportBits } : null;
}

/** The layout of the first input report with room for data, if all that is needed can be read byte by byte. */
function findLayout(inputs: readonly FieldRun[], reportBytes: (reportId: number) => number): ScanReportLayout | null {
  const data = inputs.find((run) => run.usage === USAGE.data);
  if (data === undefined) return null;
  const { reportId } = data;
  const find = (usage: number): FieldRun | undefined =>
    inputs.find((run) => run.usage === usage && run.reportId === reportId);
  const dataAt = byteOffset(data);
  const countAt = byteOffset(find(USAGE.byteCount));
  if (dataAt === null || countAt === null) return null;
  const aimAt = byteOffset(find(USAGE.aim1));
  const aimTogether =
    aimAt !== null && byteOffset(find(USAGE.aim2)) === aimAt + 1 && byteOffset(find(USAGE.aim3)) === aimAt + 2;
  const continued = find(USAGE.continued);
  return {
    reportId,
    reportBytes: reportBytes(reportId),
    countAt,
    aimAt: aimTogether ? aimAt : null,
    dataAt,
    // A count of one byte cannot tell more.
    dataBytes: Math.min(data.count, 0xff),
    codeIdAt: byteOffset(find(USAGE.codeId)),
    continued: continued === undefined ? null : bitsInOneByte(continued),
  };
}

function reportKey(kind: ReportKind, reportId: number): string {
  return `${kind} ${reportId}`;
}

function byteOffset(run: FieldRun | undefined): number | null {
  return run !== undefined && run.size === 8 && run.bit % 8 === 0 ? run.bit / 8 : null;
}

/** The bits of a run, as far as they lie in its first byte: real flags do. */
function bitsInOneByte({ bit, size, count }: FieldRun): { at: number; mask: number } {
  const shift = bit % 8;
  const bits = Math.min(size * count, 8 - shift);
  return { at: (bit - shift) / 8, mask: ((1 << bits) - 1) << shift };
}
