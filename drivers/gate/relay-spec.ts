/**
 * The text a person writes to name a relay that opens a gate:
 * `lcus:/dev/ttyUSB0?channel=1&direction=in&pulse=300&name=Barrier 1`, `dcttech:BITFT?channel=2&direction=out`,
 * `modbus:/dev/ttyUSB1?address=1&channel=1`, `devantech:COM5`.
 *
 * A board is named here or it is not touched: most are a bare bridge chip that could as well be a reader or a payment
 * terminal (readers.md 9), so no board is ever looked for and none is guessed.
 */
import { basename, resolve } from "node:path";
import { formatUsbAddress, parseUsbAddress } from "../usb-address.ts";
import { RelayFault } from "./relay-fault.ts";

/** How a board speaks; the rows of `serial-protocols.ts` and `dcttech.ts`. */
export type RelayBoardKind = "lcus" | "modbus" | "devantech" | "dcttech";

/** Which people a relay lets pass. */
export type RelayDirection = "in" | "out" | "both";

/** One relay to open; made by {@link parseRelaySpecs}. Plain data: it travels to the guard process. */
export interface RelaySpec {
  /** Stable identity: board and output, e.g. `lcus:/dev/ttyUSB0#1`, `modbus:/dev/ttyUSB1#7.2`. */
  readonly id: string;
  /** What people call the gate; path and channel unless `name` says otherwise. */
  readonly name: string;
  readonly board: RelayBoardKind;
  /** Device node, Windows port or device path, USB address, or the five letters a dcttech board calls itself. */
  readonly path: string;
  /** Bits per second of a serial board. */
  readonly baudRate: number;
  /** Address on the RS-485 bus, Modbus only; 1 elsewhere. */
  readonly address: number;
  /** From 1, as printed on the board. */
  readonly channel: number;
  readonly direction: RelayDirection;
  /** Name of the only reader whose scans it opens for; null: of every reader. */
  readonly readerName: string | null;
  readonly pulseMs: number;
}

/** readers.md 12: a turnstile wants at least 100 ms (PERCo TTD-03), a lock driven directly at most about a second. */
const PULSE_MS = { default: 300, min: 100, max: 1000 } as const;
/** All boards here ship with 9600 8N1; Modbus boards may be set to something else (readers.md 12). */
const DEFAULT_BAUD_RATE = 9600;
const COMMON_KEYS = ["channel", "direction", "reader", "pulse", "name"];

const BOARDS: Readonly<
  Record<RelayBoardKind, { readonly channels: number; readonly keys: readonly string[]; readonly example: string }>
> = {
  // The frame carries the channel in a byte; LCUS-1, -2 and -4 are the boards seen.
  lcus: { channels: 4, keys: COMMON_KEYS, example: "lcus:/dev/ttyUSB0?channel=1" },
  dcttech: { channels: 8, keys: COMMON_KEYS, example: "dcttech:/dev/hidraw3?channel=1 or dcttech:BITFT?channel=1" },
  modbus: {
    channels: 32,
    keys: ["address", "baud", ...COMMON_KEYS],
    example: "modbus:/dev/ttyUSB1?address=1&channel=1",
  },
  devantech: { channels: 8, keys: COMMON_KEYS, example: "devantech:/dev/ttyACM1?channel=1" },
};

/**
 * Reads the specifications of all relays of one machine.
 *
 * @throws {RelayFault} `relay.bad-spec`, one sentence that names what is allowed or which two contradict each other.
 */
export function parseRelaySpecs(texts: readonly string[]): readonly RelaySpec[] {
  const specs: RelaySpec[] = [];
  for (const text of texts) {
    const spec = parseRelaySpec(text);
    for (const other of specs) {
      if (other.id === spec.id) throw badSpec(text, `the relay ${spec.id} is given twice; give it once`);
      if (other.path === spec.path && (other.board !== spec.board || other.baudRate !== spec.baudRate)) {
        throw badSpec(text, `another relay on ${spec.path} has a different kind of board or line speed`);
      }
    }
    specs.push(spec);
  }
  return specs;
}

function parseRelaySpec(text: string): RelaySpec {
  const { board, location, parameters } = split(text);
  const path = boardPath(text, board, location);
  const number = (key: string, range: Range): number => parseNumber(text, key, parameters.get(key), range);
  const address = number("address", { default: 1, min: 1, max: 247 });
  const channel = number("channel", { default: 1, min: 1, max: BOARDS[board].channels });
  return {
    id: `${board}:${path}#${board === "modbus" ? `${address}.` : ""}${channel}`,
    name: parseName(text, "name", parameters.get("name")) ?? `${basename(path)} #${channel}`,
    board,
    path,
    baudRate: number("baud", { default: DEFAULT_BAUD_RATE, min: 1200, max: 115_200 }),
    address,
    channel,
    direction: parseDirection(text, parameters.get("direction")),
    readerName: parseName(text, "reader", parameters.get("reader")),
    pulseMs: number("pulse", PULSE_MS),
  };
}

function split(text: string): { board: RelayBoardKind; location: string; parameters: ReadonlyMap<string, string> } {
  // The `?` of a Windows device path (`\\?\HID#...`) begins no parameters.
  const match = /^\s*([a-z]+):(.*?)(?:(?:\?(?!\\)|&(?=\w+=))(.*))?$/is.exec(text);
  const board = match?.[1]?.toLowerCase() ?? "";
  if (!isBoardKind(board)) throw badSpec(text, `it must start with ${Object.keys(BOARDS).join(":, ")}:`);
  const location = match?.[2]?.trim() ?? "";
  if (location === "")
    throw badSpec(text, `the path after ${board}: is empty; write for example ${BOARDS[board].example}`);
  const parameters = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(match?.[3] ?? "")) {
    const allowed = BOARDS[board].keys;
    if (!allowed.includes(key)) {
      throw badSpec(text, `"${key}" is not a parameter of ${board}; allowed are ${allowed.join(", ")}`);
    }
    if (parameters.has(key)) throw badSpec(text, `"${key}" is given twice; give it once`);
    parameters.set(key, value.trim());
  }
  return { board, location, parameters };
}

function isBoardKind(text: string): text is RelayBoardKind {
  return Object.hasOwn(BOARDS, text);
}

function boardPath(text: string, board: RelayBoardKind, location: string): string {
  const address = parseUsbAddress(location);
  if (address !== null && board === "dcttech") {
    throw badSpec(
      text,
      "a USB address does not tell such boards apart; write its five letters, for example dcttech:BITFT",
    );
  }
  if (address !== null) return formatUsbAddress(address);
  if (board === "dcttech") {
    // Five letters are the id the board keeps in itself; it needs neither a node nor a serial number.
    const isOwnPath = location.startsWith("\\\\?\\") || /^[\x21-\x2e\x30-\x7e]{5}$/.test(location);
    return isOwnPath ? location : resolve(location);
  }
  const windowsPort = /^(?:\\\\\.\\)?(COM\d+)$/i.exec(location)?.[1];
  return windowsPort?.toUpperCase() ?? resolve(location);
}

interface Range {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

function parseNumber(text: string, key: string, value: string | undefined, range: Range): number {
  if (value === undefined) return range.default;
  const number = /^\d{1,6}$/.test(value) ? Number(value) : -1;
  if (number >= range.min && number <= range.max) return number;
  throw badSpec(text, `${key} "${value}" is not possible; allowed are whole numbers from ${range.min} to ${range.max}`);
}

function parseDirection(text: string, value: string | undefined): RelayDirection {
  if (value === undefined) return "both";
  if (value === "in" || value === "out" || value === "both") return value;
  throw badSpec(text, `direction "${value}" is not known; allowed are in, out, both`);
}

function parseName(text: string, key: string, value: string | undefined): string | null {
  if (value === "") throw badSpec(text, `the ${key} is empty; write for example ${key}=Gate 1 or leave it out`);
  return value ?? null;
}

function badSpec(text: string, reason: string): RelayFault {
  return new RelayFault("relay.bad-spec", `The relay "${text}" cannot be used: ${reason}.`);
}
