/** Where a reader that is named by its USB address can be opened right now. */
import { ReaderFault } from "../reader.ts";
import { formatUsbAddress, type UsbAddress } from "../usb-address.ts";
import type { PluggedDevice, PluggedInterface } from "./plugged-device.ts";

export type NodeTransport = "hid" | "serial" | "evdev";

const MODE_NAMES = { hid: "HID POS mode", serial: "USB serial mode", evdev: "keyboard mode" } as const;
/** So many devices are named in a sentence. */
const MAX_NAMED = 5;

/**
 * The node of the device at `address` for this transport, e.g. `/dev/hidraw3`.
 *
 * @throws {ReaderFault} `reader.not-found` naming what is plugged in instead, `reader.bad-spec` when several devices
 * answer to the address, `reader.wrong-mode` when the device is there in another mode.
 */
export function locateNode(transport: NodeTransport, address: UsbAddress, devices: readonly PluggedDevice[]): string {
  const text = formatUsbAddress(address);
  const found = devices.filter((device) => isAt(device, address));
  const [device, another] = found;
  if (device === undefined) {
    const here = devices.filter((other) => nodesFor(transport, other).length > 0).map(named);
    const instead =
      here.length === 0
        ? `nothing in ${MODE_NAMES[transport]} is plugged in`
        : `plugged in now in ${MODE_NAMES[transport]}: ${here.slice(0, MAX_NAMED).join(", ")}`;
    throw new ReaderFault("reader.not-found", `${text} is not plugged in: plug the reader in (${instead}).`);
  }
  if (another !== undefined) {
    throw new ReaderFault(
      "reader.bad-spec",
      `${text} may be any of ${found.slice(0, MAX_NAMED).map(named).join(", ")}: name one of these.`,
    );
  }
  const [node] = nodesFor(transport, device);
  if (node !== undefined) return node.path;
  throw new ReaderFault(
    "reader.wrong-mode",
    `${text} is plugged in, but not in ${MODE_NAMES[transport]}: run tram readers to see its mode and how to change it.`,
  );
}

/** Whether an address names this device; one without serial number and port names every device of its product. */
export function isAt(device: PluggedDevice, address: UsbAddress): boolean {
  return (
    device.address.vendorId === address.vendorId &&
    device.address.productId === address.productId &&
    (address.serialNumber === null || device.address.serialNumber === address.serialNumber) &&
    (address.port === null || device.port === address.port)
  );
}

/** The interfaces a transport opens; for HID the scanner's own collection first. */
function nodesFor(transport: NodeTransport, device: PluggedDevice): readonly PluggedInterface[] {
  const wanted = transport === "evdev" ? "keyboard" : transport;
  return device.interfaces.filter((one) => one.transport === wanted && (one.transport !== "hid" || isPos(one)));
}

function isPos(one: PluggedInterface): boolean {
  return one.transport === "hid" && one.usagePage === 0x8c && one.usage === 0x02;
}

function named({ address, product }: PluggedDevice): string {
  return `${product ?? "a device"} (${formatUsbAddress(address)})`;
}
