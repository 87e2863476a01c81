import { compose } from "./letters.ts";

/** A hex field of the BHYT card as text; `utf16` tells that it was written as UTF-16LE. */
export interface HexText {
  readonly text: string;
  readonly utf16: boolean;
  /** True when the card held combining marks and NFC composed them (R9). */
  readonly composed: boolean;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Letters of Latin script, marks, digits, spaces and punctuation: what a name or an address is made of. */
const PRINTABLE = /^(?:[\p{Script=Latin}\p{M}\p{Nd}\p{P} +=<>°²³]){1,2000}$/u;

function hexBytes(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

function utf8Text(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

/** UTF-16LE confined to the blocks Vietnamese uses, so that damaged UTF-8 cannot pass for it. */
function utf16Text(bytes: Uint8Array): string | null {
  if (bytes.length % 2 !== 0) return null;
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const high = bytes[at + 1] ?? 0xff;
    if (high > 0x03 && high !== 0x1e && high !== 0x20) return null;
    text += String.fromCharCode(high * 256 + (bytes[at] ?? 0));
  }
  return text;
}

/**
 * Decodes a hex field (codes.md 4.1, 4.2): ASCII hex of even length, strict UTF-8, or UTF-16LE where zero bytes or
 * a UTF-8 failure point to it. Null when it is anything else, which every known input-method damage is (8.3).
 */
export function readHexText(field: string): HexText | null {
  if (field.length === 0 || field.length % 2 !== 0 || !/^[0-9A-Fa-f]+$/.test(field)) return null;
  const bytes = hexBytes(field);
  const plain = bytes.includes(0) ? null : utf8Text(bytes);
  const decoded = plain ?? utf16Text(bytes);
  if (decoded === null) return null;
  const text = compose(decoded);
  return PRINTABLE.test(text) ? { text, utf16: plain === null, composed: text !== decoded } : null;
}

/**
 * True when a hex field shows that a Vietnamese input method rewrote the key strokes (codes.md 8.3): Vietnamese
 * letters, letters that are no hex digits, or a digit swallowed by VNI. Letters lost to `?` point elsewhere.
 */
export function showsInputMethod(field: string): boolean {
  if (/[?\ufffd]/.test(field)) return false;
  if (/^[0-9A-Fa-f]*$/.test(field)) return field.length % 2 === 1;
  return /^[\p{Script=Latin}\p{M}\d]+$/u.test(field);
}
