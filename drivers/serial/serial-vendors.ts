/**
 * What serial readers obey, by maker: rows, each with its source. The same byte beeps at one maker's reader, disables
 * another's and changes the settings of a third, so nothing is sent to a port whose row is not known.
 *
 * USB-serial adapters (CH340, CP210x, PL2303, FTDI) are no makers: a reader behind one is named by `vendor=`.
 * Without a row on purpose: Opticon, Code, Unitech, Zebex and Youjie, of which no serial command is confirmed.
 */
import type { ReaderCommand } from "../reader.ts";

/** One maker, or one line of a maker whose readers obey more. */
export interface SerialVendor {
  /** What stands behind `vendor=`. */
  readonly name: string;
  /** USB vendor ids of its readers. Of two rows with the same id, the first counts unless the other is named. */
  readonly vendorIds: readonly number[];
  /** Speed of its RS-232 lines as they leave the factory, 8N1. USB takes any. */
  readonly baudRate: number;
  readonly commands: Readonly<Partial<Record<ReaderCommand, readonly number[]>>>;
  /** Single bytes it may answer a command with; they are no scans. */
  readonly answers: readonly number[];
  readonly source: string;
}

const ACK = 0x06;
const ESC = 0x1b;
const SYN = 0x16;
const BEL = 0x07;
const CR = 0x0d;

/** The trigger of Hand Held Products' readers and of those that copy it. */
const SYN_TRIGGER = { "trigger-on": [SYN, 0x54, CR], "trigger-off": [SYN, 0x55, CR] } as const;

export const SERIAL_VENDORS: readonly SerialVendor[] = [
  {
    // Menu commands (SYN M CR) are answered with their echo and ACK, NAK or ENQ; none is ever sent.
    name: "honeywell",
    vendorIds: [0x0c2e, 0x0536],
    baudRate: 115_200,
    commands: { ...SYN_TRIGGER, "beep-good": [SYN, BEL, CR] },
    answers: [],
    source: "Honeywell CF3680 guide p. 144 (trigger, obeyed in manual trigger mode); 7580g: 115200 8N1 in the field",
  },
  {
    // ESC 7 and ESC 8 also answer a base in host acknowledgement mode, which is silent until then.
    name: "hhp-cordless",
    vendorIds: [0x0536],
    baudRate: 9600,
    commands: { "beep-good": [ESC, 0x37], "beep-bad": [ESC, 0x38] },
    answers: [],
    source: "Hand Held Products IMAGETEAM 2020 cordless base, host ACK",
  },
  {
    // Its trigger is obeyed in host mode only, which its manual's setup barcode turns on.
    name: "mindeo",
    vendorIds: [0x27dd],
    baudRate: 9600,
    commands: SYN_TRIGGER,
    answers: [ACK],
    source: "Mindeo ES4200 and ES4650 manuals p. 19",
  },
  {
    // B beeps if the reader's own beep is on. Never F ("not on file"): a Magellan, and a PowerScan too, reads nothing
    // after it until it is told E. Never D and R. T and X are known of PowerScan only.
    name: "datalogic",
    vendorIds: [0x05f9, 0x080c],
    baudRate: 9600,
    commands: { "beep-good": [0x42] },
    answers: [],
    source: "Datalogic Magellan 800i guide appendix F, Magellan 9300i p. 469, QD2300 p. 179, PSC PowerScan p. 143",
  },
  {
    name: "datalogic-powerscan",
    vendorIds: [0x05f9, 0x080c],
    baudRate: 9600,
    commands: { "trigger-on": [0x54], "trigger-off": [0x58], "beep-good": [0x42], "beep-bad": [0x33, 0x34, CR] },
    answers: [],
    source: 'Datalogic PowerScan series guide appendix E, RS-232 and USB-COM ("34 CR" is the low tone)',
  },
  {
    name: "newland",
    vendorIds: [0x1eab],
    baudRate: 9600,
    // No beep on request is known of it. Settings (~ SOH 0000 ...) are answered; none is ever sent.
    commands: { "trigger-on": [0x01, 0x54, 0x04], "trigger-off": [0x01, 0x50, 0x04] },
    answers: [],
    source: "Newland FM530 manual",
  },
  {
    // E and D enable and disable the reader: one that is left disabled reads nothing, so they are no trigger.
    name: "cipherlab",
    vendorIds: [],
    baudRate: 9600,
    commands: { "beep-good": [...Buffer.from("#@////\r", "ascii")] },
    answers: [],
    source: "CipherLab 1663 and 1664 manuals, host serial commands (p. 241 of the 1664's)",
  },
  {
    // Sounds if "Beep on BEL" is on; it is off from the factory.
    name: "zebra",
    vendorIds: [0x05e0],
    baudRate: 9600,
    commands: { "beep-good": [BEL] },
    answers: [],
    source: "Symbol DS6608 guide, RS-232 host parameters (table 7-2)",
  },
];

/**
 * The row of a reader, or null when nothing may be sent to it.
 *
 * @param named what `vendor=` says, or null. A USB device that is known to be another maker's is believed instead.
 * @param vendorId the USB vendor id of its port, or null where there is none.
 */
export function serialVendor(named: string | null, vendorId: number | null): SerialVendor | null {
  const byId = vendorId === null ? [] : SERIAL_VENDORS.filter((row) => row.vendorIds.includes(vendorId));
  const rows = byId.length > 0 ? byId : SERIAL_VENDORS;
  const byName = rows.find((row) => row.name === named) ?? null;
  return byName ?? byId[0] ?? null;
}
