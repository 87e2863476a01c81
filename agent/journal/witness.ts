import { closeSync, existsSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { syncFolder } from "../../provisioning/durable-file.ts";

/** Beside the journal, and outside it: what must be known when the journal is gone, damaged or of yesterday. */
export const witnessFile = "journal.witness";

/** Numbers are promised in advance in steps of so many, so that a scan seldom waits for this file. */
const promisedAtOnce = 1_000;
const slotBytes = 8_192;
/** Length and checksum of what follows. */
const headBytes = 8;

/** No station comes near it; a slot that says more is not believed, or the numbers would end. */
const highestNumber = 2 ** 52;
const number = z.int().nonnegative().max(highestNumber);
/** What the numbers may still grow by: facts never take the room that a promise needs. */
const sparedBytes = 128;

const content = z.object({
  /** Counts the writes: of two slots the newer one holds. */
  turn: number,
  lastSeq: number,
  ceiling: number,
  highWater: number,
  facts: z.record(z.string(), z.string()),
});

type Content = z.infer<typeof content>;

/**
 * A small file of two slots, overwritten in turn: a torn write costs the older turn only, and a full disk cannot keep it
 * from being written. It tells a journal that was rolled back, and it keeps a number from being given twice: no number
 * above {@link Witness.ceiling} was ever given, so whoever goes on above it repeats none, without asking anybody.
 */
export class Witness {
  /** False when there was no readable witness: nothing is known but what the journal says. */
  readonly isKnown: boolean;
  /** How long its last write took to reach the disk, ms; null before the first. */
  syncMs: number | null = null;
  readonly #descriptor: number;
  #held: Content;
  #saved: string;

  /** Opens or makes the file; reads what it holds. Throws what the file system throws. */
  constructor(file: string) {
    const isNew = !existsSync(file);
    this.#descriptor = openSync(file, isNew ? "w+" : "r+", 0o600);
    const slots = isNew ? [] : [0, 1].flatMap((slot) => this.#read(slot) ?? []);
    const newest = slots.toSorted((one, other) => other.turn - one.turn)[0];
    this.isKnown = newest !== undefined;
    this.#held = newest ?? { turn: 0, lastSeq: 0, ceiling: 0, highWater: 0, facts: {} };
    this.#saved = newest === undefined ? "" : textOf(this.#held);
    if (newest !== undefined) return;
    // Both slots have their place on the disk from now on. They say nothing before the journal has been looked at: a crash
    // in between would leave a witness that knows of no number.
    for (const slot of [0, 1]) this.#put(slot, Buffer.alloc(slotBytes));
    syncFolder(path.dirname(file));
  }

  /** Highest number known to be given; up to a second old on the disk. */
  get lastSeq(): number {
    return this.#held.lastSeq;
  }

  /** No number above this was ever given. */
  get ceiling(): number {
    return Math.max(this.#held.ceiling, this.#held.lastSeq, this.#held.highWater);
  }

  /** Highest number the centre has named. */
  get highWater(): number {
    return this.#held.highWater;
  }

  /** A fact as it was last set, null when it never was. */
  fact(name: string): string | null {
    return this.#held.facts[name] ?? null;
  }

  setFact(name: string, value: string): void {
    const before = this.#held;
    this.#held = { ...before, facts: { ...before.facts, [name]: value } };
    try {
      if (Buffer.byteLength(JSON.stringify(this.#held)) + sparedBytes > slotBytes - headBytes) {
        throw new Error("The journal's witness holds too many facts.");
      }
      this.save();
    } catch (fault) {
      this.#held = before;
      throw fault;
    }
  }

  /** A row with this number is on the disk. */
  note(seq: number): void {
    if (seq > this.#held.lastSeq) this.#held = { ...this.#held, lastSeq: seq };
  }

  noteHighWater(seq: number): void {
    if (seq > this.#held.highWater) this.#held = { ...this.#held, highWater: seq };
  }

  /** This number is about to be given: returns when the file says so. */
  promise(seq: number): void {
    if (seq <= this.#held.ceiling) return;
    const before = this.#held;
    this.#held = { ...before, ceiling: seq + promisedAtOnce };
    try {
      this.#write();
    } catch (fault) {
      this.#held = before;
      throw fault;
    }
  }

  /** Writes what has changed, and promises the next numbers before they are needed. */
  save(): void {
    if (this.#held.lastSeq + promisedAtOnce / 2 > this.#held.ceiling) {
      this.#held = { ...this.#held, ceiling: this.#held.lastSeq + promisedAtOnce };
    }
    if (textOf(this.#held) !== this.#saved) this.#write();
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #write(): void {
    const next = { ...this.#held, turn: this.#held.turn + 1 };
    const body = Buffer.from(JSON.stringify(next), "utf8");
    const slot = Buffer.alloc(slotBytes);
    slot.writeUInt32LE(body.length, 0);
    slot.writeUInt32LE(crc32(body), 4);
    body.copy(slot, headBytes);
    this.#put(next.turn % 2, slot);
    this.#held = next;
    this.#saved = textOf(next);
  }

  #put(slot: number, bytes: Buffer): void {
    const written = writeSync(this.#descriptor, bytes, 0, slotBytes, slot * slotBytes);
    // A disk that is just full takes a part and says so in no other way.
    if (written !== slotBytes) throw Object.assign(new Error("The witness found no room."), { code: "ENOSPC" });
    const from = performance.now();
    fdatasyncSync(this.#descriptor);
    this.syncMs = performance.now() - from;
  }

  #read(slot: number): Content | null {
    const bytes = Buffer.alloc(slotBytes);
    try {
      readSync(this.#descriptor, bytes, 0, slotBytes, slot * slotBytes);
    } catch {
      // A sector that cannot be read: the other slot tells, or the journal itself.
      return null;
    }
    const body = bytes.subarray(headBytes, headBytes + Math.min(bytes.readUInt32LE(0), slotBytes - headBytes));
    if (body.length === 0 || crc32(body) !== bytes.readUInt32LE(4)) return null;
    const parsed = content.safeParse(JSON.parse(body.toString("utf8")));
    return parsed.success ? parsed.data : null;
  }
}

/** What counts as a change. */
function textOf(held: Content): string {
  return JSON.stringify({ ...held, turn: 0 });
}
