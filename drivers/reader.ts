/**
 * The port every transport implements: an opened device is an async iterable of scans.
 *
 * A reader is opened once, iterated once and disposed. Unplugging ends the iteration by throwing a
 * {@link ReaderFault}; whoever supervises it opens a new one. A driver never learns what a scan meant.
 */

/** One scan as the device delivered it, transport framing removed, nothing decoded. */
export interface RawScan {
  /** Payload bytes of exactly one frame, without terminators and without the AIM identifier. */
  readonly bytes: Uint8Array;
  /** AIM symbology identifier the reader put in front (`]Q1`), or null when it told none. */
  readonly aim: string | null;
  /** Stable identity of the reader (survives a replug), e.g. `serial:/dev/ttyACM0`. */
  readonly readerId: string;
  /** `performance.now()` of this process when the last byte of the frame arrived, in ms. */
  readonly receivedMonoMs: number;
  /** Counts the scans of this opening from 1, gapless. */
  readonly sequence: number;
  /**
   * Null for a whole scan. `overflow`: the device sent more than the frame cap without an end and `bytes`
   * holds only the beginning. `gap`: the device or driver reported lost data. `input-method`: a Vietnamese typing
   * tool rewrote the keys of a keyboard reader. A spoiled scan is never a person.
   */
  readonly spoiled: "overflow" | "gap" | "input-method" | null;
}

/** What ended or prevented a reader; the code is stable, the message is for the technician (English). */
export type ReaderFaultCode =
  | "reader.not-found"
  | "reader.busy"
  | "reader.permission"
  | "reader.unplugged"
  | "reader.bad-spec"
  | "reader.wrong-mode"
  | "reader.unknown-layout"
  | "reader.failed";

/** A device fault. The message says what happened and what to do next, in one sentence. */
export class ReaderFault extends Error {
  readonly code: ReaderFaultCode;

  constructor(code: ReaderFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ReaderFault";
    this.code = code;
  }
}

/**
 * What the host may ask of a reader: the beep of a good or a bad read, and to start or stop reading. Nothing is ever
 * sent to a device whose family is unknown, because the same bytes configure or disable another vendor's reader.
 */
export type ReaderCommand = "beep-good" | "beep-bad" | "trigger-on" | "trigger-off";

/** An opened device. Iterate once; dispose when done. */
export interface Reader extends AsyncIterable<RawScan>, AsyncDisposable {
  readonly id: string;
  /** What this device is known to obey; empty while its family is unknown. */
  readonly commands: ReadonlySet<ReaderCommand>;
  /**
   * Asks the device once, bounded in time. Resolves to whether it was handed over; false when the device does not
   * know the command or does not take it. Never throws: a beep is not worth a scan.
   */
  command(command: ReaderCommand): Promise<boolean>;
}

/** The commands of a device that obeys none. */
export const obeysNothing: Pick<Reader, "commands" | "command"> = {
  commands: new Set(),
  command: () => Promise.resolve(false),
};
