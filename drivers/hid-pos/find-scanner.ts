/** Finds the HID POS collection at a path among the listed devices, or says what is there instead. */
import { ReaderFault } from "../reader.ts";
import { type HidDevice, isDeviceNode } from "./hid-access.ts";
import { notFoundFault } from "./hid-fault.ts";

/** A listed collection 8C:02. */
export type Scanner = HidDevice & { readonly path: string };

/** Modes a reader shows itself in, by the usage of its collection, with what to do about each. */
interface OtherMode {
  readonly usagePage: number;
  readonly usages: readonly number[];
  readonly mode: string;
  readonly source: string;
}

const SNAPI = { vendorId: 0x05e0, productId: 0x1900, mode: "Symbol's SNAPI mode" }; // usb.ids
const OTHER_MODES: readonly OtherMode[] = [
  { usagePage: 0x01, usages: [0x06], mode: "keyboard mode", source: "HID usage tables, page 1" },
  {
    usagePage: 0xff45,
    usages: [0x4b00, 0x4a00],
    mode: "IBM OEM (SurePOS) mode",
    source: "Two IBM OEM descriptors of hand-held and table-top readers",
  },
];
/** Honeywell's remote management: a near copy of a scanner's descriptor that never delivers a scan (qzind/tray #1312). */
const REMOTE_MANAGEMENT_PAGE = 0xff8c;

/**
 * The collection 8C:02 at `path`, the whole page compared. Windows paths have no case.
 *
 * @throws {ReaderFault} not-found, or wrong-mode with the usage the path has instead.
 */
export function findScanner(devices: readonly HidDevice[], path: string): Scanner {
  const samePath = (device: HidDevice): boolean =>
    isDeviceNode(path) ? device.path === path : device.path?.toLowerCase() === path.toLowerCase();
  const scanners = devices.filter(isScanner);
  const scanner = scanners.find(samePath);
  if (scanner !== undefined) return scanner;
  const [found] = devices.filter(samePath).toSorted((one, other) => modeRank(one) - modeRank(other));
  if (found === undefined) {
    throw notFoundFault(
      path,
      scanners.map((other) => other.path),
    );
  }
  const sibling = scanners.find((other) => isSameReader(other, found));
  throw wrongModeFault(path, found, sibling?.path);
}

/** Whether the reader shows itself as a keyboard beside its HID POS collection. */
export function hasKeyboard(devices: readonly HidDevice[], scanner: Scanner): boolean {
  return devices.some((device) => isSameReader(device, scanner) && device.usagePage === 0x01 && device.usage === 0x06);
}

function isScanner(device: HidDevice): device is Scanner {
  return device.usagePage === 0x8c && device.usage === 0x02 && device.path !== undefined;
}

function isSameReader(one: HidDevice, other: HidDevice): boolean {
  return (
    one.vendorId === other.vendorId &&
    one.productId === other.productId &&
    (one.serialNumber ?? "") === (other.serialNumber ?? "")
  );
}

function wrongModeFault(path: string, found: HidDevice, siblingPath: string | undefined): ReaderFault {
  const usage = [found.usagePage, found.usage].map((part) => (part ?? 0).toString(16).toUpperCase()).join(":");
  const mode = isRemoteManagement(found) ? "its remote management" : modeOf(found);
  const advice =
    siblingPath !== undefined
      ? `name its other path ${siblingPath}`
      : isRemoteManagement(found)
        ? "name its other path"
        : "scan the setup code USB HID POS of its manual";
  return new ReaderFault(
    "reader.wrong-mode",
    `${path} is not a reader in HID POS mode (it has usage ${usage}${mode === null ? "" : `, ${mode}`}, not 8C:2): ` +
      `${advice}.`,
  );
}

function modeOf({ vendorId, productId, usagePage, usage }: HidDevice): string | null {
  if (vendorId === SNAPI.vendorId && productId === SNAPI.productId) return SNAPI.mode;
  const row = OTHER_MODES.find((other) => other.usagePage === usagePage && other.usages.includes(usage ?? 0));
  return row?.mode ?? null;
}

/** Of several collections on one path the one that tells most comes first. */
function modeRank(device: HidDevice): number {
  return isRemoteManagement(device) ? 1 : modeOf(device) === null ? 2 : 0;
}

function isRemoteManagement({ usagePage }: HidDevice): boolean {
  return usagePage === REMOTE_MANAGEMENT_PAGE;
}
