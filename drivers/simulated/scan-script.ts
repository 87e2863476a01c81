/**
 * The script of a simulated reader, one step a line, for demonstrations, support and tests.
 *
 *     # a comment; blank lines are skipped
 *     012345678901|...        any other line is the payload of one scan, byte for byte
 *     @hex 41 42 0D           a scan given in hexadecimal
 *     @base64 QUI=            a scan given in base64
 *     @repeat 10              the scan before, ten times more
 *     @wait 500               nothing for 500 ms
 *     @fault unplugged        the reader faults: unplugged, not-found, busy, permission or failed
 */
import { ReaderFault, type ReaderFaultCode } from "../reader.ts";

/** One step of a script. */
export type ScriptStep =
  | { readonly kind: "scan"; readonly bytes: Uint8Array; readonly times: number }
  | { readonly kind: "wait"; readonly durationMs: number }
  | { readonly kind: "fault"; readonly code: ReaderFaultCode };

const FAULTS: Readonly<Record<string, ReaderFaultCode>> = {
  unplugged: "reader.unplugged",
  "not-found": "reader.not-found",
  busy: "reader.busy",
  permission: "reader.permission",
  failed: "reader.failed",
};
const MAX_WAIT_MS = 86_400_000;
const MAX_REPEAT = 1_000_000;
const MAX_SCAN_BYTES = 8192;

/**
 * Reads a script. Payload lines are taken as bytes, so a recording that is not UTF-8 is replayed as it was.
 *
 * @throws {ReaderFault} `reader.bad-spec` with the file and the line number.
 */
export function parseScanScript(file: string, content: Uint8Array): ScriptStep[] {
  const steps: ScriptStep[] = [];
  for (const [index, line] of lines(content).entries()) {
    const text = Buffer.from(line).toString("utf8");
    if (text.trim() === "" || text.startsWith("#")) continue;
    const step = text.startsWith("@") ? parseCommand(text.trim(), steps) : scan(line);
    if (typeof step === "string") {
      throw new ReaderFault("reader.bad-spec", `Line ${index + 1} of ${file} cannot be played: ${step}.`);
    }
    steps.push(step);
  }
  return steps;
}

/** A step, or the reason why there is none. */
function parseCommand(text: string, before: readonly ScriptStep[]): ScriptStep | string {
  const [command = "", ...words] = text.split(/\s+/);
  const rest = words.join("");
  switch (command) {
    case "@hex":
      if (!/^(?:[0-9a-f]{2})+$/i.test(rest)) return "@hex needs pairs of hexadecimal digits, for example @hex 41 42";
      return scan(Buffer.from(rest, "hex"));
    case "@base64":
      if (rest === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(rest))
        return "@base64 needs base64 text, for example @base64 QUI=";
      return scan(Buffer.from(rest, "base64"));
    case "@wait": {
      const durationMs = wholeNumber(rest, MAX_WAIT_MS);
      return durationMs === null
        ? `@wait needs whole milliseconds from 1 to ${MAX_WAIT_MS}, for example @wait 500`
        : { kind: "wait", durationMs };
    }
    case "@repeat": {
      const previous = before.findLast((step) => step.kind === "scan");
      const times = wholeNumber(rest, MAX_REPEAT);
      if (times === null) return `@repeat needs a whole number from 1 to ${MAX_REPEAT}, for example @repeat 10`;
      return previous === undefined ? "@repeat has no scan before it" : { ...previous, times };
    }
    case "@fault": {
      const code = Object.hasOwn(FAULTS, rest) ? FAULTS[rest] : undefined;
      return code === undefined ? `@fault needs one of ${Object.keys(FAULTS).join(", ")}` : { kind: "fault", code };
    }
    default:
      return `${command} is not a command; allowed are @hex, @base64, @repeat, @wait, @fault`;
  }
}

function scan(bytes: Uint8Array): ScriptStep | string {
  if (bytes.length > MAX_SCAN_BYTES) return `a scan has at most ${MAX_SCAN_BYTES} bytes`;
  return { kind: "scan", bytes: Uint8Array.from(bytes), times: 1 };
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
