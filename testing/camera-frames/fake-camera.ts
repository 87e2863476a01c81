import { closeSync, openSync, writeSync } from "node:fs";
import { drawBackground } from "./backgrounds.ts";
import { plainShot, type Shot, takeFrame } from "./camera.ts";
import type { GreyPicture } from "./grey-picture.ts";
import { drawHeldThing, type Showing } from "./held-things.ts";
import { plainSymbol } from "./symbols.ts";

/** Somebody before a camera, 1.3 s in a loop. */
export interface Scene {
  readonly payload: string;
  readonly showing: Showing;
  readonly width: number;
  readonly height: number;
  /** The shot at `time`, 0 to 1 through the loop; all else is an easy shot in the middle. */
  readonly shot: (time: number) => Partial<Shot>;
}

const frames = 20;
const framesPerSecond = 15;

/** Writes the scene as a file for Chromium's `--use-file-for-fake-video-capture`: raw I420 frames without colour. */
export function writeFakeCamera(file: string, scene: Scene): void {
  const { width, height, payload, showing } = scene;
  const thing = drawHeldThing(plainSymbol(payload), showing, 1);
  const background = drawBackground(width, height, 3);
  const colour = new Uint8Array(2 * Math.ceil(width / 2) * Math.ceil(height / 2)).fill(128);
  const target = openSync(file, "w");
  writeSync(target, `YUV4MPEG2 W${width} H${height} F${framesPerSecond}:1 Ip A1:1 C420jpeg\n`);
  for (let frame = 0; frame < frames; frame++) {
    const shot: Shot = {
      ...plainShot,
      width,
      height,
      centreX: width / 2,
      centreY: height / 2,
      modulePx: 3.2,
      ...scene.shot(frame / frames),
    };
    const picture: GreyPicture = takeFrame(thing, background, shot, frame);
    writeSync(target, "FRAME\n");
    writeSync(target, picture.data);
    writeSync(target, colour);
  }
  closeSync(target);
}

/** Chromium's flags for this file as the only camera, allowed without asking. */
export const fakeCameraFlags = (file: string): readonly string[] => [
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  `--use-file-for-fake-video-capture=${file}`,
];
