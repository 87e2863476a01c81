import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Sentence } from "../kiosk-port/view.ts";
import { dutySentences } from "./sentences.ts";

/** A PIN as kept: never the PIN itself. The parameters lie beside it, so that stronger ones can replace them. */
export const pinRecord = z.object({
  saltB64: z.base64(),
  hashB64: z.base64(),
  /** Of scrypt (RFC 7914). */
  cost: z.object({ n: z.int(), r: z.int(), p: z.int() }),
});

export type PinRecord = z.infer<typeof pinRecord>;

/** 32 MiB and three passes, of the settings that OWASP's Password Storage Cheat Sheet calls equally strong. */
const cost = { n: 2 ** 15, r: 8, p: 3 };
const hashBytes = 32;

/** The hash of a PIN under a fresh salt; takes some tenths of a second, off the main thread. */
export async function hashPin(pin: string): Promise<PinRecord> {
  const salt = randomBytes(16);
  const hash = await scrypted(pin, salt, hashBytes, cost);
  return { saltB64: salt.toString("base64"), hashB64: hash.toString("base64"), cost };
}

export async function pinFits(pin: string, { saltB64, hashB64, cost: kept }: PinRecord): Promise<boolean> {
  const expected = Buffer.from(hashB64, "base64");
  return timingSafeEqual(await scrypted(pin, Buffer.from(saltB64, "base64"), expected.length, kept), expected);
}

/** Of what people choose first: the keypad's middle column, corners and diagonals, lucky numbers, even and odd digits. */
const popular = [
  "2580",
  "0852",
  "1397",
  "1379",
  "7931",
  "1590",
  "3570",
  "2468",
  "8642",
  "1357",
  "9753",
  "1368",
  "3979",
];
const ascending = "01234567890";
const descending = "09876543210";

/** What is wrong with a PIN that somebody wants to choose, or null. `phone` is the member's own number. */
export function pinFault(pin: string, phone: string): Sentence | null {
  if (!/^\d{4,8}$/.test(pin)) return dutySentences.pinFormat;
  const isWeak =
    // One piece over and over: 0000, 1212, 123123.
    /^(\d{1,4})\1+$/.test(pin) ||
    ascending.includes(pin) ||
    descending.includes(pin) ||
    popular.includes(pin) ||
    // Two digits doubled (1122), and years somebody may be born in.
    /^(\d)\1(\d)\2$/.test(pin) ||
    /^(19[3-9]\d|20[0-3]\d)$/.test(pin) ||
    phone.includes(pin);
  return isWeak ? dutySentences.pinWeak : null;
}

function scrypted(pin: string, salt: Buffer, bytes: number, { n, r, p }: PinRecord["cost"]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(pin, salt, bytes, { N: n, r, p, maxmem: 256 * n * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
