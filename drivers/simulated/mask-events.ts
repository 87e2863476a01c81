/** Replaces the payload in what a device sent, for one scan at a time: {@link maskPayload} for each transport. */
import type { ScanReport } from "../hid-pos/scan-report.ts";
import type { KeyStroke } from "../keyboard/key-stroke.ts";
import { type ChoicesOf, maskPayload } from "./payload-mask.ts";

/** Masks the data of all reports as one payload, then everything else that is not known to be the transport's. */
export function maskReports(
  reports: readonly Uint8Array[],
  reads: readonly (ScanReport | null)[],
  choicesOf: ChoicesOf,
): void {
  const data: Place[] = [];
  for (const [index, report] of reports.entries()) {
    const kept = keptOffsets(report, reads[index] ?? null);
    const { dataAt = 0, length = 0 } = dataRange(reads[index] ?? null);
    const rest: Place[] = [];
    for (let at = 0; at < report.length; at++) {
      if (at >= dataAt && at < dataAt + length) data.push({ report, at });
      else if (!kept.has(at)) rest.push({ report, at });
    }
    maskPlaces(rest, choicesOf);
  }
  maskPlaces(data, choicesOf);
}

interface Place {
  readonly report: Uint8Array;
  readonly at: number;
}

function maskPlaces(places: readonly Place[], choicesOf: ChoicesOf): void {
  const masked = maskPayload(
    Uint8Array.from(places, ({ report, at }) => report[at] ?? 0),
    choicesOf,
  );
  for (const [index, { report, at }] of places.entries()) report[at] = masked[index] ?? 0;
}

function dataRange(read: ScanReport | null): { dataAt?: number; length?: number } {
  return read === null ? {} : { dataAt: read.layout.dataAt, length: read.data.length };
}

/** Of a report nobody can read the first two bytes stay: its number, and what is a count in every known layout. */
function keptOffsets(report: Uint8Array, read: ScanReport | null): ReadonlySet<number> {
  if (read === null) return new Set((report[1] ?? 0) < report.length ? [0, 1] : [0]);
  const { countAt, aimAt, codeIdAt, continued, reportId } = read.layout;
  // Where a descriptor is not true, the field may hold the beginning of a card.
  const aim = aimAt === null || !/^\][A-Za-z]/.test(read.aim) ? [] : [aimAt, aimAt + 1, aimAt + 2];
  return new Set([...(reportId === 0 ? [] : [0]), countAt, ...aim, codeIdAt ?? countAt, continued?.at ?? countAt]);
}

/** Masks the frames of a serial reader, whichever chunks their bytes came in. */
export function maskChunks(chunks: readonly Uint8Array[], choicesOf: ChoicesOf): void {
  let frame: Place[] = [];
  for (const report of chunks) {
    for (const [at, byte] of report.entries()) {
      if (isEndByte(byte)) {
        maskPlaces(frame, choicesOf);
        frame = [];
      } else {
        frame.push({ report, at });
      }
    }
  }
  maskPlaces(frame, choicesOf);
}

/** Tab to EOT, the ends the byte framer knows. */
export function isEndByte(byte: number): boolean {
  return byte === 0x0d || byte === 0x0a || byte === 0x09 || byte === 0x03 || byte === 0x04;
}

/** Keys that may stand for each other: hexadecimal letters apart, because they also spell characters as numbers. */
const KEY_CLASSES: readonly (readonly string[])[] = [
  Array.from("ABCDEF").map((letter) => `Key${letter}`),
  Array.from("GHIJKLMNOPQRSTUVWXYZ").map((letter) => `Key${letter}`),
  Array.from("0123456789").map((digit) => `Digit${digit}`),
  Array.from("0123456789").map((digit) => `Numpad${digit}`),
];

/** Other keys for letters and digits; a key goes up as what it went down. Ctrl+Shift+U stays what it is. */
export function maskStrokes(strokes: readonly KeyStroke[], choicesOf: ChoicesOf): KeyStroke[] {
  const choose = choicesOf(Buffer.from(strokes.map(({ code, down }) => `${down} ${code}`).join()));
  const down = new Map<string, string>();
  let control = false;
  return strokes.map((stroke) => {
    const { code } = stroke;
    if (code.startsWith("Control")) control = stroke.down;
    const keys = control && code === "KeyU" ? undefined : KEY_CLASSES.find((keys) => keys.includes(code));
    if (stroke.down && keys !== undefined) down.set(code, keys[choose(keys.length)] ?? code);
    return { ...stroke, code: keys === undefined ? code : (down.get(code) ?? keys[0] ?? code), text: null };
  });
}
