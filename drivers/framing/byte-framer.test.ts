import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ByteFramer, createByteFramer, type Frame } from "./byte-framer.ts";

const ENDS = { CR: [13], LF: [10], CRLF: [13, 10], TAB: [9], ETX: [3], EOT: [4] };
const CARD = Buffer.from("012345678901|123456789|Nguyễn Thị Hồng Đào|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021");

const bytes = (...parts: (string | number[] | Uint8Array)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));
const text = (frames: Frame[]): string[] => frames.map((frame) => Buffer.from(frame.bytes).toString("utf8"));
const hex = (frame: Frame | undefined): string => Buffer.from(frame?.bytes ?? []).toString("hex");

/** Pushes each chunk `gapMs` after the one before and lets every silence that falls between them end. */
function feed(framer: ByteFramer, chunks: Uint8Array[], gapMs = 0, startMs = 0): Frame[] {
  const frames: Frame[] = [];
  let nowMs = startMs;
  for (const chunk of chunks) {
    frames.push(...framer.expire(nowMs), ...framer.push(chunk, nowMs));
    nowMs += gapMs;
  }
  return frames;
}

function cutAt(all: Uint8Array, positions: number[]): Uint8Array[] {
  const sorted = [0, ...[...new Set(positions)].filter((at) => at < all.length).sort((a, b) => a - b), all.length];
  return sorted.slice(1).map((end, index) => all.subarray(sorted[index], end));
}

describe("one scan is one frame", () => {
  test.each(Object.entries(ENDS))("ended by %s, whole and cut at every byte, however long the pause", (_name, end) => {
    const scan = bytes(CARD, end);
    for (let at = 0; at <= scan.length; at++) {
      const framer = createByteFramer();
      feed(framer, [bytes("before", end)]);
      const frames = feed(framer, [scan.subarray(0, at), scan.subarray(at), bytes("after", end)], 250, 1000);
      expect(text(frames)).toEqual([CARD.toString(), "after"]);
    }
  });

  test("a pause far longer than a hiccup does not cut the scans of a device that ends them itself", () => {
    const framer = createByteFramer();
    feed(framer, [bytes("before\r")]);
    expect(text(feed(framer, [CARD.subarray(0, 40), bytes(CARD.subarray(40), [13])], 590))).toEqual([CARD.toString()]);
  });

  test("bytes that come late to a busy process are not cut: only expire() ends by silence", () => {
    const framer = createByteFramer();
    expect(framer.push(bytes("late"), 0)).toEqual([]);
    expect(text(framer.push(bytes("comer\r"), 60_000))).toEqual(["latecomer"]);
  });

  test("silence ends the frame of a device without an end", () => {
    const framer = createByteFramer();
    framer.push(CARD.subarray(0, 10), 1000);
    framer.push(CARD.subarray(10), 1200);
    expect(framer.deadlineMs()).toBe(1500);
    expect(framer.expire(1499)).toEqual([]);
    const [frame] = framer.expire(1500);
    expect(frame).toMatchObject({ aim: null, spoiled: null, receivedMs: 1200 });
    expect(hex(frame)).toBe(CARD.toString("hex"));
    expect(framer.deadlineMs()).toBeNull();
    expect(framer.expire(9999)).toEqual([]);
  });

  test("a scan that lost its end is not joined with the next one", () => {
    const framer = createByteFramer();
    framer.push(bytes("first\rlost"), 0);
    expect(framer.deadlineMs()).toBe(600);
    expect(text(framer.expire(600))).toEqual(["lost"]);
    expect(text(framer.push(bytes("next\r"), 700))).toEqual(["next"]);
  });

  test("the time of a frame is that of the chunk with its last byte", () => {
    const framer = createByteFramer();
    framer.push(bytes("A"), 10);
    expect(framer.push(bytes("B\r"), 25)[0]?.receivedMs).toBe(25);
  });

  test("any payloads in any chunks with any end give the same frames", () => {
    const payload = fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map((raw) => raw.filter((byte) => ![3, 4, 9, 10, 13].includes(byte)))
      .filter((raw) => raw.length > 0 && ![1, 2, 0x5d].includes(raw[0] ?? 0) && raw.at(-1) !== 0);
    const scan = fc.record({ payload, end: fc.constantFrom(...Object.values(ENDS)) });
    fc.assert(
      fc.property(fc.array(scan, { maxLength: 12 }), fc.array(fc.nat(4000)), fc.nat(299), (scans, cuts, gapMs) => {
        const stream = bytes(...scans.flatMap(({ payload: raw, end }) => [raw, end]));
        const frames = feed(createByteFramer(), cutAt(stream, cuts), gapMs);
        expect(frames.map(hex)).toEqual(scans.map(({ payload: raw }) => Buffer.from(raw).toString("hex")));
        expect(frames.every((frame) => frame.spoiled === null && frame.aim === null)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("any bytes at all give the same frames in any chunks, none empty, none over the cap", () => {
    const anything = fc.array(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...Object.values(ENDS))));
    fc.assert(
      fc.property(anything, fc.array(fc.nat(2000)), (parts, cuts) => {
        const stream = bytes(...parts.map((part) => Uint8Array.from(part)));
        const run = (chunks: Uint8Array[]): unknown[] => {
          const framer = createByteFramer({ maxFrameBytes: 32 });
          const frames = [...feed(framer, chunks), ...framer.expire(10_000)];
          expect(frames.every((frame) => frame.bytes.length > 0 && frame.bytes.length <= 32)).toBe(true);
          return frames.map((frame) => [hex(frame), frame.aim, frame.spoiled]);
        };
        expect(run(cutAt(stream, cuts))).toEqual(run([stream]));
      }),
      { numRuns: 500 },
    );
  });
});

describe("what belongs to the transport is taken off", () => {
  test("STX and SOH in front, NUL behind, empty frames", () => {
    const framer = createByteFramer();
    expect(text(framer.push(bytes([2], "A", [3], [1, 2], "B", [0, 0, 13, 10, 13, 10]), 0))).toEqual(["A", "B"]);
    expect(framer.push(bytes([2, 3], [0, 0, 13], "]Q1\r"), 0)).toEqual([]);
    expect(framer.deadlineMs()).toBeNull();
  });

  test("one AIM identifier, and only one", () => {
    const framer = createByteFramer();
    const frames = framer.push(bytes([2], "]Q1]C1ABC\r", "]q2x\r", "]11y\r", "]Q-z\r", "]Q\r", "a]Q1\r"), 0);
    expect(frames.map((frame) => frame.aim)).toEqual(["]Q1", "]q2", null, null, null, null]);
    expect(text(frames)).toEqual(["]C1ABC", "x", "]11y", "]Q-z", "]Q", "a]Q1"]);
  });

  test("everything else stays byte for byte: invalid UTF-8, NUL and ESC inside, GS", () => {
    const odd = [0xff, 0xfe, 0x00, 0x1b, 0x5b, 0x41, 0x1d, 0xc3, 0x28, 0x80, 0x02, 0x7f];
    expect(hex(createByteFramer().push(bytes(odd, [13]), 0)[0])).toBe(Buffer.from(odd).toString("hex"));
  });

  test("a stray lead byte before the end does not change the next scan", () => {
    const framer = createByteFramer();
    expect(framer.push(bytes("TEN:L", [0xc3, 13], CARD, [13]), 0).map(hex)).toEqual([
      Buffer.from(bytes("TEN:L", [0xc3])).toString("hex"),
      CARD.toString("hex"),
    ]);
  });
});

describe("a device that does not stop", () => {
  test("is spoiled once, holds the first 8 KiB, and the next scan is read", () => {
    const framer = createByteFramer();
    const frames = feed(framer, [...Array(1024).fill(Buffer.alloc(1024, "x")), bytes("\rnext\r")], 1);
    expect(frames.map((frame) => [frame.bytes.length, frame.spoiled])).toEqual([
      [8192, "overflow"],
      [4, null],
    ]);
  });

  test("silence ends it too", () => {
    const framer = createByteFramer({ maxFrameBytes: 4 });
    expect(framer.push(bytes("abcdef"), 0).map((frame) => frame.spoiled)).toEqual(["overflow"]);
    expect(framer.deadlineMs()).toBe(600);
    expect(framer.expire(600)).toEqual([]);
    expect(text(framer.push(bytes("ok\r"), 700))).toEqual(["ok"]);
  });

  test("a frame of exactly the cap is whole", () => {
    const frames = createByteFramer().push(bytes(Buffer.alloc(8192, "x"), [13]), 0);
    expect(frames.map((frame) => [frame.bytes.length, frame.spoiled])).toEqual([[8192, null]]);
  });
});

test("a frame is a copy that later bytes cannot change, and a reset forgets everything", () => {
  const framer = createByteFramer();
  const chunk = bytes("first\r");
  const [frame] = framer.push(chunk, 0);
  chunk.fill(0);
  framer.push(bytes("other"), 0);
  expect(text([frame as Frame])).toEqual(["first"]);
  framer.reset();
  expect(framer.deadlineMs()).toBeNull();
  framer.push(bytes("x"), 0);
  expect(framer.deadlineMs()).toBe(300);
});
