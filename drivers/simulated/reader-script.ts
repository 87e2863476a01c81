/**
 * The file of a simulated reader, one step a line, for demonstrations, support and tests.
 *
 *     # a comment; blank lines are skipped
 *     012345678901|...        any other line is the payload of one scan, byte for byte
 *     @hex 41 42 0D           a scan given in hexadecimal
 *     @base64 QUI=            a scan given in base64
 *     @repeat 10              the scan before, ten times more
 *     @wait 500               nothing for 500 ms
 *     @fault unplugged        the reader faults: unplugged, not-found, busy, permission, wrong-mode, ...
 *
 * Where the first line is one of these three, the file is what a device sent, and the drivers' own code reads it:
 *
 *     @hid 0c2e:1007 058C...  a HID POS reader, by vendor and product, with its report descriptor if that is known
 *     @report 02 0C 5D ...    one input report
 *
 *     @serial                 a serial reader
 *     @bytes 41 42 0D         bytes that arrive together
 *
 *     @keys                   a reader in keyboard mode, grabbed
 *     @key +KeyA -KeyA        keys going down and up, by their names in W3C UI Events
 *     @lost                   the system lost keys here
 */
import type { KeyStroke } from "../keyboard/key-stroke.ts";
import { ReaderFault, type ReaderFaultCode } from "../reader.ts";

/** What any script may do between two things it plays. */
export type Pause =
  | { readonly kind: "wait"; readonly durationMs: number }
  | { readonly kind: "fault"; readonly code: ReaderFaultCode };

/** One step of a script of scans. */
export type ScanStep = Pause | { readonly kind: "scan"; readonly bytes: Uint8Array; readonly times: number };

/** One step of what a device sent. */
export type DeviceStep<Sent> = Pause | { readonly kind: "send"; readonly sent: Sent };

/** A HID POS reader and its reports, with their IDs. */
export interface HidScript {
  readonly kind: "hid";
  readonly vendorId: number;
  readonly productId: number;
  readonly descriptor: Uint8Array | null;
  readonly steps: DeviceStep<Uint8Array>[];
}

/** A script; its first line says of which kind it is. */
export type ReaderScript =
  | { readonly kind: "scans"; readonly steps: ScanStep[] }
  | HidScript
  | { readonly kind: "serial"; readonly steps: DeviceStep<Uint8Array>[] }
  | { readonly kind: "keys"; readonly steps: DeviceStep<KeyStroke | "lost">[] };

const FAULTS: Readonly<Record<string, ReaderFaultCode>> = {
  unplugged: "reader.unplugged",
  "not-found": "reader.not-found",
  busy: "reader.busy",
  permission: "reader.permission",
  "wrong-mode": "reader.wrong-mode",
  "unknown-layout": "reader.unknown-layout",
  failed: "reader.failed",
};
const ALLOWED: Readonly<Record<ReaderScript["kind"], readonly string[]>> = {
  scans: ["@hex", "@base64", "@repeat", "@wait", "@fault"],
  hid: ["@report", "@wait", "@fault"],
  serial: ["@bytes", "@wait", "@fault"],
  keys: ["@key", "@lost", "@wait", "@fault"],
};
const MAX_WAIT_MS = 86_400_000;
const MAX_REPEAT = 1_000_000;
const MAX_BYTES = 8192;

/**
 * Reads a script. Payload lines are taken as bytes, so a payload that is not UTF-8 is replayed as it was.
 *
 * @throws {ReaderFault} `reader.bad-spec` with the file and the line number.
 */
export function parseReaderScript(file: string, content: Uint8Array): ReaderScript {
  let script: ReaderScript | null = null;
  for (const [index, line] of lines(content).entries()) {
    const text = Buffer.from(line).toString("utf8");
    if (text.trim() === "" || text.startsWith("#")) continue;
    const header: ReaderScript | string | null = script === null ? parseHeader(text.trim()) : null;
    if (header !== null && typeof header !== "string") {
      script = header;
      continue;
    }
    script ??= { kind: "scans", steps: [] };
    const refusal: string | null = header ?? addLine(script, line, text);
    if (refusal !== null) {
      throw new ReaderFault("reader.bad-spec", `Line ${index + 1} of ${file} cannot be played: ${refusal}.`);
    }
  }
  return script ?? { kind: "scans", steps: [] };
}

/** The script a first line begins, null when it is the first step of a script of scans, or why it is neither. */
function parseHeader(text: string): ReaderScript | string | null {
  const [command, ...words] = text.split(/\s+/);
  if (command === "@serial" || command === "@keys") {
    if (words.length > 0) return `${command} stands alone on its line`;
    return command === "@serial" ? { kind: "serial", steps: [] } : { kind: "keys", steps: [] };
  }
  if (command !== "@hid") return null;
  const [id = "", ...rest] = words;
  const match = /^([0-9a-f]{4}):([0-9a-f]{4})$/i.exec(id);
  const descriptor = rest.length === 0 ? null : bytesOfHex(rest.join(""));
  if (match === null || typeof descriptor === "string") {
    return "@hid needs a vendor and a product, and may have a descriptor, for example @hid 0c2e:1007";
  }
  const [vendorId = 0, productId = 0] = match.slice(1).map((part) => Number.parseInt(part, 16));
  return { kind: "hid", vendorId, productId, descriptor, steps: [] };
}

/** Adds what a line says to its script; returns the reason when it says nothing that can be played. */
function addLine(script: ReaderScript, line: Uint8Array, text: string): string | null {
  if (!text.startsWith("@")) {
    if (script.kind !== "scans") return `what a device sent is written with ${ALLOWED[script.kind][0]}, not as text`;
    return addScan(script.steps, line);
  }
  const [command = "", ...words] = text.trim().split(/\s+/);
  if (!ALLOWED[script.kind].includes(command)) {
    return `${command} is not known here; allowed are ${ALLOWED[script.kind].join(", ")}`;
  }
  const rest = words.join("");
  if (command === "@wait") {
    const durationMs = wholeNumber(rest, MAX_WAIT_MS);
    if (durationMs === null) return `@wait needs whole milliseconds from 1 to ${MAX_WAIT_MS}, for example @wait 500`;
    script.steps.push({ kind: "wait", durationMs });
    return null;
  }
  if (command === "@fault") {
    const code = Object.hasOwn(FAULTS, rest) ? FAULTS[rest] : undefined;
    if (code === undefined) return `@fault needs one of ${Object.keys(FAULTS).join(", ")}`;
    script.steps.push({ kind: "fault", code });
    return null;
  }
  switch (script.kind) {
    case "scans":
      return addScanCommand(script.steps, command, rest);
    case "hid":
    case "serial": {
      const bytes = bytesOfHex(rest);
      if (typeof bytes === "string") return `${command} ${bytes}, for example ${command} 41 42`;
      script.steps.push({ kind: "send", sent: bytes });
      return null;
    }
    case "keys": {
      if (command === "@lost") {
        script.steps.push({ kind: "send", sent: "lost" });
        return null;
      }
      if (words.length === 0 || !words.every((word) => /^[+-][A-Za-z]\w*$/.test(word))) {
        return "@key needs names of keys with + for down and - for up, for example @key +KeyA -KeyA";
      }
      for (const word of words) script.steps.push({ kind: "send", sent: strokeOf(word) });
      return null;
    }
  }
}

function addScanCommand(steps: ScanStep[], command: string, rest: string): string | null {
  switch (command) {
    case "@hex": {
      const bytes = bytesOfHex(rest);
      return typeof bytes === "string" ? `@hex ${bytes}, for example @hex 41 42` : addScan(steps, bytes);
    }
    case "@base64":
      if (!/^[A-Za-z0-9+/]+={0,2}$/.test(rest)) return "@base64 needs base64 text, for example @base64 QUI=";
      return addScan(steps, Buffer.from(rest, "base64"));
    default: {
      const previous = steps.findLast((step) => step.kind === "scan");
      const times = wholeNumber(rest, MAX_REPEAT);
      if (times === null) return `@repeat needs a whole number from 1 to ${MAX_REPEAT}, for example @repeat 10`;
      if (previous === undefined) return "@repeat has no scan before it";
      steps.push({ ...previous, times });
      return null;
    }
  }
}

function addScan(steps: ScanStep[], bytes: Uint8Array): string | null {
  if (bytes.length > MAX_BYTES) return `a scan has at most ${MAX_BYTES} bytes`;
  steps.push({ kind: "scan", bytes: Uint8Array.from(bytes), times: 1 });
  return null;
}

function strokeOf(word: string): KeyStroke {
  return { code: word.slice(1), text: null, down: word.startsWith("+"), modifiers: null };
}

/** The bytes, or what is needed instead. */
function bytesOfHex(text: string): Uint8Array | string {
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) return "needs pairs of hexadecimal digits";
  return text.length > MAX_BYTES * 2 ? `has at most ${MAX_BYTES} bytes` : Uint8Array.from(Buffer.from(text, "hex"));
}

function wholeNumber(text: string, max: number): number | null {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= max ? value : null;
}

/** The lines without their ends and without the byte order mark some editors put in front. */
function lines(content: Uint8Array): Uint8Array[] {
  const start = content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf ? 3 : 0;
  const found: Uint8Array[] = [];
  for (let from = start; from < content.length; ) {
    const lineFeed = content.indexOf(0x0a, from);
    const end = lineFeed === -1 ? content.length : lineFeed;
    found.push(content.subarray(from, content[end - 1] === 0x0d && end > from ? end - 1 : end));
    from = end + 1;
  }
  return found;
}
