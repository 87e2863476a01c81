/**
 * What a driver saw, as the lines of a file that `simulated:FILE` replays. Pure; the file is `recording.ts`'s.
 *
 * Masked, the parts of one scan are held until it ends, because its letters are cut anywhere and what they become hangs
 * on all of it.
 */
import { createLayoutResolver, describedLayout, type LayoutSource } from "../hid-pos/layouts.ts";
import { parseScannerDescriptor } from "../hid-pos/report-descriptor.ts";
import type { ScanReport, ScanReportLayout } from "../hid-pos/scan-report.ts";
import type { RawEvent } from "../raw-tap.ts";
import { isEndByte, maskChunks, maskReports, maskStrokes } from "./mask-events.ts";
import type { ChoicesOf } from "./payload-mask.ts";

/** Turns events into lines. */
export interface RawRecorder {
  /** The lines that are complete with this event. */
  take(event: RawEvent): string[];
  /** The lines that are still held. */
  end(): string[];
}

/** Longer silences tell nothing more and make a replay slow. */
const MAX_WAIT_MS = 2000;
/** Silence behind which a scan may be over; the shortest of the drivers' own. */
const SCAN_GAP_MS = 250;
const MAX_HELD = 512;

type Sent = Extract<RawEvent, { atMs: number }>;

/** Makes a recorder; without `choicesOf` it records what was scanned as it was. */
export function createRawRecorder(choicesOf: ChoicesOf | null): RawRecorder {
  let hid: { readonly header: string; readonly layouts: LayoutSource } | null = null;
  let begun = false;
  let writtenMs = 0;
  let held: Sent[] = [];
  /** The scan a report must continue, and what is known of the reports that are held. */
  let continues: ScanReportLayout | null = null;
  let reads: (ScanReport | null)[] = [];

  const linesOf = (event: Sent): string[] => {
    const lines: string[] = [];
    if (!begun) {
      begun = true;
      writtenMs = event.atMs;
      lines.push(event.kind === "report" ? (hid?.header ?? "@hid 0000:0000") : HEADERS[event.kind]);
    }
    const waitMs = Math.round(event.atMs - writtenMs);
    writtenMs = waitMs > MAX_WAIT_MS ? event.atMs : writtenMs + Math.max(0, waitMs);
    if (waitMs > 0) lines.push(`@wait ${Math.min(waitMs, MAX_WAIT_MS)}`);
    return [...lines, lineOf(event)];
  };

  const release = (): string[] => {
    const events = choicesOf === null ? held : masked(held, reads, choicesOf);
    held = [];
    reads = [];
    continues = null;
    return events.flatMap(linesOf);
  };

  return {
    take(event) {
      if (event.kind === "hid") {
        hid = hidOf(event);
        return [];
      }
      const last = held.at(-1);
      const lines = last !== undefined && event.atMs - last.atMs >= SCAN_GAP_MS ? release() : [];
      const copy = "bytes" in event ? { ...event, bytes: Uint8Array.from(event.bytes) } : event;
      held.push(copy);
      let ended = choicesOf === null || held.length >= MAX_HELD;
      if (copy.kind === "report") {
        const read = hid?.layouts.read(copy.bytes, continues) ?? "unreadable";
        const isScan = typeof read !== "string";
        reads.push(isScan ? read : null);
        // A report of another kind in the middle of a scan changes nothing of it.
        if (read !== "other") continues = isScan && read.continued ? read.layout : null;
        ended ||= continues === null;
      } else {
        ended ||= endsScan(copy);
      }
      return ended ? [...lines, ...release()] : lines;
    },
    end: release,
  };
}

const HEADERS = { bytes: "@serial", key: "@keys", lost: "@keys" } as const;

function hidOf({ vendorId, productId, descriptor }: Extract<RawEvent, { kind: "hid" }>): {
  header: string;
  layouts: LayoutSource;
} {
  const id = [vendorId, productId].map((part) => part.toString(16).padStart(4, "0")).join(":");
  const described = descriptor === null ? null : parseScannerDescriptor(descriptor);
  return {
    header: descriptor === null ? `@hid ${id}` : `@hid ${id} ${hex(descriptor)}`,
    layouts: described === null ? createLayoutResolver(vendorId) : describedLayout(described.layout),
  };
}

function lineOf(event: Sent): string {
  switch (event.kind) {
    case "report":
    case "bytes":
      return `@${event.kind} ${hex(event.bytes)}`;
    case "key":
      return `@key ${event.stroke.down ? "+" : "-"}${event.stroke.code === "" ? "Unidentified" : event.stroke.code}`;
    case "lost":
      return "@lost";
  }
}

function endsScan(event: Sent): boolean {
  if (event.kind === "bytes") return isEndByte(event.bytes.at(-1) ?? 0);
  if (event.kind !== "key") return false;
  const { code, down } = event.stroke;
  return !down && (code === "Enter" || code === "NumpadEnter" || code === "Tab");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** The events of one scan, with its payload replaced; their bytes are copies and are changed in place. */
function masked(events: readonly Sent[], reads: readonly (ScanReport | null)[], choicesOf: ChoicesOf): Sent[] {
  const parts = events.flatMap((event) => ("bytes" in event ? [event.bytes] : []));
  if (events[0]?.kind === "report") maskReports(parts, reads, choicesOf);
  else maskChunks(parts, choicesOf);
  const strokes = events.flatMap((event) => (event.kind === "key" ? [event.stroke] : []));
  const others = maskStrokes(strokes, choicesOf).values();
  return events.map((event) =>
    event.kind === "key" ? { ...event, stroke: others.next().value ?? event.stroke } : event,
  );
}
