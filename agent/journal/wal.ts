import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readSync, statSync, writeSync } from "node:fs";

/** One page image in the log (SQLite file format, section 4). */
export interface WalFrame {
  /** Page number in the database. */
  readonly page: number;
  readonly image: Buffer;
  /** SQLite replays it: it and everything before it is sound, and so is the commit it belongs to. */
  readonly isReplayed: boolean;
}

export interface Wal {
  readonly pageSize: number;
  /** The frames of the log's present turn, oldest first. */
  readonly frames: readonly WalFrame[];
  /**
   * Commits behind a broken one: SQLite stops at that one, calls the file sound, and writes over them. A power cut leaves
   * none: before a commit is begun the one before it is on the disk.
   */
  readonly hiddenCommits: number;
}

const headerBytes = 32;
/** A log that another program kept from being folded in may be of any size: a larger one is left to SQLite alone. */
const longestReadBytes = 256 << 20;
const pieceBytes = 1 << 20;
const frameHeaderBytes = 24;
const magicLittle = 0x377f0682;
const magicBig = 0x377f0683;

/** Reads a `-wal` file without SQLite; null when there is none, it is too large, or nobody can tell what it is. */
export function readWal(file: string): Wal | null {
  if (!existsSync(file) || statSync(file).size > longestReadBytes) return null;
  const bytes = readFileSync(file);
  if (bytes.length < headerBytes) return null;
  const magic = bytes.readUInt32BE(0);
  if (magic !== magicLittle && magic !== magicBig) return null;
  const pageSize = bytes.readUInt32BE(8);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) return null;
  const isBig = magic === magicBig;
  const salts = bytes.subarray(16, 24);
  let chain = checksum([0, 0], bytes.subarray(0, 24), isBig);
  let isWhole = sumAt(bytes, 24, chain);
  const read: { page: number; image: Buffer; isCommit: boolean; isWhole: boolean }[] = [];
  const frameBytes = frameHeaderBytes + pageSize;
  const hasSalts = (at: number): boolean =>
    at + frameBytes <= bytes.length && bytes.subarray(at + 8, at + 16).equals(salts);
  // Other salts are what an earlier turn left behind; a single frame may have lost its own to a flipped bit.
  for (let at = headerBytes; hasSalts(at) || hasSalts(at + frameBytes); at += frameBytes) {
    const header = bytes.subarray(at, at + frameHeaderBytes);
    const image = bytes.subarray(at + frameHeaderBytes, at + frameBytes);
    chain = checksum(checksum(chain, header.subarray(0, 8), isBig), image, isBig);
    isWhole &&= hasSalts(at) && sumAt(header, 16, chain);
    read.push({ page: header.readUInt32BE(0), image, isCommit: header.readUInt32BE(4) !== 0, isWhole });
  }
  const replayed = read.findLastIndex((frame) => frame.isWhole && frame.isCommit) + 1;
  return {
    pageSize,
    frames: read.map(({ page, image }, index) => ({ page, image, isReplayed: index < replayed })),
    hiddenCommits: Math.max(0, read.slice(replayed).filter(({ isCommit }) => isCommit).length - 1),
  };
}

/**
 * Writes what the log holds once more and forces it to the disk. After a failed fsync Linux may count pages as written
 * that never were: they read back from memory and a second fsync says yes without writing. Written again they are
 * dirty again, so the fsync means what it says. (PostgreSQL wiki, Fsync Errors.)
 *
 * To be called while SQLite has the file open nowhere for writing. Throws what the file system throws.
 */
export function rewriteWal(file: string): void {
  if (!existsSync(file)) return;
  const descriptor = openSync(file, "r+");
  try {
    const piece = Buffer.alloc(pieceBytes);
    for (let at = 0; ; ) {
      const length = readSync(descriptor, piece, 0, pieceBytes, at);
      if (length === 0) break;
      for (let done = 0; done < length; ) done += writeSync(descriptor, piece, done, length - done, at + done);
      at += length;
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function sumAt(bytes: Buffer, at: number, [one, two]: readonly [number, number]): boolean {
  return bytes.readUInt32BE(at) === one && bytes.readUInt32BE(at + 4) === two;
}

/** Fletcher's sum over pairs of 32-bit words (SQLite file format, section 4.2). */
function checksum([one, two]: readonly [number, number], bytes: Buffer, isBig: boolean): [number, number] {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [a, b] = [one, two];
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + words.getUint32(at, !isBig) + b) >>> 0;
    b = (b + words.getUint32(at + 4, !isBig) + a) >>> 0;
  }
  return [a, b];
}
