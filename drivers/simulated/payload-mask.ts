/**
 * Invented payloads of the same shape as real ones, for recordings that leave the house: letters become letters of the
 * same case, digits digits, Vietnamese letters Vietnamese letters of the same length in UTF-8; punctuation, controls and
 * the AIM identifier stay.
 *
 * What a character becomes hangs on the whole payload and on a key that is forgotten with the recording: the same card
 * is the same twice in one recording, and one known card tells nothing of another.
 */
import { createHmac, randomBytes } from "node:crypto";

/** A source of choices for one payload: whole numbers below `count`, the same for the same payload. */
export type Choices = (count: number) => number;

/** Choices for payloads, by a key of its own. */
export type ChoicesOf = (payload: Uint8Array) => Choices;

/** Makes the key of one recording. */
export function createChoices(): ChoicesOf {
  const key = randomBytes(32);
  return (payload) => {
    const seed = createHmac("sha256", key).update(payload).digest();
    let block = Buffer.alloc(0);
    let at = 0;
    let counter = 0;
    return (count) => {
      if (at + 4 > block.length) {
        block = createHmac("sha256", seed).update(String(counter++)).digest();
        at = 0;
      }
      const choice = block.readUInt32LE(at) % count;
      at += 4;
      return choice;
    };
  };
}

const DIGITS = Array.from("0123456789");
const ASCII_LETTERS = Array.from("abcdefghijklmnopqrstuvwxyz");
/** By their length in UTF-8. The four-byte ones are Nôm. */
const LETTERS: Readonly<Record<number, readonly string[]>> = {
  2: Array.from("àáâãèéêìíòóôõùúýăđĩũơư"),
  3: Array.from("ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"),
  4: Array.from("𠀀𠀁𠀂𠀃𠀄𠀅"),
};
/** Tone and vowel marks that stand alone, as in text that is not composed. */
const MARKS = Array.from("\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323");

/** An AIM identifier (ISO/IEC 15424) and an ECI escape: the symbology's, not the person's. */
const KEPT_START = /^(?:\][A-Za-z][0-9A-Za-z])?(?:\\0000\d\d)?/;
const STX = 0x02;

/** An invented payload of the same shape, byte for byte as long. */
export function maskPayload(payload: Uint8Array, choicesOf: ChoicesOf): Uint8Array {
  const choose = choicesOf(payload);
  const masked = Uint8Array.from(payload);
  let at = 0;
  while ((payload[at] ?? STX + 1) <= STX) at++;
  at += KEPT_START.exec(Buffer.from(payload.subarray(at)).toString("latin1"))?.[0].length ?? 0;
  while (at < payload.length) {
    const character = characterAt(payload, at);
    if (character === null) {
      masked[at] = maskByte(payload[at] ?? 0, choose);
      at++;
    } else {
      const bytes = Buffer.from(maskCharacter(character, choose));
      masked.set(bytes, at);
      at += bytes.length;
    }
  }
  return masked;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The character that begins there in UTF-8, or null for a byte that belongs to none. */
function characterAt(bytes: Uint8Array, at: number): string | null {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  try {
    return strictUtf8.decode(bytes.subarray(at, at + length));
  } catch {
    return null;
  }
}

function maskCharacter(character: string, choose: Choices): string {
  const pick = (list: readonly string[]): string => list[choose(list.length)] ?? character;
  const length = Buffer.byteLength(character);
  if (length === 1) {
    if (/\d/.test(character)) return pick(DIGITS);
    return /[A-Za-z]/.test(character) ? inCaseOf(character, pick(ASCII_LETTERS)) : character;
  }
  if (/\p{M}/u.test(character) && length === 2) return pick(MARKS);
  return /[\p{L}\p{N}\p{M}]/u.test(character) ? inCaseOf(character, pick(LETTERS[length] ?? [character])) : character;
}

function inCaseOf(character: string, letter: string): string {
  return character === character.toLowerCase() ? letter : letter.toUpperCase();
}

/** Code pages have their letters above 0xC0, older Vietnamese ones from 0x80 on. */
function maskByte(byte: number, choose: Choices): number {
  return byte >= 0xc0 ? 0xc0 + choose(0x40) : 0x80 + choose(0x40);
}
