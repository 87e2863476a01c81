import base45 from "base45";
import { decode } from "cbor2/decoder";
import { Unzlib } from "fflate";

/** A certificate is under 2 KiB; what inflates beyond this is a bomb, and costs too long to decode. */
const MAX_INFLATED_BYTES = 4 * 1024;
const INFLATE_STEP_BYTES = 64;
/** Envelope, claims, certificate, group, entry: seven levels. */
const MAX_CBOR_DEPTH = 16;

function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return high * 65536 + low;
}

/**
 * Inflates a zlib stream of bounded size, or null. The check sum is computed here because fflate skips it, and the
 * rule "if it inflates, the transfer was exact" (codes.md 6) rests on it.
 */
function inflate(compressed: Uint8Array): Uint8Array | null {
  const parts: Uint8Array[] = [];
  let size = 0;
  const stream = new Unzlib((part) => {
    parts.push(part);
    size += part.length;
  });
  try {
    for (let at = 0; at < compressed.length && size <= MAX_INFLATED_BYTES; at += INFLATE_STEP_BYTES) {
      const end = at + INFLATE_STEP_BYTES;
      stream.push(compressed.subarray(at, end), end >= compressed.length);
    }
  } catch {
    return null;
  }
  if (size > MAX_INFLATED_BYTES || compressed.length < 6) return null;
  const inflated = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    inflated.set(part, at);
    at += part.length;
  }
  const end = compressed.length;
  const sum = new DataView(compressed.buffer, compressed.byteOffset + end - 4, 4).getUint32(0);
  return adler32(inflated) === sum ? inflated : null;
}

/** The value under `key` of a decoded CBOR map, whichever of the two containers the decoder chose. */
export function entry(container: unknown, key: string | number): unknown {
  if (container instanceof Map) return container.get(key);
  if (typeof container !== "object" || container === null || !Object.hasOwn(container, key)) return undefined;
  return (container as Record<string | number, unknown>)[key];
}

function readCbor(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { maxDepth: MAX_CBOR_DEPTH, ignoreGlobalTags: true });
  } catch {
    return undefined;
  }
}

/** Base45 (RFC 9285) and zlib of the text after `HC1:`; null when the transfer was not exact. */
export function inflateCertificate(body: string): Uint8Array | null {
  if (body.length % 3 === 1 || !/^[0-9A-Z $%*+\-./:]+$/.test(body)) return null;
  return inflate(base45.decode(body));
}

/** The CWT claims inside the COSE_Sign1 envelope (RFC 9052), tagged 18 or bare; undefined when malformed. */
export function readClaims(inflated: Uint8Array): unknown {
  const envelope = readCbor(inflated);
  const message =
    typeof envelope === "object" && envelope !== null && "contents" in envelope ? envelope.contents : envelope;
  if (!Array.isArray(message) || message.length !== 4 || !(message[2] instanceof Uint8Array)) return undefined;
  return readCbor(message[2]);
}
