/** What is plugged into this machine right now, as plain data: who it is and by which nodes it can be opened. */
import { formatUsbAddress, type UsbAddress } from "../usb-address.ts";

/** One way in. A HID node with several top-level collections stands here once for each of them. */
export type PluggedInterface =
  | { readonly transport: "hid"; readonly path: string; readonly usagePage: number; readonly usage: number }
  | { readonly transport: "serial"; readonly path: string }
  | { readonly transport: "keyboard"; readonly path: string };

/** One USB device. */
export interface PluggedDevice {
  /** Told from its twins by its serial number when it has a usable one, else by its port. */
  readonly address: UsbAddress;
  /** Where it is plugged in, as the system names it (`1-2.4`), or null where the system does not tell. */
  readonly port: string | null;
  /** As the device tells them, made printable and short; null when it tells none. */
  readonly manufacturer: string | null;
  readonly product: string | null;
  /** Empty for a device no driver made a node for. */
  readonly interfaces: readonly PluggedInterface[];
}

/** A device as the system lists it, before it is told from its twins. */
export interface ListedDevice extends Omit<PluggedDevice, "address"> {
  readonly vendorId: number;
  readonly productId: number;
  readonly serialNumber: string | null;
}

/** Longer texts than makers use are cut: they end up on screens and in records. */
const MAX_TEXT_LENGTH = 60;
/** A longer serial number is none: an identity has room for 200 characters, escaped ones among them. */
const MAX_SERIAL_LENGTH = 40;
/** Serial numbers that a maker forgot to fill in and that all its devices share. */
const PLACEHOLDER = /^(.)\1*$|^0*1?2345|^none$|^n\/a$|^default/i;
/** What a serial number may consist of, to stand in an address that a person copies. */
const PLAIN_SERIAL = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * Gives every device its address. Those that would share one (a serial number printed on all of them, or none) are
 * told apart by their ports.
 */
export function withAddresses(listed: readonly ListedDevice[]): PluggedDevice[] {
  const bySerial = (device: ListedDevice): string => [device.vendorId, device.productId, device.serialNumber].join(" ");
  const counts = new Map<string, number>();
  for (const device of listed) counts.set(bySerial(device), (counts.get(bySerial(device)) ?? 0) + 1);
  return listed
    .map((device) => {
      const { vendorId, productId, serialNumber, ...rest } = device;
      const isOwn = isUsableSerial(serialNumber) && counts.get(bySerial(device)) === 1;
      const twin = isOwn ? { serialNumber, port: null } : { serialNumber: null, port: device.port };
      return { ...rest, address: { vendorId, productId, ...twin } };
    })
    .toSorted((one, other) => (formatUsbAddress(one.address) < formatUsbAddress(other.address) ? -1 : 1));
}

/** A text the device tells about itself, without what would drive a terminal, cut; null when nothing is left. */
export function plainText(text: string | null | undefined): string | null {
  const plain = (text ?? "")
    .replace(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, MAX_TEXT_LENGTH)
    .trim();
  return plain === "" ? null : plain;
}

function isUsableSerial(serial: string | null): boolean {
  return (
    serial !== null && serial.length <= MAX_SERIAL_LENGTH && PLAIN_SERIAL.test(serial) && !PLACEHOLDER.test(serial)
  );
}
