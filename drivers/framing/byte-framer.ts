/**
 * Cuts the bytes of one device into frames, one frame a scan: pure, bounded, no timers, no decoding.
 *
 * A frame ends with CR, LF, CRLF, TAB, ETX or EOT, or with silence. Whoever owns the framer passes the time in and
 * calls {@link ByteFramer.expire} when {@link ByteFramer.deadlineMs} has come.
 *
 * `@serialport/parser-readline` is not used: it has no cap, it knows one delimiter and no silence, and its one
 * StringDecoder lives across lines, so a stray lead byte (`C3` just before CR) swallows part of the next person.
 */

/** One frame: the bytes of one scan. */
export interface Frame {
  /** The payload: no end byte, no leading STX or SOH, no trailing NUL, no AIM identifier. Its own copy. */
  readonly bytes: Uint8Array;
  /** AIM symbology identifier (`]Q1`; ISO/IEC 15424) the reader put in front, or null. */
  readonly aim: string | null;
  /**
   * `overflow`: more than the cap came without an end; `bytes` holds the beginning only. `gap`: a part is missing,
   * which only a transport that numbers or continues its parts can know; a byte framer never says it.
   */
  readonly spoiled: "overflow" | "gap" | null;
  /** The `nowMs` of the push that brought the frame's last byte (its end byte, if it had one). */
  readonly receivedMs: number;
}

/** Limits of a framer; the defaults suit serial readers. */
export interface ByteFramerOptions {
  /** The longest frame, in bytes. The largest QR code holds 2,953 bytes (ISO/IEC 18004), so 8 KiB is no person. */
  readonly maxFrameBytes?: number;
  /** Silence that ends a frame while this device has never sent an end byte, in ms. */
  readonly silenceMs?: number;
  /**
   * Silence that ends a frame once this device has sent an end byte, in ms. Such a device says itself where a scan
   * ends, so silence only has to part a scan that lost its end from the next one. Waiting longer costs nothing on
   * a good scan; a short limit would cut one person in two whenever a line, a USB hub or the machine pauses.
   */
  readonly silenceAfterEndMs?: number;
}

/** A framer for one opening of one device; never reuse it for the next opening. */
export interface ByteFramer {
  /**
   * Takes the bytes that arrived at `nowMs` and returns the frames they complete. It never cuts by time: bytes
   * that come late may come from a device that paused or to a process that was busy, and only the owner knows.
   */
  push(bytes: Uint8Array, nowMs: number): Frame[];
  /** When silence will end what is held, on the clock of `nowMs`; null while nothing is held. */
  deadlineMs(): number | null;
  /** Ends what is held if its silence is over at `nowMs`; otherwise nothing happens. */
  expire(nowMs: number): Frame[];
  /** Forgets everything held and learned. */
  reset(): void;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SOH = 0x01;
const STX = 0x02;
const ETX = 0x03;
const EOT = 0x04;
const RIGHT_BRACKET = 0x5d;

/** Makes a framer. Memory is one buffer of `maxFrameBytes`, whatever the device sends. */
export function createByteFramer(options: ByteFramerOptions = {}): ByteFramer {
  const { maxFrameBytes = 8192, silenceMs = 300, silenceAfterEndMs = 600 } = options;
  const held = new Uint8Array(maxFrameBytes);
  let length = 0;
  let discarding = false;
  let endSeen = false;
  let lastByteMs = 0;

  const take = (spoiled: Frame["spoiled"]): Frame[] => {
    const frame = toFrame(held.subarray(0, length), spoiled, lastByteMs);
    length = 0;
    return frame === null ? [] : [frame];
  };

  return {
    push(bytes, nowMs) {
      const frames: Frame[] = [];
      if (bytes.length > 0) lastByteMs = nowMs;
      for (const byte of bytes) {
        if (isEndByte(byte)) {
          endSeen = true;
          // After the overflow frame was given, its end only ends the discarding. The LF of a CRLF ends an empty
          // frame, which is dropped: so the pair needs no state, in whichever chunks its halves come.
          frames.push(...take(null));
          discarding = false;
        } else if (!discarding) {
          if (length === maxFrameBytes) {
            frames.push(...take("overflow"));
            discarding = true;
          } else {
            held[length++] = byte;
          }
        }
      }
      return frames;
    },

    deadlineMs() {
      if (length === 0 && !discarding) return null;
      // A device that overflowed may be pouring out something huge: the patient limit keeps it one fault.
      return lastByteMs + (endSeen || discarding ? silenceAfterEndMs : silenceMs);
    },

    expire(nowMs) {
      const deadlineMs = this.deadlineMs();
      if (deadlineMs === null || nowMs < deadlineMs) return [];
      discarding = false;
      return take(null);
    },

    reset() {
      length = 0;
      discarding = false;
      endSeen = false;
    },
  };
}

/** Whether this byte ends a frame. */
export function isEndByte(byte: number): boolean {
  return byte === CR || byte === LF || byte === TAB || byte === ETX || byte === EOT;
}

/** Strips the transport's own bytes; null when nothing of a scan is left. */
function toFrame(raw: Uint8Array, spoiled: Frame["spoiled"], receivedMs: number): Frame | null {
  let start = 0;
  let end = raw.length;
  while (start < end && (raw[start] === STX || raw[start] === SOH)) start++;
  while (end > start && raw[end - 1] === 0) end--;
  const aim = aimAt(raw.subarray(start, end));
  if (aim !== null) start += aim.length;
  return start === end ? null : { bytes: raw.slice(start, end), aim, spoiled, receivedMs };
}

/** The AIM identifier `bytes` begins with, or null. ISO/IEC 15424: `]`, a letter for the symbology, one modifier. */
export function aimAt(bytes: Uint8Array): string | null {
  if (bytes[0] !== RIGHT_BRACKET) return null;
  const identifier = String.fromCharCode(...bytes.subarray(0, 3));
  return /^\][A-Za-z][0-9A-Za-z]$/.test(identifier) ? identifier : null;
}
