import { beforeAll, expect, test } from "vitest";
import { drawBackground } from "../../../testing/camera-frames/backgrounds.ts";
import { plainShot, takeFrame } from "../../../testing/camera-frames/camera.ts";
import { conditionFrame, emptyFrame, type MadeFrame } from "../../../testing/camera-frames/frame-set.ts";
import { drawHeldThing } from "../../../testing/camera-frames/held-things.ts";
import { inventedSymbols, readWasm, type Symbol2D } from "../../../testing/camera-frames/symbols.ts";
import { PersistentDecoder } from "./persistent-decoder.ts";
import { ZxingDecoder } from "./zxing-decoder.ts";

let symbols: Symbol2D[];
let engine: ZxingDecoder;
beforeAll(async () => {
  symbols = await inventedSymbols(20);
  engine = await ZxingDecoder.create(readWasm("zxing-wasm/reader/zxing_reader.wasm"));
});

const made = (count: number, make: (index: number) => MadeFrame): MadeFrame[] =>
  Array.from({ length: count }, (_, index) => make(index));

test("of frames under all conditions it reads each the engine reads, at least one more in twenty, and none wrong", () => {
  const persistent = new PersistentDecoder(engine);
  // The smaller size only, two rounds of all conditions.
  const frames = made(80, (index) => conditionFrame(symbols, index)).filter(({ picture }) => picture.width === 640);
  const read = (decoder: ZxingDecoder | PersistentDecoder) =>
    frames.map(({ picture, payload }) => {
      const code = decoder.decode(picture);
      if (code !== null) expect(new TextDecoder().decode(code.bytes)).toBe(payload);
      return code !== null;
    });
  const alone = read(engine);
  const ours = read(persistent);
  expect(ours.filter((found, at) => !found && alone[at])).toEqual([]);
  const more = ours.filter((found, at) => found && !alone[at]).length;
  expect(more).toBeGreaterThanOrEqual(frames.length / 20);
});

test("nothing is read where there is no code", () => {
  const persistent = new PersistentDecoder(engine);
  for (const { picture } of made(15, (index) => emptyFrame(symbols, index)))
    expect(persistent.decode(picture)).toBeNull();
});

test("the corners of a code that only a further try read lie on the code", () => {
  const persistent = new PersistentDecoder(engine);
  const thing = drawHeldThing(symbols[0] as Symbol2D, { on: "card" }, 1);
  const modules = (symbols[0] as Symbol2D).modules.width;
  const shot = { ...plainShot, width: 640, height: 480, centreX: 200, centreY: 180, modulePx: 1.75, defocusPx: 0.85 };
  const frame = takeFrame(thing, drawBackground(640, 480, 1), shot, 1);
  expect(engine.decode(frame)).toBeNull();
  const corners = persistent.decode(frame)?.corners;
  const half = (modules * shot.modulePx) / 2;
  const expected = [
    { x: 200 - half, y: 180 - half },
    { x: 200 + half, y: 180 - half },
    { x: 200 + half, y: 180 + half },
    { x: 200 - half, y: 180 + half },
  ];
  for (const [at, { x, y }] of expected.entries()) {
    expect(Math.abs((corners?.[at]?.x ?? 0) - x)).toBeLessThan(5);
    expect(Math.abs((corners?.[at]?.y ?? 0) - y)).toBeLessThan(5);
  }
});
