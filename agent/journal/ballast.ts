import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import path from "node:path";

/** Room that is kept beside the journal, so that a full disk can be cured: its bytes are real ones. */
export const ballastFile = "journal.ballast";
const pieceBytes = 1 << 20;

/** Bytes that this user can still write where `file` lies, and how many there are in all. */
export function diskSpace(file: string): { readonly free: number; readonly total: number } {
  const { bavail, blocks, bsize } = statfsSync(path.dirname(file));
  return { free: bavail * bsize, total: blocks * bsize };
}

/** Gives the ballast back when the disk is full already; whoever opens the journal afterwards ends the cure. */
export function giveBackWhereFull(journal: string, bytes: number): void {
  const ballast = new Ballast(journal, bytes);
  if (diskSpace(journal).free < ballast.spareBytes) ballast.release();
}

/** The ballast of one journal. */
export class Ballast {
  readonly #file: string;
  readonly #bytes: number;

  constructor(journal: string, bytes: number) {
    this.#file = path.join(path.dirname(journal), ballastFile);
    this.#bytes = bytes;
  }

  get isWhole(): boolean {
    return this.#present() >= this.#bytes;
  }

  /** Gives its room back. */
  release(): void {
    rmSync(this.#file, { force: true });
  }

  /**
   * Adds at most `pieces` MiB, as long as enough stays free beside the whole of it. What is written is neither sparse nor
   * compressible, and forced to the disk.
   */
  grow(pieces: number): void {
    const missing = this.#bytes - this.#present();
    if (missing <= 0 || diskSpace(this.#file).free < missing + this.spareBytes) return;
    this.#append(Math.min(missing, pieces * pieceBytes));
  }

  /** Takes its room back as far as `free` allows; true when at least half of it is there again. */
  fill(free: number): boolean {
    const missing = this.#bytes - this.#present();
    this.#append(Math.max(0, Math.min(missing, free - this.spareBytes / 2)));
    return this.#present() >= this.#bytes / 2;
  }

  /** The floor: below it nothing is recorded until there is room again. */
  get spareBytes(): number {
    return Math.ceil(this.#bytes / 4);
  }

  #append(bytes: number): void {
    if (bytes <= 0) return;
    const descriptor = openSync(this.#file, "a", 0o600);
    try {
      for (let left = Math.floor(bytes); left > 0; left -= pieceBytes) {
        writeSync(descriptor, randomBytes(Math.min(left, pieceBytes)));
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  #present(): number {
    return statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
  }
}
