/**
 * dcttech USBRelay1 to USBRelay8: what the boards are called and what their reports hold. Pure.
 *
 * Vendor and product are a shared id that anybody may use for any HID device, so the name decides (readers.md 12;
 * `pavel-a/usb-relay-hid`, `darrylb123/usbrelay`).
 */

const SHARED_VENDOR_ID = 0x16c0;
const SHARED_PRODUCT_ID = 0x05df;

/** Whether a HID device with the shared id is such a board. */
export function isDcttechBoard(device: {
  readonly vendorId: number;
  readonly productId: number;
  readonly product?: string | undefined;
}): boolean {
  return (
    device.vendorId === SHARED_VENDOR_ID &&
    device.productId === SHARED_PRODUCT_ID &&
    /^USBRelay[1-8]$/.test(device.product ?? "")
  );
}

/** The feature report that switches one relay: report id 0, command, channel, zeroes; nine bytes. */
export function dcttechSwitch(channel: number, on: boolean): Uint8Array {
  return Uint8Array.of(0x00, on ? 0xff : 0xfd, channel, 0, 0, 0, 0, 0, 0);
}

/** Reads a feature report: the five letters the board calls itself and which relays are on. Null: not such a report. */
export function dcttechStatus(
  report: Uint8Array,
): { readonly id: string; readonly isOn: (channel: number) => boolean } | null {
  // Systems hand the eight bytes over with or without the report id in front.
  const bytes = report.subarray(-8);
  const id = String.fromCharCode(...bytes.subarray(0, 5));
  if (bytes.length < 8 || !/^[\x21-\x7e]{5}$/.test(id)) return null;
  const mask = bytes[7] ?? 0;
  return { id, isOn: (channel) => (mask & (1 << (channel - 1))) !== 0 };
}
