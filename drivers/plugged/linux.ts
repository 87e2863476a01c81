/**
 * What is plugged in, from sysfs alone: every user may read it, no program and no library is needed. (serialport lists
 * ports by running udevadm, which small images do not have: node-serialport #2185.)
 */
import { readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { collectionUsages } from "./collection-usages.ts";
import {
  type ListedDevice,
  type PluggedDevice,
  type PluggedInterface,
  plainText,
  withAddresses,
} from "./plugged-device.ts";

/** Where the kernel shows its devices and where their nodes are. */
export interface LinuxRoots {
  readonly sys: string;
  readonly dev: string;
}

/** The USB or HID device a node belongs to; `key` is the same for all its nodes. */
interface Owner {
  readonly key: string;
  readonly device: Omit<ListedDevice, "interfaces">;
}

/** The end of a longer place tells the port. */
const MAX_PORT_LENGTH = 40;
/** Nodes of USB modems and adapters; /sys/class/tty has some seventy more. */
export const USB_SERIAL_NODE = /^tty(ACM|USB|WCH|XRUSB)/;
/** Bits 1..31 of a keyboard's keys: escape, digits, Q to S. As udev tells keyboards (systemd, udev-builtin-input_id.c). */
const KEYBOARD_KEYS = 0xfffffffe;

/** Lists the USB devices of this machine with their HID, serial and keyboard nodes. Never rejects. */
export async function pluggedOnLinux({ sys, dev }: LinuxRoots): Promise<PluggedDevice[]> {
  const found = new Map<string, ListedDevice & { readonly interfaces: PluggedInterface[] }>();
  const add = (owner: Owner | null, interfaces: readonly PluggedInterface[]): void => {
    if (owner === null) return;
    const device = found.get(owner.key) ?? { ...owner.device, interfaces: [] };
    device.interfaces.push(...interfaces);
    found.set(owner.key, device);
  };
  // One after the other: a look at a kiosk's few devices takes milliseconds and must not crowd out the readers.
  for (const folder of await entries(join(sys, "bus/usb/devices"), /^[^:]+$/)) add(await usbOwner(folder), []);
  for (const folder of await entries(join(sys, "class/hidraw"), /^hidraw/)) {
    const descriptor = await readFile(join(folder, "device/report_descriptor")).catch(() => Buffer.alloc(0));
    const path = join(dev, basename(folder));
    const collections = collectionUsages(descriptor).map((usage) => ({ transport: "hid" as const, path, ...usage }));
    add(await ownerOf(join(folder, "device")), collections);
  }
  for (const folder of await entries(join(sys, "class/tty"), USB_SERIAL_NODE)) {
    add(await ownerOf(join(folder, "device")), [{ transport: "serial", path: join(dev, basename(folder)) }]);
  }
  for (const folder of await entries(join(sys, "class/input"), /^event/)) {
    if (!(await hasKeyboardKeys(folder))) continue;
    add(await ownerOf(join(folder, "device")), [{ transport: "keyboard", path: join(dev, "input", basename(folder)) }]);
  }
  return withAddresses([...found.values()]);
}

/** The entries of a folder with such names, as the kernel numbered them; none when there is no such folder. */
async function entries(folder: string, wanted: RegExp): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => wanted.test(name))
    .toSorted((one, other) => one.localeCompare(other, "en", { numeric: true }))
    .map((name) => join(folder, name));
}

/** Who a node belongs to: the USB device above it, or a HID device without one (Bluetooth, uhid); else null. */
async function ownerOf(device: string): Promise<Owner | null> {
  let hid: Owner | null = null;
  let folder = await realpath(device).catch(() => null);
  while (folder !== null && folder !== dirname(folder) && basename(folder) !== "devices") {
    const usb = await usbOwner(folder);
    if (usb !== null) return usb;
    hid ??= await hidOwner(folder);
    folder = dirname(folder);
  }
  return hid;
}

async function usbOwner(folder: string): Promise<Owner | null> {
  const vendorId = await attribute(folder, "idVendor");
  const productId = await attribute(folder, "idProduct");
  if (vendorId === null || productId === null) return null;
  const port = basename(folder);
  return {
    key: port,
    device: {
      vendorId: Number.parseInt(vendorId, 16),
      productId: Number.parseInt(productId, 16),
      serialNumber: await attribute(folder, "serial"),
      port,
      manufacturer: plainText(await attribute(folder, "manufacturer")),
      product: plainText(await attribute(folder, "product")),
    },
  };
}

async function hidOwner(folder: string): Promise<Owner | null> {
  const uevent = await attribute(folder, "uevent");
  const tell = (name: string): string | null => new RegExp(`^${name}=(.+)$`, "m").exec(uevent ?? "")?.[1] ?? null;
  const id = /^[0-9A-F]{4}:([0-9A-F]{8}):([0-9A-F]{8})$/i.exec(tell("HID_ID") ?? "");
  if (id === null) return null;
  const serialNumber = tell("HID_UNIQ");
  // `usb-0000:00:14.0-2.4/input0`: the interfaces of one device differ behind the slash only.
  const port =
    tell("HID_PHYS")
      ?.replace(/\/[^/]*$/, "")
      .slice(-MAX_PORT_LENGTH) ?? null;
  return {
    key: serialNumber !== null ? `${id[1]}:${id[2]}:${serialNumber}` : (port ?? folder),
    device: {
      vendorId: Number.parseInt(id[1] ?? "", 16),
      productId: Number.parseInt(id[2] ?? "", 16),
      serialNumber,
      port,
      manufacturer: null,
      product: plainText(tell("HID_NAME")),
    },
  };
}

async function hasKeyboardKeys(folder: string): Promise<boolean> {
  const keys = await attribute(folder, "device/capabilities/key");
  const lowest = Number.parseInt(keys?.split(" ").at(-1)?.slice(-8) ?? "", 16);
  return (lowest & KEYBOARD_KEYS) >>> 0 === KEYBOARD_KEYS;
}

/** The text of an attribute; null when there is none or it is empty. It may vanish at any moment. */
async function attribute(folder: string, name: string): Promise<string | null> {
  const text = await readFile(join(folder, name), "utf8").catch(() => "");
  return text.trim() === "" ? null : text.trim();
}
