/**
 * Who a USB reader is, wherever its device node is today: `usb:0c2e:0b61:18230B4F2A` (vendor, product, serial number),
 * or `usb:05e0:1701@1-2.4` (vendor, product, the port it is plugged into) for readers without a serial number. Node
 * names (`/dev/hidraw0`, `COM5`) change with every replug and are never an identity (readers.md 8.5).
 */

/** A USB device as vendor, product and what tells it from its twins; at most one of the last two is set. */
export interface UsbAddress {
  readonly vendorId: number;
  readonly productId: number;
  /** The serial number the device tells, or null. */
  readonly serialNumber: string | null;
  /** The port it is plugged into, as the system names it (`1-2.4` on Linux), or null. */
  readonly port: string | null;
}

const PATTERN = /^usb:([0-9a-f]{4}):([0-9a-f]{4})(?::([^:@]+)|@(.+))?$/i;

/** The address a text writes, or null when it is none. */
export function parseUsbAddress(text: string): UsbAddress | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const [, vendor = "", product = "", serial, port] = match;
  try {
    return {
      vendorId: Number.parseInt(vendor, 16),
      productId: Number.parseInt(product, 16),
      serialNumber: serial === undefined ? null : decodeURIComponent(serial),
      port: port === undefined ? null : decodeURIComponent(port),
    };
  } catch {
    return null; // A stray % is no address.
  }
}

/** The text of an address, as it stands in a reader's specification and id. */
export function formatUsbAddress({ vendorId, productId, serialNumber, port }: UsbAddress): string {
  const hex = (id: number): string => id.toString(16).padStart(4, "0");
  const twin =
    serialNumber !== null
      ? `:${encodeURIComponent(serialNumber)}`
      : port !== null
        ? `@${encodeURIComponent(port)}`
        : "";
  return `usb:${hex(vendorId)}:${hex(productId)}${twin}`;
}
