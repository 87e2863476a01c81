/** The records of the grabbing program, cut out of its stream wherever the chunks fall. */
import { endianness } from "node:os";
import { RECORD_BYTES } from "./grab-program.ts";

/** A key going down or up, or keys that the system lost because nobody read them in time. */
export type KeyRecord =
  | { readonly kind: "key"; readonly keyNumber: number; readonly down: boolean }
  | { readonly kind: "lost" };

const EV_SYN = 0;
const EV_KEY = 1;
const SYN_DROPPED = 3;
const UP = 0;
const DOWN = 1;

/** Makes a parser for one stream. Keys that repeat because they are held are no strokes of a reader and left out. */
export function createRecordParser(): (chunk: Uint8Array) => KeyRecord[] {
  const littleEndian = endianness() === "LE";
  let rest = new Uint8Array();
  return (chunk) => {
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    const view = new DataView(bytes.buffer);
    const whole = bytes.length - (bytes.length % RECORD_BYTES);
    const records: KeyRecord[] = [];
    for (let at = 0; at < whole; at += RECORD_BYTES) {
      const type = view.getUint16(at, littleEndian);
      const code = view.getUint16(at + 2, littleEndian);
      const value = view.getInt32(at + 4, littleEndian);
      if (type === EV_SYN && code === SYN_DROPPED) records.push({ kind: "lost" });
      else if (type === EV_KEY && (value === UP || value === DOWN)) {
        records.push({ kind: "key", keyNumber: code, down: value === DOWN });
      }
    }
    rest = bytes.slice(whole);
    return records;
  };
}
