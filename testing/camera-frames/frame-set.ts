import { drawBackground } from "./backgrounds.ts";
import { plainShot, type Shot, takeFrame } from "./camera.ts";
import { type Condition, conditions, shotUnder } from "./conditions.ts";
import type { GreyPicture } from "./grey-picture.ts";
import { drawHeldThing } from "./held-things.ts";
import { seededRandom } from "./random.ts";
import type { Symbol2D } from "./symbols.ts";

/** A frame and what a decoder must find in it; null where nothing can be read. */
export interface MadeFrame {
  readonly picture: GreyPicture;
  readonly condition: string;
  readonly payload: string | null;
}

const sizes = [
  { width: 1280, height: 720 },
  { width: 640, height: 480 },
] as const;

/** Frame `index` of an endless set: all conditions in turn, every size, a new symbol and a new shot each time. */
export function conditionFrame(symbols: readonly Symbol2D[], index: number): MadeFrame {
  const condition = conditions[index % conditions.length] as Condition;
  const size = sizes[Math.floor(index / conditions.length) % sizes.length] ?? sizes[0];
  const symbol = symbols[(index * 7) % symbols.length] as Symbol2D;
  const random = seededRandom(100_000 + index);
  const shot = shotUnder(condition, size.width, size.height, symbol.modules.width, random);
  return {
    picture: takeFrame(
      drawHeldThing(symbol, condition.showing ?? { on: "card" }, index),
      background(size, random.integer(12), condition.busy ?? false),
      shot,
      index,
    ),
    condition: condition.name,
    payload: symbol.payload,
  };
}

/** Frame `index` without a code: an empty room, a card or telephone whose code is painted over, much print, a dim room. */
export function emptyFrame(symbols: readonly Symbol2D[], index: number): MadeFrame {
  const size = sizes[Math.floor(index / 5) % sizes.length] ?? sizes[0];
  const random = seededRandom(900_000 + index);
  const symbol = symbols[index % symbols.length] as Symbol2D;
  const kind = index % 5;
  const shot: Shot = {
    ...shotUnder({ name: "empty", change: () => ({}) }, size.width, size.height, symbol.modules.width, random),
    ...(kind === 4 ? { white: 60, noise: 8 } : {}),
  };
  const thing =
    kind === 1 || kind === 2
      ? drawHeldThing(symbol, { on: kind === 1 ? "card" : "phone", paintedOver: true }, index)
      : null;
  return {
    picture: takeFrame(thing, background(size, random.integer(12), kind === 3), shot, index),
    condition: "no code",
    payload: null,
  };
}

/** One person: 30 frames (3 s at 10 per second) of a card or telephone brought into view, hunting for focus, held, taken away. */
export function videoFrame(symbols: readonly Symbol2D[], video: number, frame: number): MadeFrame {
  const size = sizes[video % sizes.length] ?? sizes[0];
  const random = seededRandom(500_000 + video);
  const symbol = symbols[(video * 5) % symbols.length] as Symbol2D;
  const modules = symbol.modules.width;
  const phone = random.next() < 0.4;
  const inverted = phone && random.next() < 0.4;
  const heldModulePx = Math.min(random.between(1.8, 3.6), size.height / (1.4 * modules));
  const heldTilt = random.between(-25, 25);
  const white = random.next() < 0.3 ? random.between(35, 120) : 255;
  const noise = random.between(2, 14);
  const glare = random.next() < 0.3;
  const defocus = random.between(0.1, 0.8);
  const shake = random.between(0.05, 0.7);
  const rotationDeg = random.between(-30, 30);
  const background0 = background(size, random.integer(12), random.next() < 0.3);
  const glareSize = random.between(0.03, 0.18);
  // From the edge of the view to the middle in the first second, still in the second, away in the third.
  const time = frame / videoFramesPerSecond;
  const away = time < 1 ? 1 - time : time < 2 ? 0 : time - 2;
  const move = seededRandom(600_000 + video * 100 + frame);
  const speedPx = (away > 0 ? size.width * 0.014 : 0) + shake * move.next() * 2;
  const shot: Shot = {
    ...plainShot,
    ...size,
    modulePx: heldModulePx * (1 - 0.35 * away),
    rotationDeg: rotationDeg + 25 * away,
    tiltDeg: heldTilt + 20 * away,
    turnDeg: heldTilt / 2,
    centreX: size.width * (0.5 + 0.45 * away) + move.between(-3, 3) * shake,
    centreY: size.height * (0.5 + 0.3 * away) + move.between(-3, 3) * shake,
    defocusPx: heldModulePx * defocus * (0.45 + 0.5 * away + 0.25 * move.next()),
    motionPx: speedPx,
    motionDeg: move.between(0, 180),
    white,
    noise,
    glare: glare ? (phone ? "hard" : "soft") : "none",
    glareSize,
  };
  const thing = drawHeldThing(symbol, { on: phone ? "phone" : "card", inverted }, video);
  return {
    picture: takeFrame(thing, background0, shot, video * 100 + frame),
    condition: "video",
    payload: symbol.payload,
  };
}

const videoFramesPerSecond = 10;
export const framesOfVideo = 30;

const drawn = new Map<string, GreyPicture>();

function background({ width, height }: { width: number; height: number }, seed: number, busy: boolean): GreyPicture {
  const key = `${width} ${seed} ${busy}`;
  const known = drawn.get(key) ?? drawBackground(width, height, seed, busy);
  drawn.set(key, known);
  return known;
}
