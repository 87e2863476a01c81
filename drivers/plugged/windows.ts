/** What is plugged in where there is no sysfs: the serial ports and HID collections that the two libraries list. */
import { lastKnown } from "./last-known.ts";
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

/** How long a library may take to list; it opens every HID device to ask its name. */
const LIST_LIMIT_MS = 5000;

/** Asks both libraries at each call; they are loaded at the first. What one of them cannot list now is as it was. */
export function createLibraryLister(): () => Promise<PluggedDevice[]> {
  const ports = lastKnown<ListedPort>(() => import("serialport").then((it) => it.SerialPort.list()), LIST_LIMIT_MS);
  const hids = lastKnown<ListedHid>(() => import("node-hid").then((it) => it.devicesAsync()), LIST_LIMIT_MS);
  return async () => gatherListed(...(await Promise.all([ports(), hids()])));
}

/**
 * Puts what the libraries list together to devices. Windows does not tell which of two readers without serial
 * number an interface belongs to: there each of several ways in stands for a reader of its own, told by its instance.
 * So does each HID POS collection, of which a reader has one: makers print one serial number on all they make.
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
  const isOne = equals.length === 1 || (best.device.serialNumber !== null && !isPos(best.way));
  return isOne
    ? [{ ...best.device, ...texts, interfaces: group.map(({ way }) => way) }]
    : equals.map(({ device, way }) => ({ ...device, ...texts, interfaces: [way] }));
}

/** The interface a reader is opened by comes first: HID POS, serial, keyboard, anything else. */
function rank(one: PluggedInterface): number {
  if (one.transport === "serial") return 1;
  if (one.transport === "keyboard") return 2;
  return isPos(one) ? 0 : 3;
}

function isPos(one: PluggedInterface): boolean {
  return one.transport === "hid" && one.usagePage === 0x8c && one.usage === 0x02;
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
