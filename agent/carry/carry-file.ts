import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, openSync, readSync, rmSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import type { WireEntry } from "../../contract/entries.ts";
import { maxBatchBytes, maxBatchEntries } from "../../contract/limits.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import { createAside, putInPlace, writeWhole } from "../../provisioning/durable-file.ts";
import { type OwnerKey, type OwnerPrivateKey, unwrapAsOwner, wrapForOwner } from "../../provisioning/owner-key.ts";
import { seal, unseal } from "../../provisioning/secrets.ts";

/**
 * A carry file: entries on their way to the centre on a stick. Only the owner's private key opens it.
 *
 *     TRAMQR-CARRY 1\n
 *     {"id": …, "ownerKey": …, "wrap": …}\n       the file's own random key, wrapped for the owner
 *     frame*                                       kind (1 byte), length (4 bytes, big endian), sealed gzipped JSON
 *
 * Frames are `m` (manifest, first), `b` (a batch of entries as they travel) and `e` (end, last). Each is bound to its
 * file, place and kind, so that a file that was cut, reordered or joined from two does not open as a whole.
 */
const magic = "TRAMQR-CARRY 1\n";
const maxHeaderBytes = 4096;
/** A batch compresses to less than its JSON; this bounds what a damaged length makes us read. */
const maxFrameBytes = 2 * maxBatchBytes;
const frameHeadBytes = 5;

const header = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  ownerKey: z.string(),
  wrap: z.base64(),
});

/** What travels beside the entries. */
export const carryManifest = z.object({
  version: z.literal(1),
  deviceId: z.uuid(),
  /** Place of the newest entry: who signs in to deliver must serve it. */
  checkpointId: z.uuid(),
  /** The station's clocks when the file was made; null when it was made from a dead machine's folder. */
  made: z.object({ bootId: z.string(), monoMs: z.number(), wallMs: z.number() }).nullable(),
  /** Server minus station wall clock as last measured, ms; null when it never was. */
  clockOffsetMs: z.number().nullable(),
  /** HMAC key of the receipt: who has opened the file can make one, and the station can tell. */
  receiptKey: z.base64(),
});

export type CarryManifest = z.infer<typeof carryManifest>;

/** An entry as it came out of the station: the centre judges it, not we. */
const carriedEntry = z.looseObject({ id: z.string() });
export type CarriedEntry = z.infer<typeof carriedEntry>;

const carryEnd = z.object({ entries: z.int(), batches: z.int() });

type FrameKind = "m" | "b" | "e";

/** The key of the receipt for the carry file of that id; the station keeps nothing to know it again. */
export function receiptKeyOf(station: KeyObject, carryId: string): Uint8Array {
  return createHmac("sha256", station).update(carryId, "utf8").digest();
}

export function newCarryId(): string {
  return randomBytes(16).toString("hex");
}

/** How a carry file of today is called. */
export function carryFileName(deviceId: string, wallMs: number): string {
  const stamp = new Date(wallMs).toISOString().replace(/[-:]|\.\d+/g, "");
  return `tram-carry-${deviceId.slice(0, 8)}-${stamp}.carry`;
}

/**
 * Writes the entries to `file`, which is there whole and durable or not at all. The memory does not grow with them.
 *
 * @throws AgentError `carry.unwritable` with one sentence
 */
export function writeCarryFile(
  file: string,
  id: string,
  owner: OwnerKey,
  manifest: CarryManifest,
  entries: Iterable<WireEntry>,
): { readonly entries: number; readonly bytes: number } {
  const aside = `${file}.part`;
  let descriptor: number | null = null;
  try {
    descriptor = createAside(aside, 0o600);
    const out = new FrameWriter(descriptor, id, createSecretKey(randomBytes(32)), owner);
    out.frame("m", manifest);
    const counts = { entries: 0, batches: 0 };
    for (const batch of batchesOf(entries)) {
      out.frame("b", batch);
      counts.entries += batch.length;
      counts.batches++;
    }
    out.frame("e", counts satisfies z.infer<typeof carryEnd>);
    fsyncSync(descriptor);
    closeSync(descriptor);
    descriptor = null;
    putInPlace(aside, file);
    return { entries: counts.entries, bytes: out.bytes };
  } catch (cause) {
    if (descriptor !== null) tryTo(() => closeSync(descriptor as number));
    tryTo(() => rmSync(aside, { force: true }));
    if (cause instanceof AgentError) throw cause;
    throw new AgentError(
      "carry.unwritable",
      `The file ${file} could not be written (${whyNot(cause)}); nothing was carried, the entries are still on the station.`,
      { cause },
    );
  }
}

/** Entries in their order as batches that the centre takes: at most 200 and 512 KiB of JSON each. */
function* batchesOf(entries: Iterable<WireEntry>): Generator<WireEntry[]> {
  const envelopeBytes = 1024;
  let batch: WireEntry[] = [];
  let bytes = envelopeBytes;
  for (const entry of entries) {
    const size = Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (batch.length === maxBatchEntries || (batch.length > 0 && bytes + size > maxBatchBytes)) {
      yield batch;
      batch = [];
      bytes = envelopeBytes;
    }
    batch.push(entry);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

class FrameWriter {
  readonly #descriptor: number;
  readonly #id: string;
  readonly #key: KeyObject;
  #index = 0;
  #bytes = 0;

  constructor(descriptor: number, id: string, key: KeyObject, owner: OwnerKey) {
    this.#descriptor = descriptor;
    this.#id = id;
    this.#key = key;
    const wrap = Buffer.from(wrapForOwner(owner, key.export(), wrapPlace(id))).toString("base64");
    const head: z.infer<typeof header> = { id, ownerKey: owner.fingerprint, wrap };
    this.#write(Buffer.from(`${magic}${JSON.stringify(head)}\n`, "utf8"));
  }

  get bytes(): number {
    return this.#bytes;
  }

  frame(kind: FrameKind, content: unknown): void {
    const sealed = seal(this.#key, gzipSync(JSON.stringify(content)), framePlace(this.#id, this.#index++, kind));
    const head = Buffer.alloc(frameHeadBytes);
    head.write(kind, 0, "latin1");
    head.writeUInt32BE(sealed.length, 1);
    this.#write(Buffer.concat([head, sealed]));
  }

  #write(bytes: Uint8Array): void {
    writeWhole(this.#descriptor, bytes);
    this.#bytes += bytes.length;
  }
}

/** An opened carry file. Close it. */
export class CarryFile implements Disposable {
  readonly id: string;
  readonly manifest: CarryManifest;
  readonly #file: string;
  readonly #descriptor: number;
  readonly #key: KeyObject;
  readonly #batchesAt: number;
  /** It was whole when it was opened. */
  #wasWhole = false;

  /**
   * Opens the file and looks through it to its end: whether it is whole is known before the first entry is sent.
   *
   * @throws AgentError `carry.unreadable`, `key.owner` with one sentence
   */
  constructor(file: string, owner: OwnerPrivateKey) {
    this.#file = file;
    try {
      this.#descriptor = openSync(file, "r");
    } catch (cause) {
      throw new AgentError(
        "carry.unreadable",
        `The carry file ${file} cannot be read (${(cause as NodeJS.ErrnoException).code}); check the path and the stick.`,
        { cause },
      );
    }
    try {
      const { head, end } = this.#header();
      if (head.ownerKey !== owner.fingerprint) {
        throw new AgentError(
          "key.owner",
          `The carry file ${file} was made for the owner key ${head.ownerKey}, not for ${owner.fingerprint}; take the private key that belongs to it.`,
        );
      }
      const key = unwrapAsOwner(owner, Buffer.from(head.wrap, "base64"), wrapPlace(head.id));
      if (key === null) throw this.#damaged("its key does not open");
      this.id = head.id;
      this.#key = createSecretKey(key);
      const first = this.#frame(end, 0);
      const manifest = first.kind === "m" ? carryManifest.safeParse(first.content) : null;
      if (!manifest?.success) throw this.#damaged("it does not say where it comes from");
      this.manifest = manifest.data;
      this.#batchesAt = first.next;
      for (const _ of this.batches()) {
        // Its seals are what is looked at.
      }
      this.#wasWhole = true;
    } catch (fault) {
      closeSync(this.#descriptor);
      throw fault;
    }
  }

  /**
   * The batches in their order.
   *
   * @throws AgentError `carry.unreadable` where the file is damaged or cut
   */
  *batches(): Generator<CarriedEntry[]> {
    const counts = { entries: 0, batches: 0 };
    for (let at = this.#batchesAt, index = 1; ; index++) {
      const { kind, content, next } = this.#frame(at, index);
      if (kind === "e") {
        const end = carryEnd.safeParse(content);
        const isWhole = end.success && end.data.entries === counts.entries && end.data.batches === counts.batches;
        if (!isWhole || next !== fstatSync(this.#descriptor).size) throw this.#damaged("its end does not fit");
        return;
      }
      const batch = kind === "b" ? z.array(carriedEntry).safeParse(content) : null;
      if (!batch?.success) throw this.#damaged(`batch ${index} is none`);
      counts.entries += batch.data.length;
      counts.batches++;
      yield batch.data;
      at = next;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #header(): { head: z.infer<typeof header>; end: number } {
    const start = this.#read(0, Math.min(maxHeaderBytes, fstatSync(this.#descriptor).size)).toString("latin1");
    const end = start.indexOf("\n", magic.length) + 1;
    const head = header.safeParse(start.startsWith(magic) && end > 0 ? jsonOf(start.slice(magic.length, end)) : null);
    if (!head.success) throw this.#damaged("it does not begin as one");
    return { head: head.data, end };
  }

  #frame(at: number, index: number): { kind: FrameKind; content: unknown; next: number } {
    const head = this.#read(at, frameHeadBytes);
    const kind = head.toString("latin1", 0, 1) as FrameKind;
    const length = head.readUInt32BE(1);
    if (length > maxFrameBytes) throw this.#damaged(`part ${index} has an impossible length`);
    const plain = unseal(this.#key, this.#read(at + frameHeadBytes, length), framePlace(this.id, index, kind));
    if (plain === null) throw this.#damaged(`part ${index} does not verify`);
    const text = gunzipSync(plain, { maxOutputLength: 4 * maxBatchBytes }).toString("utf8");
    return { kind, content: jsonOf(text), next: at + frameHeadBytes + length };
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let got = 0; got < length; ) {
      let more: number;
      try {
        more = readSync(this.#descriptor, bytes, got, length - got, at + got);
      } catch (cause) {
        throw this.#damaged((cause as NodeJS.ErrnoException).code ?? String(cause));
      }
      if (more === 0) throw this.#damaged("it ends too early");
      got += more;
    }
    return bytes;
  }

  #damaged(why: string): AgentError {
    return new AgentError(
      "carry.unreadable",
      this.#wasWhole
        ? `The carry file ${this.#file} went bad while it was being read (${why}); plug the stick in again or make the file again at the station, what was answered stands on the receipt.`
        : `The carry file ${this.#file} is damaged or not whole (${why}); make it again at the station, nothing of it was sent.`,
    );
  }
}

const wrapPlace = (id: string): string => JSON.stringify(["tram-qr carry key", id]);
const framePlace = (id: string, index: number, kind: string): string =>
  JSON.stringify(["tram-qr carry", id, index, kind]);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    // The fault that led here is the one to tell.
  }
}

function whyNot(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "no space left; free some or take a larger stick";
    case "ENOENT":
    case "ENOTDIR":
      return "the folder is not there; plug the stick in and name its folder";
    case "EIO":
    case "ENXIO":
    case "ENODEV":
      return "the stick was removed or is broken; plug it in again";
    case "EROFS":
      return "it is read-only; unlock the stick";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    default:
      return code ?? (cause instanceof Error ? cause.message : String(cause));
  }
}
