import { beforeAll, expect, test } from "vitest";
import { drawBackground } from "../../../testing/camera-frames/backgrounds.ts";
import { plainShot, type Shot, takeFrame } from "../../../testing/camera-frames/camera.ts";
import { drawHeldThing, type HeldThing } from "../../../testing/camera-frames/held-things.ts";
import { inventedCard, plainSymbol } from "../../../testing/camera-frames/symbols.ts";
import { likelyCodeRegion } from "./code-region.ts";
import { frameAdvice } from "./frame-advice.ts";

let card: HeldThing;
beforeAll(() => {
  card = drawHeldThing(plainSymbol(inventedCard(1)), { on: "card" }, 1);
});

function adviceFor(change: Partial<Shot>, thing: HeldThing | null = card, room = 1) {
  const [width, height] = [1280, 720];
  const shot = { ...plainShot, width, height, centreX: 700, centreY: 330, modulePx: 5, ...change };
  const frame = takeFrame(thing, drawBackground(width, height, room), shot, 4);
  return frameAdvice(frame, likelyCodeRegion(frame));
}

test("a dark room, a lamp in the lens", () => {
  expect(adviceFor({ white: 35, noise: 4 })).toBe("too-dark");
  expect(adviceFor({ white: 700, black: 230 })).toBe("too-bright");
});

test("a card far away", () => {
  expect(adviceFor({ modulePx: 1 })).toBe("nearer");
  expect(adviceFor({ modulePx: 1.5 })).toBe("nearer");
});

test("a hand that shakes, a lens out of focus", () => {
  expect(adviceFor({ motionPx: 16, motionDeg: 20 })).toBe("steady");
  expect(adviceFor({ defocusPx: 6 })).toBe("steady");
});

test("a lamp mirrored in the code", () => {
  expect(adviceFor({ glare: "soft", glareSize: 0.3 })).toBe("glare");
});

test("nothing is said to an empty room", () => {
  for (let room = 0; room < 6; room++) expect(adviceFor({}, null, room)).toBeNull();
});
