/**
 * What each family of HID POS readers obeys. The standard names the commands and leaves their places to the report
 * descriptor, and makers use one report number for different things: report 4 is a byte of bits with one and a
 * length and a text with another. So nothing is written to a reader that is in no row.
 *
 * Without a row on purpose: Zebra (05E0) and Datalogic (05F9) publish no output reports of their HID POS mode, and
 * ID TECH and Quio, which share Newland's vendor id, are written to as Newland's manual says.
 */
import type { ReaderCommand } from "../reader.ts";
import type { ScannerDescriptor } from "./report-descriptor.ts";

/** Bits of one byte behind the report ID. Where the reader's own descriptor is known, its bits are taken instead. */
interface BitCommands {
  readonly by: "bits";
  readonly reportId: number;
  readonly reportBytes: number;
  readonly bits: Readonly<Record<ReaderCommand, number>>;
}

/** A report with a length and a text; the reader may answer in the reports of its scans. */
interface TextCommands {
  readonly by: "text";
  readonly reportId: number;
  readonly reportBytes: number;
  readonly texts: Readonly<Partial<Record<ReaderCommand, readonly number[]>>>;
}

/** A feature report that sends the scans of a keyboard-mode reader to its HID POS collection, and back. */
export interface Takeover {
  readonly reportId: number;
  readonly take: number;
  readonly giveBack: number;
}

/** One family, known by the vendor id or, for makers without one of their own, by what its descriptor declares. */
export interface HidPosFamily {
  readonly family: string;
  readonly vendorIds: readonly number[];
  /** Report IDs of the output and feature reports that tell the family of a reader with another vendor id. */
  readonly declares: { readonly outputs: readonly number[]; readonly features: readonly number[] } | null;
  readonly commands: BitCommands | TextCommands;
  readonly takeover: Takeover | null;
  readonly source: string;
}

/** Report 4 of Hand Held Products: error beep on bit 5, good-read beep on 6, prevent read on 1, initiate read on 2. */
const HHP_REPORT_4: BitCommands = {
  by: "bits",
  reportId: 4,
  reportBytes: 2,
  bits: { "trigger-on": 0x04, "trigger-off": 0x02, "beep-good": 0x40, "beep-bad": 0x20 },
};

const FAMILIES: readonly HidPosFamily[] = [
  {
    family: "honeywell",
    vendorIds: [0x0c2e, 0x0536, 0x23d0],
    declares: null,
    commands: HHP_REPORT_4,
    takeover: { reportId: 0xfe, take: 1, giveBack: 0 },
    source:
      "Hand Held Products 3800i Application Note p. 1-12; feature report 254: NielsLeenheer/WebHidBarcodeScanner, " +
      "src/main.js (Voyager 1400g, 0C2E:0B8F), and a field report for Youjie's 23D0",
  },
  {
    family: "access-is",
    vendorIds: [0x0db5],
    declares: null,
    // Its bits 6 and 5 are the green and the red light, obeyed in its host and interactive modes only.
    commands: HHP_REPORT_4,
    takeover: null,
    source: "Access-IS LSR118 manual appendix B; vendor id: usb.ids",
  },
  {
    family: "newland",
    vendorIds: [0x1eab],
    declares: null,
    commands: {
      by: "text",
      reportId: 4,
      reportBytes: 64,
      // No beep on request is known of it.
      texts: { "trigger-on": [0x01, 0x54, 0x04], "trigger-off": [0x01, 0x50, 0x04] },
    },
    takeover: null,
    source: "Report: Newland FM420 manual p. 47, FM430 (1EAB:1D10); the two texts: host programs of Newland modules",
  },
  {
    family: "clone of hand held products",
    // A chip maker's kit without a vendor id of its own; it declares the three reports and obeys 4, not 254.
    vendorIds: [],
    declares: { outputs: [0x04, 0xfd], features: [0xfe] },
    commands: HHP_REPORT_4,
    takeover: null,
    source: "Jieli's HID POS device kit (JL_HID_POS): its descriptor and what it does with reports 4, 253 and 254",
  },
];

/** The family of a reader, or null while it is unknown; then nothing may be sent to it. */
export function familyOf(vendorId: number, descriptor: ScannerDescriptor | null): HidPosFamily | null {
  const byVendor = FAMILIES.find((family) => family.vendorIds.includes(vendorId));
  if (byVendor !== undefined || descriptor === null) return byVendor ?? null;
  const hasAll = (declares: NonNullable<HidPosFamily["declares"]>): boolean =>
    declares.outputs.every((id) => descriptor.outputReports.has(id)) &&
    declares.features.every((id) => descriptor.featureReports.has(id));
  return FAMILIES.find(({ declares }) => declares !== null && hasAll(declares)) ?? null;
}
