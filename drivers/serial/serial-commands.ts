/** Commands to one opened serial reader: only what its maker's row knows, each bounded in time, none kept for later. */
import type { SerialPort } from "serialport";
import { createDeviceWriter } from "../device-writer.ts";
import type { Reader } from "../reader.ts";
import { type CommandAnswers, createCommandAnswers } from "./command-answers.ts";
import type { SerialVendor } from "./serial-vendors.ts";

export interface SerialCommands extends Pick<Reader, "commands" | "command"> {
  /** Takes answers out of what arrives. */
  readonly answers: CommandAnswers;
}

/** How long after a command its answer is not taken for a scan, in ms. */
const ANSWER_MS = 1000;

/**
 * The commands of the reader behind `port`, which must be open.
 *
 * They bypass the port's own stream: that keeps what it could not send and sends it after the next opening, and ends
 * the reading when a write fails, which on some Windows machines every write does (node-serialport #2992, #3086).
 */
export function serialCommands(vendor: SerialVendor | null, port: SerialPort, timeoutMs: number): SerialCommands {
  const known = vendor?.commands ?? {};
  const answers = createCommandAnswers(vendor?.answers ?? []);
  const writer = createDeviceWriter(timeoutMs);
  return {
    answers,
    commands: new Set(Object.keys(known) as (keyof typeof known)[]),
    command(command) {
      const bytes = known[command];
      if (bytes === undefined || !port.isOpen) return Promise.resolve(false);
      return writer.send(async () => {
        if (!port.isOpen || port.port === undefined) throw new Error("closed before its turn");
        answers.expect(performance.now() + ANSWER_MS);
        await port.port.write(Buffer.from(bytes));
      });
    },
  };
}
