import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../../testing/folder.ts";
import { Witness, witnessFile } from "./witness.ts";

const slotBytes = 8_192;
let folder: ReturnType<typeof temporaryFolder>;
let file: string;

beforeEach(() => {
  folder = temporaryFolder();
  file = path.join(folder.path, witnessFile);
});
afterEach(() => folder[Symbol.dispose]());

function opened<T>(use: (witness: Witness) => T): T {
  const witness = new Witness(file);
  try {
    return use(witness);
  } finally {
    witness.close();
  }
}

test("a witness that was only made knows nothing; one that was saved does, with either slot torn", () => {
  opened(() => {});
  expect(opened(({ isKnown }) => isKnown)).toBe(false);
  opened((witness) => {
    witness.promise(1);
    witness.note(1);
    witness.promise(5_000);
  });
  const whole = readFileSync(file);
  expect(whole).toHaveLength(2 * slotBytes);
  for (const slot of [0, 1]) {
    writeFileSync(file, Buffer.from(whole).fill(0xff, slot * slotBytes + 20, slot * slotBytes + 40));
    const known = opened(({ isKnown, ceiling }) => ({ isKnown, ceiling }));
    expect(known.isKnown).toBe(true);
    expect([1_001, 6_000]).toContain(known.ceiling);
  }
});

test("facts never take the room that the next promise of numbers needs", () => {
  opened((witness) => {
    let length = slotBytes;
    const isTaken = (): boolean => {
      try {
        witness.setFact("place", "x".repeat(length));
        return true;
      } catch {
        return false;
      }
    };
    while (!isTaken()) length--;
    expect(length).toBeGreaterThan(slotBytes / 2);
    witness.noteHighWater(2 ** 51);
    witness.note(2 ** 51);
    witness.promise(2 ** 51 + 1);
  });
  expect(opened(({ ceiling }) => ceiling)).toBeGreaterThan(2 ** 51);
});

test("a slot with numbers that no station ever gave is not believed", () => {
  opened((witness) => witness.promise(7));
  const body = Buffer.from(
    JSON.stringify({ turn: 9, lastSeq: Number.MAX_SAFE_INTEGER, ceiling: 0, highWater: -1, facts: {} }),
  );
  const slot = Buffer.alloc(slotBytes);
  slot.writeUInt32LE(body.length, 0);
  slot.writeUInt32LE(crc32(body), 4);
  body.copy(slot, 8);
  const bytes = readFileSync(file);
  slot.copy(bytes, 0);
  writeFileSync(file, bytes);
  expect(opened(({ lastSeq, ceiling }) => ({ lastSeq, ceiling }))).toEqual({ lastSeq: 0, ceiling: 1_007 });
});
