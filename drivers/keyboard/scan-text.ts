/** The characters of one scan on their way to bytes, bounded. */

/** Why a scan cannot be trusted; as `RawScan.spoiled`. */
export type Spoiled = "input-method" | "gap" | "overflow";

/** A scan in the making. */
export interface ScanText {
  /** Characters so far. */
  readonly length: number;
  /** The first of them, for a look at what it may become. */
  readonly start: string;
  readonly spoiled: Spoiled | null;
  text(text: string): void;
  /** One character given as a number: a byte, or a Unicode code point. */
  number(value: number): void;
  /** A typing tool is named before lost keys, and lost keys before too many of them: that is the order of the remedies. */
  spoil(reason: Spoiled): void;
  /** The bytes, without `prefix` where they begin with it. */
  toBytes(prefix: string): Uint8Array;
}

/** The largest QR code holds 2,953 bytes (ISO/IEC 18004), so 8 KiB is no person. */
const MAX_BYTES = 8192;
const START_LENGTH = 32;
const remedies: readonly Spoiled[] = ["input-method", "gap", "overflow"];

const encoder = new TextEncoder();

/** A character; `spelt` when it came as a number. */
interface Unit {
  readonly value: number;
  readonly spelt: boolean;
}

/** Starts an empty scan. */
export function createScanText(): ScanText {
  const units: Unit[] = [];
  let bytes = 0;
  let start = "";
  let spoiled: Spoiled | null = null;

  const add = (value: number, spelt: boolean): void => {
    const character = characterOf(value);
    bytes += encoder.encode(character).length;
    if (bytes > MAX_BYTES) return spoil("overflow");
    units.push({ value, spelt });
    if (start.length < START_LENGTH) start += character;
  };

  const spoil = (reason: Spoiled): void => {
    if (spoiled === null || remedies.indexOf(reason) < remedies.indexOf(spoiled)) spoiled = reason;
  };

  return {
    get length() {
      return units.length;
    },
    get start() {
      return start;
    },
    get spoiled() {
      return spoiled;
    },
    text(text) {
      for (const character of text) add(character.codePointAt(0) ?? 0xfffd, false);
    },
    number: (value) => add(value, true),
    spoil,
    toBytes(prefix) {
      const all = bytesOf(units);
      const expected = encoder.encode(prefix);
      return expected.every((byte, at) => all[at] === byte) ? all.subarray(expected.length) : all;
    },
  };
}

/** A reader spells every byte of UTF-8, or every letter by its code point: the bytes of the second are not UTF-8. */
function bytesOf(units: readonly Unit[]): Uint8Array {
  if (units.some(({ spelt }) => spelt) && units.every(({ value }) => value <= 0xff)) {
    const bytes = Uint8Array.from(units, ({ value }) => value);
    if (isUtf8(bytes)) return bytes;
  }
  return encoder.encode(units.map(({ value }) => characterOf(value)).join(""));
}

function characterOf(value: number): string {
  const impossible = value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff);
  return String.fromCodePoint(impossible ? 0xfffd : value);
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
