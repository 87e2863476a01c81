/** What is plugged in where there is no sysfs: the serial ports and HID collections that the two libraries list. */
import {
  type ListedDevice,
  type PluggedDevice,
  type PluggedInterface,
  plainText,
  withAddresses,
} from "./plugged-device.ts";

/** A serial port as serialport lists it; ids are hexadecimal texts. */
export interface ListedPort {
  readonly path: string;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
  /** `Port_#0002.Hub_#0003`. */
  readonly locationId?: string | undefined;
}

/** A HID collection as node-hid lists it. */
export interface ListedHid {
  readonly path?: string | undefined;
  readonly vendorId: number;
  readonly productId: number;
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly product?: string | undefined;
  readonly usagePage?: number | undefined;
  readonly usage?: number | undefined;
}

interface Listed {
  readonly device: Omit<ListedDevice, "interfaces">;
  readonly way: PluggedInterface;
}

/** Asks both libraries; they are loaded at the first look. A list that cannot be had is an empty one. */
export async function pluggedByLibraries(): Promise<PluggedDevice[]> {
  const ports = import("serialport").then(({ SerialPort }) => SerialPort.list());
  const hids = import("node-hid").then(({ devicesAsync }) => devicesAsync());
  return gatherListed(await ports.catch(() => []), await hids.catch(() => []));
}

/**
 * Puts what the libraries list together to devices. Windows does not tell which of two readers without serial
 * number an interface belongs to: there each of several ways in stands for a reader of its own, told by its instance.
 */
export function gatherListed(ports: readonly ListedPort[], hids: readonly ListedHid[]): PluggedDevice[] {
  const groups = Map.groupBy([...ports.flatMap(fromPort), ...hids.flatMap(fromHid)], (one) =>
    [one.device.vendorId, one.device.productId, one.device.serialNumber].join(" "),
  );
  return withAddresses([...groups.values()].flatMap(devicesOf));
}

function devicesOf(group: readonly Listed[]): ListedDevice[] {
  const [best] = group.toSorted((one, other) => rank(one.way) - rank(other.way));
  if (best === undefined) return [];
  const texts = {
    product: group.find(({ device }) => device.product !== null)?.device.product ?? null,
    manufacturer: group.find(({ device }) => device.manufacturer !== null)?.device.manufacturer ?? null,
  };
  const equals = group.filter(({ way }) => rank(way) === rank(best.way));
  return best.device.serialNumber !== null || equals.length === 1
    ? [{ ...best.device, ...texts, interfaces: group.map(({ way }) => way) }]
    : equals.map(({ device, way }) => ({ ...device, ...texts, interfaces: [way] }));
}

/** The interface a reader is opened by comes first: HID POS, serial, keyboard, anything else. */
function rank(one: PluggedInterface): number {
  if (one.transport === "serial") return 1;
  if (one.transport === "keyboard") return 2;
  return one.usagePage === 0x8c && one.usage === 0x02 ? 0 : 3;
}

function fromPort(port: ListedPort): Listed[] {
  const vendorId = Number.parseInt(port.vendorId ?? "", 16);
  const productId = Number.parseInt(port.productId ?? "", 16);
  if (Number.isNaN(vendorId) || Number.isNaN(productId)) return [];
  const { path, locationId = null } = port;
  // Windows names the maker of its driver, not of the device.
  const texts = { manufacturer: null, product: null };
  return [
    {
      device: { vendorId, productId, serialNumber: serialOf(port.serialNumber), port: locationId, ...texts },
      way: { transport: "serial", path },
    },
  ];
}

function fromHid(hid: ListedHid): Listed[] {
  if (hid.path === undefined) return [];
  const { path, vendorId, productId, usagePage = 0, usage = 0 } = hid;
  const isKeyboard = usagePage === 0x01 && usage === 0x06;
  return [
    {
      device: {
        vendorId,
        productId,
        serialNumber: serialOf(hid.serialNumber),
        port: /#([^#]+)#\{/.exec(path)?.[1] ?? null,
        manufacturer: plainText(hid.manufacturer),
        product: plainText(hid.product),
      },
      way: isKeyboard ? { transport: "keyboard", path } : { transport: "hid", path, usagePage, usage },
    },
  ];
}

/** Windows makes up instance names with `&` where a device tells no serial number. */
function serialOf(text: string | undefined): string | null {
  return text === undefined || text === "" || text.includes("&") ? null : text;
}
