import type { Region } from "./code-region.ts";
import type { GreyFrame } from "./frame-decoder.ts";

/** What a person could do so that the next frame can be read. */
export type FrameAdvice = "too-dark" | "too-bright" | "glare" | "nearer" | "steady";

/** Below this share of the picture's height coming nearer helps a code that was not read more than anything else. */
const leastCodeShare = 0.25;
/** Measured on frames of testing/camera-frames: codes have 0.75 and more of mixed patches, empty rooms under 0.15. */
const leastMixed = 0.7;
const leastContrast = 30;
/** Sharp codes of any size have 0.4 and more, those out of focus or moving too much to be read under 0.2. */
const leastSteepness = 0.22;
const mostWhite = 0.015;

/**
 * What most likely kept this frame from being read, by a few cheap measures; null when nothing in it looks like a code and
 * the light is good. `region` is where a code seems to be.
 */
export function frameAdvice(frame: GreyFrame, region: Region | null): FrameAdvice | null {
  const light = lightOf(frame);
  if (light.mean < 32) return "too-dark";
  if (light.saturated > 0.6) return "too-bright";
  if (region === null) return null;
  // The region has a quarter of the code's side of room on each side.
  const inner = {
    left: region.left + Math.round(region.width / 6),
    top: region.top + Math.round(region.height / 6),
    width: Math.round(region.width / 1.5),
    height: Math.round(region.height / 1.5),
  };
  const { contrast, steepness } = edgesOf(frame, inner);
  const { white, mixed } = patchesOf(frame, inner, contrast);
  if (mixed < leastMixed || contrast < leastContrast) return null;
  if (inner.width < leastCodeShare * frame.height) return "nearer";
  if (steepness < leastSteepness) return "steady";
  return white > mostWhite ? "glare" : "nearer";
}

function lightOf({ data }: GreyFrame): { readonly mean: number; readonly saturated: number } {
  let sum = 0;
  let saturated = 0;
  let count = 0;
  // One pixel of about 64; the odd step wanders over the columns.
  for (let at = 0; at < data.length; at += 65) {
    const value = data[at] as number;
    sum += value;
    if (value > 250) saturated += 1;
    count += 1;
  }
  return { mean: sum / count, saturated: saturated / count };
}

const patchPx = 16;

interface Patches {
  /** Share of patches in which nothing is left but white. */
  readonly white: number;
  /** Share of patches with light and dark in them. */
  readonly mixed: number;
}

/** What the patches of the region are like: in a code nearly all hold light and dark, and none is only white. */
function patchesOf({ data, width, height }: GreyFrame, region: Region, contrast: number): Patches {
  let white = 0;
  let mixed = 0;
  let count = 0;
  for (let top = region.top; top + patchPx <= Math.min(height, region.top + region.height); top += patchPx) {
    for (let left = region.left; left + patchPx <= Math.min(width, region.left + region.width); left += patchPx) {
      let darkest = 255;
      let lightest = 0;
      for (let y = top; y < top + patchPx; y += 2) {
        for (let x = left; x < left + patchPx; x += 2) {
          const value = data[y * width + x] as number;
          if (value < darkest) darkest = value;
          if (value > lightest) lightest = value;
        }
      }
      count += 1;
      if (darkest > 225) white += 1;
      if (lightest - darkest > 0.4 * contrast) mixed += 1;
    }
  }
  return { white: white / Math.max(1, count), mixed: mixed / Math.max(1, count) };
}

/** Contrast of the region, and how much of it the steepest edges cross within one pixel, in the blurrier direction. */
function edgesOf({ data, width, height }: GreyFrame, region: Region): { contrast: number; steepness: number } {
  const greys = new Uint32Array(256);
  const across = new Uint32Array(256);
  const down = new Uint32Array(256);
  let count = 0;
  for (let y = region.top; y < Math.min(height - 1, region.top + region.height); y += 2) {
    for (let x = region.left; x < Math.min(width - 1, region.left + region.width); x += 2) {
      const at = y * width + x;
      const here = data[at] as number;
      greys[here] = (greys[here] as number) + 1;
      const stepAcross = Math.abs(here - (data[at + 1] as number));
      const stepDown = Math.abs(here - (data[at + width] as number));
      across[stepAcross] = (across[stepAcross] as number) + 1;
      down[stepDown] = (down[stepDown] as number) + 1;
      count += 1;
    }
  }
  const contrast = Math.max(1, valueAt(greys, 0.95 * count) - valueAt(greys, 0.05 * count));
  const steepest = Math.min(valueAt(across, 0.97 * count), valueAt(down, 0.97 * count));
  return { contrast, steepness: steepest / contrast };
}

/** The value below which so many of a histogram's samples lie. */
function valueAt(histogram: Uint32Array, samples: number): number {
  let sum = 0;
  for (let value = 0; value < histogram.length; value++) {
    sum += histogram[value] as number;
    if (sum >= samples) return value;
  }
  return histogram.length - 1;
}
