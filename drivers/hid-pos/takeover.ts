/**
 * A Honeywell in keyboard mode, taken over without a setup code: it is a composite device that lists a HID POS
 * collection beside its keyboard, and one feature report sends its scans to the one or the other.
 *
 * Not known without the hardware: whether the setting is kept without power, which models have it, and what becomes
 * of it when this program ends without giving it back. So it is sent on every opening, an error means that the
 * reader goes on as it was, and after a crash the reader types again once it was unplugged and plugged in, or once
 * this program has opened and closed it.
 */

import type { DeviceWriter } from "../device-writer.ts";
import type { HidPosFamily, Takeover } from "./families.ts";
import { hasKeyboard, type Scanner } from "./find-scanner.ts";
import type { HidDevice, HidHandle } from "./hid-access.ts";
import type { ScannerDescriptor } from "./report-descriptor.ts";

/** The takeover this reader needs; null for a reader that types nothing, or is not known to have such a report. */
export function neededTakeover(
  scanner: Scanner,
  devices: readonly HidDevice[],
  family: HidPosFamily | null,
  descriptor: ScannerDescriptor | null,
): Takeover | null {
  const takeover = family?.takeover ?? null;
  if (takeover === null || !hasKeyboard(devices, scanner)) return null;
  return descriptor === null || descriptor.featureReports.has(takeover.reportId) ? takeover : null;
}

/** Takes the scans over, and returns how to give them back before the handle is closed. */
export function takeOver(
  { reportId, take, giveBack }: Takeover,
  handle: HidHandle,
  writer: DeviceWriter,
): () => Promise<unknown> {
  const set = (value: number): Promise<boolean> =>
    writer.send(() => handle.sendFeatureReport(Uint8Array.of(reportId, value)));
  void set(take);
  return () => set(giveBack);
}
