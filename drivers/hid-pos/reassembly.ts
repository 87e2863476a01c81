/**
 * Joins the reports of one scanner to scans: pure, bounded, no timers, no decoding. Bytes are joined before anyone
 * reads them as text, because a scanner cuts after 56 bytes, in the middle of a Vietnamese letter too.
 *
 * How a scan ends, and what it is then:
 * - A report without "continued": whole.
 * - 250 ms of silence after a full report that promised more: whole. Some firmware sets "continued" on every full
 *   report, so a payload of exactly 56, 112 or 168 bytes never gets another. Once this device has ended a scan
 *   on a full report without "continued", it is not such a firmware, and the same silence is a `gap`.
 * - Silence after a report that was not full, another AIM identifier in the middle, a broken report in the middle:
 *   `gap`. A new scan that begins within the 250 ms proves nothing about the one before, so that is not "whole".
 * - More than the cap: `overflow`, once; what is left of it is dropped.
 *
 * After a spoiled scan, what follows up to the scan's last report or to silence belongs to it and is dropped: the
 * tail of a person must not be read as a person.
 */
import { aimAt, type Frame } from "../framing/byte-framer.ts";
import type { LayoutSource } from "./layouts.ts";
import type { ScanReport, ScanReportLayout } from "./scan-report.ts";

/** Limits of an assembler. */
export interface ReportAssemblerOptions {
  /** The longest scan, in bytes; as for serial readers, the largest QR code holds 2,953. */
  readonly maxScanBytes?: number;
  /** Silence after which no continuation comes any more, in ms. Reports of one scan come about 16 ms apart. */
  readonly continuationTimeoutMs?: number;
}

/** An assembler for one opening of one device; never reuse it for the next opening. */
export interface ReportAssembler {
  /** Takes the report that arrived at `nowMs` and returns the scans it completes. It never ends a scan by time. */
  push(report: Uint8Array, nowMs: number): Frame[];
  /** When silence will end what is held, on the clock of `nowMs`; null while nothing is held. */
  deadlineMs(): number | null;
  /** Ends what is held if its silence is over at `nowMs`; otherwise nothing happens. */
  expire(nowMs: number): Frame[];
  /** A command was sent: until its acknowledgement, at most until `untilMs`, its reply is not taken for a scan. */
  expectReply(untilMs: number): void;
  /** Forgets what is held. */
  reset(): void;
}

/** Replies to commands come in the reports of scans (capture of a Voyager 1602g, 0C2E:0DB3). */
const ACKNOWLEDGEMENT_AIM = "]Z6";
const REPLY_AIM = "]X0";
const REPLY_CODE_ID = 0x3f;
/** Newland has no AIM field; its replies begin with STX, SOH and four zeros (FM430, 1EAB:1D10). */
const REPLY_PREFIX = [0x02, 0x01, 0x30, 0x30, 0x30, 0x30];

type State =
  | { readonly is: "idle" }
  | { readonly is: "holding"; readonly layout: ScanReportLayout; readonly aim: string; readonly lastFull: boolean }
  /** Dropping the rest of a spoiled scan; its AIM field is null when nobody could read it. */
  | { readonly is: "dropping"; readonly aim: string | null };

const IDLE: State = { is: "idle" };

/** Makes an assembler. Memory is one buffer of `maxScanBytes`, whatever the device sends. */
export function createReportAssembler(layouts: LayoutSource, options: ReportAssemblerOptions = {}): ReportAssembler {
  const { maxScanBytes = 8192, continuationTimeoutMs = 250 } = options;
  const held = new Uint8Array(maxScanBytes);
  let length = 0;
  let state: State = IDLE;
  let lastReportMs = 0;
  let endsFullReportsItself = false;
  let replyUntilMs = Number.NEGATIVE_INFINITY;

  /** What is held, as a frame; the state is the caller's. */
  const take = (spoiled: Frame["spoiled"]): Frame[] => {
    const aimField = state.is === "holding" && state.layout.aimAt !== null ? state.aim : null;
    const frame = toFrame(held.subarray(0, length), aimField, spoiled, lastReportMs);
    length = 0;
    return frame === null ? [] : [frame];
  };

  const isReply = ({ layout, aim, codeId, data, continued }: ScanReport, nowMs: number): boolean => {
    if (layout.aimAt === null) {
      return nowMs <= replyUntilMs && REPLY_PREFIX.every((byte, index) => data[index] === byte);
    }
    if (aim === ACKNOWLEDGEMENT_AIM) {
      replyUntilMs = Number.NEGATIVE_INFINITY;
      return true;
    }
    if (nowMs > replyUntilMs || aim !== REPLY_AIM) return false;
    if (codeId !== null && codeId !== REPLY_CODE_ID) return false;
    if (continued) replyUntilMs = Math.max(replyUntilMs, nowMs + continuationTimeoutMs);
    return true;
  };

  /** Adds a readable report to the scan that `state` says, or begins one. */
  const add = ({ layout, aim, data, continued }: ScanReport): Frame[] => {
    if (state.is === "idle" && data.length === 0 && !continued) return [];
    state = { is: "holding", layout, aim: state.is === "holding" ? state.aim : aim, lastFull: false };
    const fitting = data.subarray(0, maxScanBytes - length);
    held.set(fitting, length);
    length += fitting.length;
    const isFull = data.length === layout.dataBytes;
    if (fitting.length < data.length) {
      const frames = take("overflow");
      state = continued ? { is: "dropping", aim } : IDLE;
      return frames;
    }
    if (continued) {
      state = { ...state, lastFull: isFull };
      return [];
    }
    endsFullReportsItself ||= isFull;
    const frames = take(null);
    state = IDLE;
    return frames;
  };

  return {
    push(report, nowMs) {
      const read = layouts.read(report, state.is === "holding" ? state.layout : null);
      if (read === "other") return [];
      if (read === "unreadable") {
        if (nowMs <= replyUntilMs && state.is === "idle") return [];
        lastReportMs = nowMs;
        if (state.is === "dropping") return [];
        const frames = take("gap");
        state = { is: "dropping", aim: state.is === "holding" ? state.aim : null };
        return frames;
      }
      if (isReply(read, nowMs)) {
        if (!read.continued || read.layout.aimAt !== null) return [];
        // Without an AIM field only its first report says that it is one.
        const interrupted = state.is === "holding" ? take("gap") : [];
        lastReportMs = nowMs;
        state = { is: "dropping", aim: read.aim };
        return interrupted;
      }
      const frames: Frame[] = [];
      if (state.is !== "idle" && state.aim !== null && !isSameScan(read, state.aim)) {
        if (state.is === "holding") frames.push(...take("gap"));
        state = IDLE;
      }
      lastReportMs = nowMs;
      if (state.is === "dropping") {
        if (!read.continued) state = IDLE;
        return frames;
      }
      frames.push(...add(read));
      return frames;
    },

    deadlineMs() {
      return state.is === "idle" ? null : lastReportMs + continuationTimeoutMs;
    },

    expire(nowMs) {
      const deadlineMs = this.deadlineMs();
      if (deadlineMs === null || nowMs < deadlineMs) return [];
      const isWhole = state.is === "holding" && state.lastFull && !endsFullReportsItself;
      const frames = state.is === "holding" ? take(isWhole ? null : "gap") : [];
      state = IDLE;
      return frames;
    },

    expectReply(untilMs) {
      replyUntilMs = untilMs;
    },

    reset() {
      length = 0;
      state = IDLE;
    },
  };
}

/** An empty report that only closes a scan may leave its AIM field empty too. */
function isSameScan(read: ScanReport, aim: string): boolean {
  return read.aim === aim || (read.data.length === 0 && read.aim === "\0\0\0");
}

/** Splits off the AIM identifier and the suffix a reader may be set to send; null when nothing is left of a scan. */
function toFrame(
  raw: Uint8Array,
  aimField: string | null,
  spoiled: Frame["spoiled"],
  receivedMs: number,
): Frame | null {
  let end = raw.length;
  while (end > 0 && isSuffix(raw[end - 1])) end--;
  const payload = raw.subarray(0, end);
  const aim = aimAt(aimField === null ? payload : Buffer.from(aimField, "latin1"));
  const bytes = payload.slice(aimField === null && aim !== null ? aim.length : 0);
  return bytes.length === 0 && spoiled === null ? null : { bytes, aim, spoiled, receivedMs };
}

/** CR, LF, TAB, NUL. */
function isSuffix(byte: number | undefined): boolean {
  return byte === 0x0d || byte === 0x0a || byte === 0x09 || byte === 0x00;
}
