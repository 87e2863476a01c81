import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { readWal, type Wal } from "./wal.ts";

/** Columns of `entry` in the order in which the migrations added them: the order in which a record holds them. */
const entryColumns = [
  "seq",
  "id",
  "schema",
  "boot_id",
  "mono_ms",
  "wall_ms",
  "clock_state",
  "checkpoint_id",
  "staff_ref",
  "reader_id",
  "reader_name",
  "kind",
  "direction",
  "marks",
  "person_tag",
  "body",
  "state",
  "state_at",
  "attempts",
  "last_code",
  "data_key",
] as const;
/** Columns of the first schema; records keep the length that they were written with. */
const fewestColumns = 20;

type Value = null | number | string | Buffer;

const tableLeaf = 0x0d;
const databaseHeaderBytes = 100;
const fileMagic = "SQLite format 3\0";

/** Where pages are read from; null when a page cannot be had. */
type PageSource = (number: number) => Buffer | null;

/**
 * Every row of `entry` that lies anywhere in a database file and its log, whatever became of the tree that leads to it
 * and of the checksums around it. A row may come more than once, and nothing says that it is whole: its seal tells.
 * (SQLite file format, sections 1.5, 1.6 and 2.1.)
 */
export function* salvagedRows(file: string): Generator<Record<string, Value>> {
  const { wal, fault } = logOf(file);
  yield* rowsWith(wal, file);
  // After all that can be read without it.
  if (fault !== null) throw fault;
}

function logOf(file: string): { wal: Wal | null; fault: unknown } {
  try {
    return { wal: readWal(`${file}-wal`), fault: null };
  } catch (fault) {
    return { wal: null, fault };
  }
}

function* rowsWith(wal: Wal | null, file: string): Generator<Record<string, Value>> {
  if (!existsSync(file)) {
    if (wal !== null) yield* rowsInLog(wal, () => true);
    return;
  }
  const descriptor = openSync(file, "r");
  try {
    const pageSize = wal?.pageSize ?? pageSizeOf(descriptor);
    const newest = new Map<number, Buffer>();
    for (const frame of wal?.frames ?? []) if (frame.isReplayed) newest.set(frame.page, frame.image);
    const inFile = (number: number): Buffer | null => readPage(descriptor, number, pageSize);
    const pageAt: PageSource = (number) => newest.get(number) ?? inFile(number);
    const last = lastPage(descriptor, pageSize);
    for (let number = 1; number <= last; number++) {
      const page = pageAt(number);
      if (page !== null) yield* rowsOn(page, number, pageAt);
    }
    for (const [number, page] of newest) if (number > last) yield* rowsOn(page, number, pageAt);
    if (wal !== null) yield* rowsInLog(wal, (frame) => !frame.isReplayed, pageAt);
  } finally {
    closeSync(descriptor);
  }
}

/** Rows in those frames of a log that `wanted` names. */
export function* rowsInLog(
  { frames }: Wal,
  wanted: (frame: Wal["frames"][number]) => boolean,
  beyond: PageSource = () => null,
): Generator<Record<string, Value>> {
  const images = new Map<number, Buffer>();
  for (const { page, image } of frames) images.set(page, image);
  const pageAt: PageSource = (number) => images.get(number) ?? beyond(number);
  for (const frame of frames) if (wanted(frame)) yield* rowsOn(frame.image, frame.page, pageAt);
}

function* rowsOn(page: Buffer, number: number, pageAt: PageSource): Generator<Record<string, Value>> {
  const start = number === 1 ? databaseHeaderBytes : 0;
  if (page[start] !== tableLeaf) return;
  const cells = page.readUInt16BE(start + 3);
  for (let index = 0; index < cells; index++) {
    const pointer = start + 8 + index * 2;
    if (pointer + 2 > page.length) return;
    try {
      const row = rowAt(page, page.readUInt16BE(pointer), pageAt);
      if (row !== null) yield row;
    } catch (error) {
      // A cell that leads outside its page: damaged, or never a cell.
      if (!(error instanceof RangeError)) throw error;
    }
  }
}

function rowAt(page: Buffer, at: number, pageAt: PageSource): Record<string, Value> | null {
  const cell = new Reading(page, at);
  const length = cell.varint();
  const seq = cell.varint();
  const payload = payloadOf(page, cell.at, length, pageAt);
  if (payload === null) return null;
  const values = recordValues(payload);
  if (values.length < fewestColumns) return null;
  // The key of the table stands outside its record.
  const row: Record<string, Value> = { data_key: null };
  for (const [index, name] of entryColumns.entries()) {
    const value = values[index];
    if (value !== undefined) row[name] = value;
  }
  return { ...row, seq };
}

/** Longest scan there is, sealed, many times over: a damaged length must not ask for the whole memory. */
const longestPayload = 1 << 20;

/** What does not fit a page goes on in a chain of others. */
function payloadOf(page: Buffer, at: number, length: number, pageAt: PageSource): Buffer | null {
  if (length > longestPayload) return null;
  const usable = page.length;
  const mostHere = usable - 35;
  if (length <= mostHere) return at + length <= page.length ? page.subarray(at, at + length) : null;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fitting = least + ((length - least) % (usable - 4));
  const here = fitting <= mostHere ? fitting : least;
  const parts = [page.subarray(at, at + here)];
  let missing = length - here;
  for (let next = page.readUInt32BE(at + here); missing > 0; ) {
    const overflow = next === 0 ? null : pageAt(next);
    if (overflow === null) return null;
    const part = overflow.subarray(4, 4 + Math.min(missing, usable - 4));
    parts.push(part);
    missing -= part.length;
    next = overflow.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

function recordValues(payload: Buffer): Value[] {
  const header = new Reading(payload, 0);
  const headerLength = header.varint();
  if (headerLength > payload.length) return [];
  const values: Value[] = [];
  let at = headerLength;
  while (header.at < headerLength) {
    const type = header.varint();
    const bytes = type >= 12 ? (type - 12) >> 1 : (fixedBytes[type] ?? 0);
    if (at + bytes > payload.length) return [];
    values.push(scalarOf(type, payload.subarray(at, at + bytes)));
    at += bytes;
  }
  return values;
}

/** Bytes of the serial types 0 to 9. */
const fixedBytes = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0] as const;

function scalarOf(type: number, bytes: Buffer): Value {
  if (type >= 12) return type % 2 === 0 ? Buffer.from(bytes) : bytes.toString("utf8");
  if (type === 0) return null;
  if (type >= 8) return type - 8;
  if (type === 7) return bytes.readDoubleBE(0);
  return bytes.length === 8 ? Number(bytes.readBigInt64BE(0)) : bytes.readIntBE(0, bytes.length);
}

/** SQLite's numbers of one to nine bytes. */
class Reading {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  varint(): number {
    let value = 0;
    for (let count = 0; count < 8; count++) {
      const byte = this.#bytes.readUInt8(this.at++);
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
    return value * 256 + this.#bytes.readUInt8(this.at++);
  }
}

function pageSizeOf(descriptor: number): number {
  const header = Buffer.alloc(databaseHeaderBytes);
  readSync(descriptor, header, 0, databaseHeaderBytes, 0);
  const said = header.readUInt16BE(16);
  const size = said === 1 ? 65_536 : said;
  const isSaid =
    header.toString("latin1", 0, fileMagic.length) === fileMagic && size >= 512 && (size & (size - 1)) === 0;
  return isSaid ? size : 4_096;
}

function lastPage(descriptor: number, pageSize: number): number {
  return Math.floor(fstatSync(descriptor).size / pageSize);
}

function readPage(descriptor: number, number: number, pageSize: number): Buffer | null {
  const page = Buffer.alloc(pageSize);
  try {
    return readSync(descriptor, page, 0, pageSize, (number - 1) * pageSize) === pageSize ? page : null;
  } catch {
    return null;
  }
}
