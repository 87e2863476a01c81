import type { Region } from "./code-region.ts";
import type { GreyFrame } from "./frame-decoder.ts";

/** A copy of a part of the frame. */
export function cropped({ data, width }: GreyFrame, region: Region): GreyFrame {
  const copy = new Uint8Array(region.width * region.height);
  for (let y = 0; y < region.height; y++) {
    const from = (region.top + y) * width + region.left;
    copy.set(data.subarray(from, from + region.width), y * region.width);
  }
  return { data: copy, width: region.width, height: region.height };
}

/** Twice the size, the new pixels half-way between the old: a module of 1.5 px becomes one of 3. */
export function doubled({ data, width, height }: GreyFrame): GreyFrame {
  const wide = width * 2;
  const made = new Uint8Array(wide * height * 2);
  for (let y = 0; y < height; y++) {
    const line = y * width;
    const below = y + 1 < height ? line + width : line;
    let at = 2 * y * wide;
    let here = data[line] as number;
    let under = data[below] as number;
    for (let x = 0; x < width; x++, at += 2) {
      const next = x + 1 < width ? x + 1 : x;
      const right = data[line + next] as number;
      const across = data[below + next] as number;
      made[at] = here;
      made[at + 1] = (here + right) >> 1;
      made[at + wide] = (here + under) >> 1;
      made[at + wide + 1] = (here + right + under + across) >> 2;
      here = right;
      under = across;
    }
  }
  return { data: made, width: wide, height: height * 2 };
}

/** A slight blur (1 2 1 in both directions) against noise; the edge pixels stay as they are. */
export function smoothed({ data, width, height }: GreyFrame): GreyFrame {
  const made = new Uint8Array(data);
  for (let y = 1; y + 1 < height; y++) {
    const line = y * width;
    const column = (at: number) =>
      (data[at - width] as number) + 2 * (data[at] as number) + (data[at + width] as number);
    let left = column(line);
    let here = column(line + 1);
    for (let at = line + 1; at < line + width - 1; at++) {
      const right = column(at + 1);
      made[at] = (left + 2 * here + right + 8) >> 4;
      left = here;
      here = right;
    }
  }
  return { data: made, width, height };
}

/**
 * Writes each pixel's difference from the mean of its surroundings (a square of `radius` to each side), multiplied by
 * `gain`, onto the pixel itself (`keep`: sharpening, an unsharp mask) or onto middle grey (glare, haze and shade vanish).
 */
export function stretchContrast(
  { data, width, height }: GreyFrame,
  { radius, gain, keep }: { readonly radius: number; readonly gain: number; readonly keep: boolean },
  into: Uint8Array,
): void {
  const rowSums = horizontalSums(data, width, height, radius);
  const sums = new Int32Array(width);
  const share = 1 / (2 * radius + 1) ** 2;
  const lineOf = (y: number) => (y < 0 ? 0 : y >= height ? height - 1 : y) * width;
  for (let y = -radius; y <= radius; y++) {
    const line = lineOf(y);
    for (let x = 0; x < width; x++) sums[x] = (sums[x] as number) + (rowSums[line + x] as number);
  }
  for (let y = 0; y < height; y++) {
    const line = y * width;
    const entering = lineOf(y + radius + 1);
    const leaving = lineOf(y - radius);
    for (let x = 0; x < width; x++) {
      const value = data[line + x] as number;
      const sum = sums[x] as number;
      const made = (keep ? value : 128) + gain * (value - sum * share);
      into[line + x] = made < 0 ? 0 : made > 255 ? 255 : made;
      sums[x] = sum + (rowSums[entering + x] as number) - (rowSums[leaving + x] as number);
    }
  }
}

/** For each pixel the sum of its row from `radius` before to `radius` after it; the edge pixel stands for those outside. */
function horizontalSums(data: GreyFrame["data"], width: number, height: number, radius: number): Uint16Array {
  const made = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    const line = y * width;
    const last = line + width - 1;
    let sum = (radius + 1) * (data[line] as number);
    for (let x = 1; x <= radius; x++) sum += data[Math.min(last, line + x)] as number;
    for (let at = line; at <= last; at++) {
      made[at] = sum;
      const entering = at + radius + 1;
      const leaving = at - radius;
      sum += (data[entering > last ? last : entering] as number) - (data[leaving < line ? line : leaving] as number);
    }
  }
  return made;
}
