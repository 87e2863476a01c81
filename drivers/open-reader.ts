import { openEvdevReader } from "./evdev/evdev-reader.ts";
import { openHidPosReader } from "./hid-pos/hid-pos-reader.ts";
import type { Reader } from "./reader.ts";
import type { ReaderSpec } from "./reader-spec.ts";
import { openSerialReader } from "./serial/serial-reader.ts";
import { openSimulatedReader } from "./simulated/simulated-reader.ts";

/**
 * Opens the reader a specification names, whatever its transport.
 *
 * @throws {ReaderFault} when it cannot be opened; the message says what to do.
 */
export async function openReader(spec: ReaderSpec): Promise<Reader> {
  switch (spec.transport) {
    case "serial":
      return openSerialReader(spec);
    case "hid":
      return openHidPosReader(spec);
    case "evdev":
      return openEvdevReader(spec);
    case "simulated":
      return openSimulatedReader(spec);
  }
}
