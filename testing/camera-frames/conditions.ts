import { plainShot, type Shot } from "./camera.ts";
import type { Showing } from "./held-things.ts";
import type { Random } from "./random.ts";

/** One way in which codes are hard to read: what is shown, and how the shot differs from an easy one. */
export interface Condition {
  readonly name: string;
  readonly showing?: Showing;
  readonly busy?: boolean;
  readonly change: (random: Random) => Partial<Shot>;
}

const easyModulePx = (random: Random) => random.between(2.3, 4.2);

/** Each condition from mild to hopeless, so that a decoder is told apart by how far into it it reads. */
export const conditions: readonly Condition[] = [
  { name: "easy", change: (random) => ({ modulePx: random.between(3, 5) }) },
  { name: "modules 2.0-2.5 px", change: (random) => ({ modulePx: random.between(2, 2.5) }) },
  { name: "modules 1.5-2.0 px", change: (random) => ({ modulePx: random.between(1.5, 2) }) },
  { name: "modules 1.2-1.5 px", change: (random) => ({ modulePx: random.between(1.2, 1.5) }) },
  { name: "rotated", change: (random) => ({ rotationDeg: random.between(0, 360) }) },
  {
    name: "tilted",
    change: (random) => ({ tiltDeg: random.between(20, 50), turnDeg: random.between(-40, 40) }),
  },
  {
    name: "out of focus",
    change: (random) => {
      const modulePx = random.between(2.5, 4.5);
      return { modulePx, defocusPx: modulePx * random.between(0.4, 0.85) };
    },
  },
  {
    name: "moving",
    change: (random) => {
      const modulePx = random.between(2.5, 4.5);
      return { modulePx, motionPx: modulePx * random.between(0.5, 2), motionDeg: random.between(0, 180) };
    },
  },
  { name: "noise", change: (random) => ({ noise: random.between(12, 42) }) },
  {
    name: "low contrast",
    change: (random) => {
      const black = random.between(60, 130);
      return { black, white: black + random.between(14, 60), noise: random.between(2, 5) };
    },
  },
  { name: "half in shade", change: (random) => ({ shade: random.between(0.08, 0.45) }) },
  { name: "glare", change: (random) => ({ glare: "soft", glareSize: random.between(0.05, 0.24) }) },
  { name: "telephone", showing: { on: "phone" }, change: () => ({}) },
  { name: "dark telephone", showing: { on: "phone", inverted: true }, change: () => ({}) },
  {
    name: "telephone, hard glare",
    showing: { on: "phone" },
    change: (random) => ({ glare: "hard", glareSize: random.between(0.03, 0.2), modulePx: random.between(3, 5) }),
  },
  { name: "mirrored", change: () => ({ mirrored: true }) },
  { name: "dim room", change: (random) => ({ white: random.between(25, 70), noise: random.between(2, 6) }) },
  { name: "worn card", change: (random) => ({ dirt: 1 + random.integer(12) }) },
  { name: "busy background", busy: true, change: (random) => ({ modulePx: random.between(2, 3) }) },
  { name: "MJPEG blocks", change: (random) => ({ blockiness: random.between(10, 45) }) },
];

/** A shot under the condition, the code wholly in view and a little off the middle. */
export function shotUnder(condition: Condition, width: number, height: number, modules: number, random: Random): Shot {
  const change = {
    modulePx: easyModulePx(random),
    rotationDeg: random.between(-12, 12),
    tiltDeg: random.between(-12, 12),
    turnDeg: random.between(-12, 12),
    defocusPx: random.between(0.5, 0.9),
    noise: random.between(1, 5),
    ...condition.change(random),
  };
  // The code must fit into the smaller frame, turned by any angle.
  const modulePx = Math.min(change.modulePx, height / (1.5 * modules));
  const free = Math.max(0, height / 2 - (modules * modulePx) / Math.SQRT2);
  return {
    ...plainShot,
    ...change,
    modulePx,
    width,
    height,
    centreX: width / 2 + random.between(-1, 1) * (free + (width - height) / 4),
    centreY: height / 2 + random.between(-1, 1) * free,
  };
}
