/** Commands as the reports a reader obeys: from its own descriptor where that is known, else from its family. Pure. */
import type { ReaderCommand } from "../reader.ts";
import type { HidPosFamily } from "./families.ts";
import type { OutputBits, ScannerDescriptor } from "./report-descriptor.ts";

/** The commands of one opened reader as reports. */
export interface CommandReports {
  readonly commands: ReadonlySet<ReaderCommand>;
  /** Whether the reader answers a command in the reports of its scans. */
  readonly areAnswered: boolean;
  /** The report to write, with its ID, in its whole declared length (Windows takes nothing shorter); null if unknown. */
  encode(command: ReaderCommand): Uint8Array | null;
}

/** Usages of the commands (HID Point of Sale usage tables 1.02, page 8C). */
const COMMAND_USAGES: Readonly<Record<ReaderCommand, number>> = {
  "trigger-on": 0x60,
  "trigger-off": 0x5f,
  "beep-good": 0x86,
  "beep-bad": 0x85,
};
const COMMANDS = Object.keys(COMMAND_USAGES) as ReaderCommand[];

const NO_COMMANDS: CommandReports = { commands: new Set(), areAnswered: false, encode: () => null };

/** What a reader of `family` obeys; nothing while its family is unknown. */
export function commandReports(family: HidPosFamily | null, descriptor: ScannerDescriptor | null): CommandReports {
  if (family === null) return NO_COMMANDS;
  const { commands } = family;
  if (commands.by === "bits") {
    const { bits, reportId, reportBytes } = commands;
    return bitReports((command) =>
      descriptor === null
        ? { usage: COMMAND_USAGES[command], reportId, reportBytes, at: 1, mask: bits[command] }
        : descriptor.outputs.find(({ usage }) => usage === COMMAND_USAGES[command]),
    );
  }
  const { texts, reportId } = commands;
  const reportBytes = descriptor === null ? commands.reportBytes : (descriptor.outputReports.get(reportId) ?? 0);
  const textOf = (command: ReaderCommand): readonly number[] | null => {
    const text = texts[command];
    return text !== undefined && text.length + 2 <= reportBytes ? text : null;
  };
  return {
    commands: new Set(COMMANDS.filter((command) => textOf(command) !== null)),
    areAnswered: true,
    encode(command) {
      const text = textOf(command);
      if (text === null) return null;
      const report = new Uint8Array(reportBytes);
      report.set([reportId, text.length, ...text]);
      return report;
    },
  };
}

/**
 * The bits of a report are states, not events, at least in Jieli's kit: a beep alone would end a trigger that is on.
 * So the bit of the last trigger command is written again with every beep.
 */
function bitReports(bitsOf: (command: ReaderCommand) => OutputBits | undefined): CommandReports {
  let trigger: OutputBits | null = null;
  return {
    commands: new Set(COMMANDS.filter((command) => bitsOf(command) !== undefined)),
    areAnswered: false,
    encode(command) {
      const bits = bitsOf(command);
      if (bits === undefined) return null;
      if (command === "trigger-on" || command === "trigger-off") trigger = bits;
      const { reportId, reportBytes } = bits;
      // hidapi wants an ID in front of every report, 0 where the device numbers none.
      const report = new Uint8Array(reportId === 0 ? reportBytes + 1 : reportBytes);
      report[0] = reportId;
      const body = report.subarray(reportId === 0 ? 1 : 0);
      for (const { at, mask } of [bits, ...(trigger?.reportId === reportId ? [trigger] : [])]) {
        body[at] = (body[at] ?? 0) | lowestBit(mask);
      }
      return report;
    },
  };
}

/** Of a usage with several bits, makers document the lowest. */
function lowestBit(mask: number): number {
  return mask & -mask;
}
