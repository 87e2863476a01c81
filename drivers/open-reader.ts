import { openEvdevReader } from "./evdev/evdev-reader.ts";
import { openHidPosReader } from "./hid-pos/hid-pos-reader.ts";
import type { KeyboardCalibration } from "./keyboard/calibration.ts";
import { locateNode } from "./plugged/locate-node.ts";
import { type PluggedSystem, thisMachine } from "./plugged/system.ts";
import type { RawTap } from "./raw-tap.ts";
import type { Reader } from "./reader.ts";
import type { ReaderSpec } from "./reader-spec.ts";
import { openSerialReader } from "./serial/serial-reader.ts";
import { openSimulatedReader } from "./simulated/simulated-reader.ts";
import { parseUsbAddress } from "./usb-address.ts";

/**
 * Opens the reader a specification names, whatever its transport. A USB address is looked up anew for each opening:
 * the node has another name after every replug, the address has not. `onRaw` sees what the device sends, for a recording;
 * `calibration` tells how the keys of a reader in keyboard mode are read.
 *
 * @throws {ReaderFault} when it cannot be opened; the message says what to do.
 */
export async function openReader(
  named: ReaderSpec,
  system: PluggedSystem = thisMachine(),
  onRaw?: RawTap,
  calibration?: () => KeyboardCalibration,
): Promise<Reader> {
  const spec = await located(named, system);
  switch (spec.transport) {
    case "serial":
      return openSerialReader(spec, { onRaw, system });
    case "hid":
      return openHidPosReader(spec, { onRaw });
    case "evdev":
      return openEvdevReader(spec, { onRaw, calibration });
    case "simulated":
      return openSimulatedReader(spec);
  }
}

async function located(spec: ReaderSpec, system: PluggedSystem): Promise<ReaderSpec> {
  const address = spec.transport === "simulated" ? null : parseUsbAddress(spec.path);
  if (address === null || spec.transport === "simulated") return spec;
  return { ...spec, path: locateNode(spec.transport, address, await system.list()) };
}
