/**
 * The text a person writes to name a reader, in a flag or in the configuration:
 * `serial:/dev/ttyACM0?baud=115200&direction=in&name=Gate 1`, `serial:COM5?vendor=honeywell`,
 * `hid:/dev/hidraw0`, `evdev:/dev/input/event3`, `simulated:demo.scans`, or `auto` for whatever is plugged in.
 * In the place of a path, `usb:VENDOR:PRODUCT[:SERIAL|@PORT]` names a USB reader wherever its node is today.
 */
import { basename, resolve } from "node:path";
import { ReaderFault } from "./reader.ts";
import { SERIAL_VENDORS, serialVendor } from "./serial/serial-vendors.ts";
import { formatUsbAddress, parseUsbAddress } from "./usb-address.ts";

/** Which way a scan of this reader counts; `auto` lets the gate decide from who is inside. */
export type ReaderDirection = "in" | "out" | "auto";

interface ReaderSpecBase {
  /** Stable identity: transport and absolute path, e.g. `serial:/dev/ttyACM0`. It survives a replug. */
  readonly id: string;
  /** What people call the reader; the last part of the path unless `name` says otherwise. */
  readonly name: string;
  readonly direction: ReaderDirection;
}

/** A reader on a serial port: USB CDC, a USB bridge or RS-232. */
export interface SerialReaderSpec extends ReaderSpecBase {
  readonly transport: "serial";
  /** Absolute path of the device node, the Windows port name (`COM5`), or a USB address. */
  readonly path: string;
  /** Bits per second. USB CDC takes it as a request only; RS-232 needs the reader's own number. */
  readonly baudRate: number;
  /** Whose reader hangs on a line that does not tell; null when nobody said, and then nothing is sent to it. */
  readonly vendor: string | null;
}

/**
 * A reader in HID POS mode. Its device path is where it is plugged in today, not who it is: it may change with every
 * replug. A site that must not care names it by its USB address, or lets discovery do so.
 */
export interface HidReaderSpec extends ReaderSpecBase {
  readonly transport: "hid";
  /** Absolute path of the device node, the Windows device path (`\\?\HID#VID_0C2E&...`), or a USB address. */
  readonly path: string;
}

/** A reader in keyboard mode on Linux, read past the desktop by an exclusive grab of its input device. */
export interface EvdevReaderSpec extends ReaderSpecBase {
  readonly transport: "evdev";
  /** Absolute path of the device node (`/dev/input/event3` or a link to it), or a USB address. */
  readonly path: string;
}

/** A reader played from a script file. */
export interface SimulatedReaderSpec extends ReaderSpecBase {
  readonly transport: "simulated";
  /** Absolute path of the script. */
  readonly path: string;
}

/** A reader to open; made by {@link parseReaderSpec}. */
export type ReaderSpec = SerialReaderSpec | HidReaderSpec | EvdevReaderSpec | SimulatedReaderSpec;

/** All readers that discovery finds, whatever they are; `name` and `direction` are given to each of them. */
export interface AutoSpec {
  readonly transport: "auto";
  readonly direction: ReaderDirection;
}

/** Most readers ship with 9600 8N1 (Symbol DS6608 table 7-2, Unitech, Syble XB6299). */
const DEFAULT_BAUD_RATE = 9600;
const MAX_BAUD_RATE = 4_000_000;

const ALLOWED_KEYS = {
  serial: ["baud", "direction", "name", "vendor"],
  hid: ["direction", "name"],
  evdev: ["direction", "name"],
  simulated: ["direction", "name"],
} as const;
const EXAMPLES = {
  serial: "serial:/dev/ttyACM0 or serial:COM5",
  hid: "hid:/dev/hidraw0",
  evdev: "evdev:/dev/input/event3",
  simulated: "simulated:demo.scans",
} as const;

/**
 * Reads a reader specification that may also be `auto` or `auto?direction=in`.
 *
 * @throws {ReaderFault} `reader.bad-spec`, one sentence that names what is allowed.
 */
export function parseReaderChoice(text: string): ReaderSpec | AutoSpec {
  const auto = /^\s*auto\s*(?:[?&](.*))?$/i.exec(text);
  if (auto === null) return parseReaderSpec(text);
  const parameters = parseParameters(text, "auto", ["direction"], auto[1] ?? "");
  return { transport: "auto", direction: parseDirection(text, parameters.get("direction")) };
}

/**
 * Reads the specification of one reader.
 *
 * Parameters follow `?` in any order (`serial:COM5&direction=in` is understood too); values are URL-decoded.
 * A relative path is resolved against the working directory, so the id stays the same wherever it is printed.
 *
 * @throws {ReaderFault} `reader.bad-spec`, one sentence that names what is allowed.
 */
export function parseReaderSpec(text: string): ReaderSpec {
  const { transport, location, parameters } = split(text);
  const direction = parseDirection(text, parameters.get("direction"));
  const path = devicePath(transport, location);
  const base = {
    id: `${transport}:${path}`,
    name: parseName(text, parameters.get("name")) ?? basename(path),
    direction,
  };
  if (transport !== "serial") return { transport, path, ...base };
  const vendor = parseVendor(text, parameters.get("vendor"));
  const factoryBaudRate = serialVendor(vendor, null)?.baudRate ?? DEFAULT_BAUD_RATE;
  return { transport, path, baudRate: parseBaudRate(text, parameters.get("baud")) ?? factoryBaudRate, vendor, ...base };
}

function split(text: string): {
  transport: ReaderSpec["transport"];
  location: string;
  parameters: ReadonlyMap<string, string>;
} {
  // The `?` of a Windows device path (`\\?\HID#...`) begins no parameters.
  const match = /^\s*([a-z]+)(?::(.*?))?(?:(?:\?(?!\\)|&(?=\w+=))(.*))?$/is.exec(text);
  const transport = match?.[1]?.toLowerCase();
  if (transport !== "serial" && transport !== "hid" && transport !== "evdev" && transport !== "simulated") {
    throw badSpec(text, "it must be auto, or start with serial:, hid:, evdev: or simulated:");
  }
  const location = match?.[2]?.trim() ?? "";
  if (location === "") {
    throw badSpec(text, `the path after ${transport}: is empty; write for example ${EXAMPLES[transport]}`);
  }
  return {
    transport,
    location,
    parameters: parseParameters(text, transport, ALLOWED_KEYS[transport], match?.[3] ?? ""),
  };
}

function parseParameters(
  text: string,
  transport: string,
  allowed: readonly string[],
  query: string,
): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(query)) {
    if (!allowed.includes(key)) {
      throw badSpec(text, `"${key}" is not a parameter of ${transport}; allowed are ${allowed.join(", ")}`);
    }
    if (parameters.has(key)) throw badSpec(text, `"${key}" is given twice; give it once`);
    parameters.set(key, value.trim());
  }
  return parameters;
}

function devicePath(transport: ReaderSpec["transport"], location: string): string {
  const address = transport === "simulated" ? null : parseUsbAddress(location);
  if (address !== null) return formatUsbAddress(address);
  if (transport === "serial") {
    const windowsPort = /^(?:\\\\\.\\)?(COM\d+)$/i.exec(location)?.[1];
    if (windowsPort !== undefined) return windowsPort.toUpperCase();
  }
  const isWindowsDevice = transport === "hid" && location.startsWith("\\\\?\\");
  return isWindowsDevice ? location : resolve(location);
}

function parseDirection(text: string, value: string | undefined): ReaderDirection {
  if (value === undefined) return "auto";
  if (value === "in" || value === "out" || value === "auto") return value;
  throw badSpec(text, `direction "${value}" is not known; allowed are in, out, auto`);
}

function parseBaudRate(text: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const baudRate = /^\d{2,7}$/.test(value) ? Number(value) : 0;
  if (baudRate >= 50 && baudRate <= MAX_BAUD_RATE) return baudRate;
  throw badSpec(
    text,
    `baud "${value}" is not a line speed; allowed are whole numbers from 50 to ${MAX_BAUD_RATE}, usually 9600 or 115200`,
  );
}

function parseVendor(text: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  const vendor = SERIAL_VENDORS.find(({ name }) => name === value.toLowerCase());
  if (vendor !== undefined) return vendor.name;
  const allowed = SERIAL_VENDORS.map(({ name }) => name).join(", ");
  throw badSpec(text, `vendor "${value}" is not known; allowed are ${allowed}, or leave it out and nothing is sent`);
}

function parseName(text: string, value: string | undefined): string | undefined {
  if (value === "") throw badSpec(text, "the name is empty; write for example name=Gate 1 or leave it out");
  return value;
}

function badSpec(text: string, reason: string): ReaderFault {
  return new ReaderFault("reader.bad-spec", `The reader "${text}" cannot be used: ${reason}.`);
}
