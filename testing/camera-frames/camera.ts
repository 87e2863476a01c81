import type { Box, GreyPicture } from "./grey-picture.ts";
import { type HeldThing, texelsPerModule } from "./held-things.ts";
import { blurDisc, blurLine, expose, quantiseBlocks } from "./lens.ts";
import { seededRandom } from "./random.ts";

/** Where the code is and how the camera sees it. Lengths are in pixels of the frame unless a name says otherwise. */
export interface Shot {
  readonly width: number;
  readonly height: number;
  /** Centre of the code. */
  readonly centreX: number;
  readonly centreY: number;
  readonly modulePx: number;
  readonly rotationDeg: number;
  /** Leaning back, and turned sideways. */
  readonly tiltDeg: number;
  readonly turnDeg: number;
  readonly mirrored: boolean;
  /** Radius of a disc: out of focus. */
  readonly defocusPx: number;
  /** Length and direction of movement while the shutter is open. */
  readonly motionPx: number;
  readonly motionDeg: number;
  /** White and black of the picture, 0 to 255: contrast and exposure. */
  readonly white: number;
  readonly black: number;
  /** Standard deviation of the sensor's noise. */
  readonly noise: number;
  /** Share of light that the darker end of the picture gets; 1 is even. */
  readonly shade: number;
  /** Patches of light on the thing: soft (a lamp on a card) or hard (a lamp mirrored by glass). */
  readonly glare: "none" | "soft" | "hard";
  /** Size of the glare as a share of the code's side. */
  readonly glareSize: number;
  /** Scratches and dirt over the code, in number. */
  readonly dirt: number;
  /** Quantiser of 8 x 8 blocks as a camera's MJPEG has, 0 none. */
  readonly blockiness: number;
}

export const plainShot: Omit<Shot, "width" | "height" | "centreX" | "centreY"> = {
  modulePx: 3.5,
  rotationDeg: 0,
  tiltDeg: 0,
  turnDeg: 0,
  mirrored: false,
  defocusPx: 0.6,
  motionPx: 0,
  motionDeg: 0,
  white: 255,
  black: 0,
  noise: 2,
  shade: 1,
  glare: "none",
  glareSize: 0,
  dirt: 0,
  blockiness: 0,
};

/** One frame of the camera. The same seed gives the same frame. */
export function takeFrame(thing: HeldThing | null, background: GreyPicture, shot: Shot, seed: number): GreyPicture {
  const { width, height } = shot;
  const light = Float32Array.from(background.data);
  const place = thing === null ? null : project(light, thing, shot, seed);
  if (place !== null) {
    const side = shot.modulePx * codeModules(thing as HeldThing);
    dirty(light, shot, side, seed);
    shine(light, shot, side, seed);
    if (shot.defocusPx > 0) blurDisc(light, width, place, shot.defocusPx);
    if (shot.motionPx > 0) blurLine(light, width, place, shot.motionPx, shot.motionDeg);
  }
  expose(light, shot, seed);
  if (shot.blockiness > 0) quantiseBlocks(light, width, height, shot.blockiness);
  const data = new Uint8Array(width * height);
  for (let at = 0; at < data.length; at++) {
    const value = light[at] as number;
    data[at] = value < 0 ? 0 : value > 255 ? 255 : value + 0.5;
  }
  return { data, width, height };
}

const codeModules = ({ code }: HeldThing): number => (code.right - code.left) / texelsPerModule;

/** Draws the thing in perspective, each pixel from 3 x 3 samples; gives the box it covers with some room for blur. */
function project(light: Float32Array, thing: HeldThing, shot: Shot, seed: number): Box {
  const { picture, code } = thing;
  const { width, height } = shot;
  const originX = (code.left + code.right) / 2;
  const originY = (code.top + code.bottom) / 2;
  const scale = shot.modulePx / texelsPerModule;
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const [cosR, sinR] = [Math.cos(radians(shot.rotationDeg)), Math.sin(radians(shot.rotationDeg))];
  const [cosT, sinT] = [Math.cos(radians(shot.tiltDeg)), Math.sin(radians(shot.tiltDeg))];
  const [cosU, sinU] = [Math.cos(radians(shot.turnDeg)), Math.sin(radians(shot.turnDeg))];
  const flip = shot.mirrored ? -1 : 1;
  // A flat thing turned about both axes before a pinhole: the two columns of its plane, then division by the depth.
  const distance = 9 * codeModules(thing) * shot.modulePx * 0.5;
  const column = (x: number, y: number): readonly [number, number, number] => {
    const [turnedX, turnedZ] = [x * cosU, -x * sinU];
    const [tiltedY, tiltedZ] = [y * cosT - turnedZ * sinT, y * sinT + turnedZ * cosT];
    return [flip * (turnedX * cosR - tiltedY * sinR), turnedX * sinR + tiltedY * cosR, tiltedZ];
  };
  const [ax, ay, az] = column(scale, 0);
  const [bx, by, bz] = column(0, scale);
  // Screen (x, y) belongs to thing (u, v) with u*a + v*b = (x*(1 + z/d), y*(1 + z/d)), z = u*az + v*bz.
  const thingOf = (x: number, y: number): readonly [number, number] => {
    const m11 = ax - (x * az) / distance;
    const m12 = bx - (x * bz) / distance;
    const m21 = ay - (y * az) / distance;
    const m22 = by - (y * bz) / distance;
    const det = m11 * m22 - m12 * m21;
    return [(x * m22 - y * m12) / det + originX, (m11 * y - m21 * x) / det + originY];
  };
  const screenOf = (u: number, v: number): readonly [number, number] => {
    const depth = 1 + (u * az + v * bz) / distance;
    return [(u * ax + v * bx) / depth + shot.centreX, (u * ay + v * by) / depth + shot.centreY];
  };
  const corners = [
    screenOf(-originX, -originY),
    screenOf(picture.width - originX, -originY),
    screenOf(-originX, picture.height - originY),
    screenOf(picture.width - originX, picture.height - originY),
  ];
  const clamp = (value: number, limit: number) => Math.max(0, Math.min(limit, Math.round(value)));
  const room = 2 + Math.ceil(shot.defocusPx + shot.motionPx);
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  const box: Box = {
    left: clamp(Math.min(...xs) - room, width),
    top: clamp(Math.min(...ys) - room, height),
    right: clamp(Math.max(...xs) + room, width),
    bottom: clamp(Math.max(...ys) + room, height),
  };
  const samples = 3;
  // The middle of a cell in a grid of samples moves with the seed, so that no pixel grid is favoured.
  const shift = (seededRandom(seed).next() - 0.5) / samples;
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      let sum = 0;
      let covered = 0;
      for (let part = 0; part < samples * samples; part++) {
        const [u, v] = thingOf(
          x + shift + ((part % samples) + 0.5) / samples - shot.centreX,
          y + shift + (Math.floor(part / samples) + 0.5) / samples - shot.centreY,
        );
        if (u < 0 || v < 0 || u >= picture.width || v >= picture.height) continue;
        sum += picture.data[Math.floor(v) * picture.width + Math.floor(u)] as number;
        covered += 1;
      }
      const at = y * width + x;
      if (covered > 0) light[at] = (sum + (light[at] as number) * (samples * samples - covered)) / (samples * samples);
    }
  }
  return box;
}

function dirty(light: Float32Array, shot: Shot, side: number, seed: number): void {
  const random = seededRandom(seed + 1);
  for (let scratch = 0; scratch < shot.dirt; scratch++) {
    const grey = random.integer(2) * 200 + 20;
    let x = shot.centreX + random.between(-0.5, 0.5) * side;
    let y = shot.centreY + random.between(-0.5, 0.5) * side;
    const direction = random.between(0, 2 * Math.PI);
    const radius = random.between(0.3, 0.8) * shot.modulePx;
    for (let step = 0; step < side / 4; step++) {
      disc(light, shot, x, y, radius, () => grey);
      x += Math.cos(direction) + random.between(-0.4, 0.4);
      y += Math.sin(direction) + random.between(-0.4, 0.4);
    }
  }
}

function shine(light: Float32Array, shot: Shot, side: number, seed: number): void {
  if (shot.glare === "none") return;
  const random = seededRandom(seed + 2);
  const radius = shot.glareSize * side;
  const x = shot.centreX + random.between(-0.45, 0.45) * side;
  const y = shot.centreY + random.between(-0.45, 0.45) * side;
  if (shot.glare === "soft") {
    disc(light, shot, x, y, 2.5 * radius, (old, share) => old + 330 * Math.exp(-4 * share * share));
    return;
  }
  // A lamp mirrored by glass: a strip with a sharp edge that lifts black most of the way to white, and haze around it.
  const angle = random.between(0, Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let py = 0; py < shot.height; py++) {
    for (let px = 0; px < shot.width; px++) {
      const along = (px - x) * cos + (py - y) * sin;
      const across = (py - y) * cos - (px - x) * sin;
      if (Math.abs(across) > radius || Math.abs(along) > 1.2 * side) continue;
      light[py * shot.width + px] = 170 + 0.36 * (light[py * shot.width + px] as number);
    }
  }
  disc(light, shot, x, y, 1.2 * side, (old, share) => old + 60 * (1 - share));
}

function disc(
  light: Float32Array,
  { width, height }: Shot,
  centreX: number,
  centreY: number,
  radius: number,
  change: (old: number, share: number) => number,
): void {
  for (let y = Math.max(0, Math.floor(centreY - radius)); y < Math.min(height, centreY + radius + 1); y++) {
    for (let x = Math.max(0, Math.floor(centreX - radius)); x < Math.min(width, centreX + radius + 1); x++) {
      const share = Math.hypot(x - centreX, y - centreY) / radius;
      const at = y * width + x;
      if (share <= 1) light[at] = change(light[at] as number, share);
    }
  }
}
