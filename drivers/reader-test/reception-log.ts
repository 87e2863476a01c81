/** Collects what a device delivers of one code, before and after its driver understood it. Pure, bounded. */
import { isEndByte } from "../framing/byte-framer.ts";
import type { RawEvent } from "../raw-tap.ts";
import type { RawScan } from "../reader.ts";
import type { Reception } from "./diagnose.ts";

export interface ReceptionLog {
  raw(event: RawEvent): void;
  scan(scan: Pick<RawScan, "bytes" | "aim" | "spoiled">): void;
  reception(): Reception;
}

/** One code in more pieces is not worth their names. */
const maxScans = 16;
const fewestKeys = 20;
const endKeys: Readonly<Record<string, string>> = { Enter: "Enter", NumpadEnter: "Enter", Tab: "TAB" };
const endBytes: Readonly<Record<number, string>> = { 9: "TAB", 10: "LF", 13: "CR", 3: "ETX", 4: "EOT" };

export function createReceptionLog(): ReceptionLog {
  const scans: Pick<RawScan, "bytes" | "aim" | "spoiled">[] = [];
  let anything = false;
  /** The end bytes since the last byte of text; null until a byte came. */
  let endingBytes: string[] | null = null;
  let lastKey: string | null = null;
  let keys = 0;
  let firstKeyMs = 0;
  let lastKeyMs = 0;

  const terminator = (): string | null => {
    if (endingBytes !== null) return endingBytes.length === 0 ? "none" : endingBytes.join("");
    return lastKey === null ? null : (endKeys[lastKey] ?? "none");
  };

  return {
    raw(event) {
      if (event.kind === "hid") return;
      anything = true;
      if (event.kind === "bytes") {
        for (const byte of event.bytes) {
          const isFirstEnd = isEndByte(byte) && endingBytes?.length !== 2;
          endingBytes = isFirstEnd
            ? [...(endingBytes ?? []), endBytes[byte] ?? ""]
            : isEndByte(byte)
              ? endingBytes
              : [];
        }
      }
      if (event.kind !== "key" || !event.stroke.down || /^(Shift|Control|Alt)/.test(event.stroke.code)) return;
      if (keys === 0) firstKeyMs = event.atMs;
      keys += 1;
      lastKeyMs = event.atMs;
      lastKey = event.stroke.code;
    },
    scan(scan) {
      anything = true;
      if (scans.length < maxScans) scans.push(scan);
    },
    reception: () => ({
      scans,
      anything,
      terminator: terminator(),
      msPerKey: keys < fewestKeys ? null : (lastKeyMs - firstKeyMs) / (keys - 1),
    }),
  };
}
