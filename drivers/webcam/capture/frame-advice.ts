import type { Region } from "./code-region.ts";
import type { GreyFrame } from "./frame-decoder.ts";

/** What a person could do so that the next frame can be read. */
export type FrameAdvice = "too-dark" | "too-bright" | "glare" | "nearer" | "steady";

/** Below this share of the picture's height coming nearer helps a code that was not read more than anything else. */
const leastCodeShare = 0.25;

/**
 * What keeps this frame from being read, by a few cheap measures; null when nothing stands out. `region` is where a code
 * seems to be: with none, only the light is judged.
 */
export function frameAdvice(frame: GreyFrame, region: Region | null): FrameAdvice | null {
  const whole = { left: 0, top: 0, width: frame.width, height: frame.height };
  const light = lightOf(frame, whole, 8);
  if (light.mean < 32) return "too-dark";
  if (light.saturated > 0.6) return "too-bright";
  if (region === null) return null;
  // The region has a quarter of the code's side of room on each side.
  if (region.width / 1.5 < leastCodeShare * frame.height) return "nearer";
  const inner = {
    left: region.left + Math.round(region.width / 6),
    top: region.top + Math.round(region.height / 6),
    width: Math.round(region.width / 1.5),
    height: Math.round(region.height / 1.5),
  };
  if (flatWhite(frame, inner) > 0.08) return "glare";
  return sharpness(frame, inner) < 0.42 ? "steady" : null;
}

function lightOf({ data, width }: GreyFrame, { left, top, width: wide, height }: Region, step: number) {
  let sum = 0;
  let saturated = 0;
  let count = 0;
  for (let y = top; y < top + height; y += step) {
    for (let x = left; x < left + wide; x += step) {
      const value = data[y * width + x] as number;
      sum += value;
      if (value > 250) saturated += 1;
      count += 1;
    }
  }
  return { mean: sum / count, saturated: saturated / count };
}

const patchPx = 16;

/** Share of patches in which nothing is left but white; a code has none as large. */
function flatWhite({ data, width, height }: GreyFrame, region: Region): number {
  let flat = 0;
  let patches = 0;
  for (let top = region.top; top + patchPx <= Math.min(height, region.top + region.height); top += patchPx) {
    for (let left = region.left; left + patchPx <= Math.min(width, region.left + region.width); left += patchPx) {
      let darkest = 255;
      for (let y = top; y < top + patchPx; y += 2) {
        for (let x = left; x < left + patchPx; x += 2) darkest = Math.min(darkest, data[y * width + x] as number);
      }
      patches += 1;
      if (darkest > 225) flat += 1;
    }
  }
  return patches === 0 ? 0 : flat / patches;
}

/** How much of a step of four pixels happens within one, in the direction where it is less: 0.25 is a ramp, 1 an edge. */
function sharpness({ data, width, height }: GreyFrame, region: Region): number {
  let fineAcross = 0;
  let wideAcross = 0;
  let fineDown = 0;
  let wideDown = 0;
  for (let y = region.top; y < Math.min(height - 4, region.top + region.height); y += 2) {
    for (let x = region.left; x < Math.min(width - 4, region.left + region.width); x += 2) {
      const at = y * width + x;
      const here = data[at] as number;
      fineAcross += Math.abs(here - (data[at + 1] as number));
      wideAcross += Math.abs(here - (data[at + 4] as number));
      fineDown += Math.abs(here - (data[at + width] as number));
      wideDown += Math.abs(here - (data[at + 4 * width] as number));
    }
  }
  return Math.min(fineAcross / Math.max(1, wideAcross), fineDown / Math.max(1, wideDown));
}
