/** How what arrived lies on what was expected: what stands around it, and what of it is missing. Pure. */
import type { ByteText } from "./byte-text.ts";
import { type Finding, finding, severityOf } from "./findings.ts";

/** So much of a code begins it and no other thing: {@link startMark} and the letter behind it. */
const startLength = 6;
/** Less than this in common is chance. */
const fewestBytes = 9;
/** So many in the right order, with anything missing between them, are no chance either. */
const fewestScattered = 20;
/** HID POS carries so many bytes in a report (readers.md 4). */
const reportBytes = 56;
const longestShown = 8;

/**
 * What happened between `expected` and `arrived`, or null when they do not fit at all. An empty list is equality.
 */
export function align(arrived: ByteText, expected: ByteText): Finding[] | null {
  if (arrived === expected) return [];
  const begins = startsOf(arrived, expected.slice(0, startLength));
  if (begins.length > 1) {
    const pieces = begins.map((from, at) => alignOne(arrived.slice(from, begins[at + 1] ?? arrived.length), expected));
    const best = cheapest(pieces.filter((piece) => piece !== null).map((piece) => withoutEdges(piece)));
    return best === null ? null : [finding("joined", `${begins.length} times`), ...best];
  }
  return alignOne(arrived, expected);
}

/** Costs of an explanation: the one with the fewest and simplest faults is taken. */
export function costOf(findings: readonly Finding[]): number {
  return findings.reduce((sum, one) => sum + (weights[one.code] ?? (severityOf(one) === "fault" ? 1 : 0.6)), 0);
}

const weights: Partial<Record<Finding["code"], number>> = {
  split: 0.9,
  gap: 1.5,
  "start-lost": 1.2,
  "pieces-lost": 2.6,
};

function alignOne(arrived: ByteText, expected: ByteText): Finding[] | null {
  const whole = alignAtMarks(arrived, expected);
  if (whole !== null || arrived.length < fewestScattered || !isSubsequence(arrived, expected)) return whole;
  return [finding("pieces-lost", `${expected.length - arrived.length} bytes`)];
}

function alignAtMarks(arrived: ByteText, expected: ByteText): Finding[] | null {
  const from = arrived.indexOf(expected.slice(0, startLength));
  if (from >= 0) {
    const ahead = arrived.slice(0, from);
    // The end of the same code in front of its beginning is the scan before, whose own beginning was lost.
    const isScanBefore = commonEnd(ahead, expected) >= fewestBytes;
    const before = isScanBefore ? [finding("joined", "2 times")] : edge("prefix", ahead);
    const rest = alignFromStart(arrived.slice(from), expected);
    return rest && [...before, ...rest];
  }
  const inside = arrived.length < fewestBytes ? -1 : expected.indexOf(arrived);
  if (inside > 0 && inside + arrived.length < expected.length) {
    return [finding("start-lost", `${inside} bytes`), finding("truncated", `${inside + arrived.length}`)];
  }
  const tail = commonEnd(arrived, expected);
  if (tail < fewestBytes || arrived.length - tail > longestShown) return null;
  const lost = finding("start-lost", `${expected.length - tail} bytes`);
  return [...edge("prefix", arrived.slice(0, arrived.length - tail)), lost];
}

function alignFromStart(arrived: ByteText, expected: ByteText): Finding[] | null {
  if (arrived.startsWith(expected)) return edge("suffix", arrived.slice(expected.length));
  const head = commonStart(arrived, expected);
  const tail = commonEnd(arrived, expected);
  const missing = expected.length - arrived.length;
  if (head === arrived.length) {
    if (head < fewestBytes) return null;
    return [head % reportBytes === 0 ? finding("reports-lost", `after byte ${head}`) : finding("truncated", `${head}`)];
  }
  if (missing > 0 && tail > 0 && head + tail >= arrived.length)
    return [missingPiece(arrived.length - tail, head, missing)];
  // Cut, and the reader's own ending behind the cut.
  const ending = arrived.slice(head);
  if (head >= fewestBytes && missing > 0 && ending.length <= longestShown) {
    return [finding("truncated", `${head}`), ...edge("suffix", ending)];
  }
  const end = arrived.lastIndexOf(expected.slice(-startLength)) + startLength;
  if (end >= startLength && end < arrived.length) {
    const core = alignFromStart(arrived.slice(0, end), expected);
    return core && [...core, ...edge("suffix", arrived.slice(end))];
  }
  return null;
}

/** Where equal bytes lie around it, a missing piece has no exact beginning: somewhere in `earliest` to `latest`. */
function missingPiece(earliest: number, latest: number, length: number): Finding {
  const boundary = Math.ceil(earliest / reportBytes) * reportBytes;
  return length % reportBytes === 0 && boundary > 0 && boundary <= latest
    ? finding("reports-lost", `${length} bytes after byte ${boundary}`)
    : finding("gap", `${length} bytes after byte ${latest}`);
}

const aimAtEnd = /^(.*?)(\][A-Za-z][0-9A-Za-z])$/s;

/** What a reader puts around a code. */
function edge(side: "prefix" | "suffix", bytes: ByteText): Finding[] {
  if (bytes === "") return [];
  if (side === "prefix") {
    const aim = aimAtEnd.exec(bytes);
    // Only one is taken off.
    if (aim && !aimAtEnd.test(aim[1] ?? "")) {
      return [...edge(side, aim[1] ?? ""), finding("aim-identifier", aim[2] ?? null)];
    }
  }
  if (Array.from(bytes).every((byte) => byte <= " " || byte === "\x7f")) {
    return [finding("control-characters", hex(bytes))];
  }
  const isShown = bytes.length <= longestShown && /^[\x20-\x7e]+$/.test(bytes);
  return [finding(side, isShown ? bytes : `${bytes.length} bytes`)];
}

function withoutEdges(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ code }) => code !== "prefix" && code !== "suffix" && code !== "control-characters");
}

function cheapest(explanations: readonly Finding[][]): Finding[] | null {
  return explanations.toSorted((one, other) => costOf(one) - costOf(other))[0] ?? null;
}

function startsOf(arrived: ByteText, start: ByteText): number[] {
  const found: number[] = [];
  for (let at = arrived.indexOf(start); at >= 0; at = arrived.indexOf(start, at + 1)) found.push(at);
  return found;
}

function commonStart(one: string, other: string): number {
  let length = 0;
  while (length < one.length && length < other.length && one[length] === other[length]) length++;
  return length;
}

function commonEnd(one: string, other: string): number {
  let length = 0;
  while (length < one.length && length < other.length && one.at(-1 - length) === other.at(-1 - length)) length++;
  return length;
}

function isSubsequence(part: string, whole: string): boolean {
  let at = 0;
  for (const character of part) {
    at = whole.indexOf(character, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

function hex(bytes: ByteText): string {
  return Array.from(bytes.slice(0, longestShown), (one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
}
