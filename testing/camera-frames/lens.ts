import type { Shot } from "./camera.ts";
import type { Box } from "./grey-picture.ts";
import { seededRandom } from "./random.ts";

// What lens, sensor and compression do to light; `light` is row by row, 0 to 255, and changed in place.

/** Mean over a disc: row by row with running sums, the edge pixels weighed by their part. */
export function blurDisc(light: Float32Array, width: number, box: Box, radius: number): void {
  const reach = Math.ceil(radius);
  const rows = Array.from({ length: 2 * reach + 1 }, (_, row) => {
    const offset = row - reach;
    return Math.sqrt(Math.max(0, (radius + 0.3) ** 2 - offset ** 2));
  });
  const from = light.slice();
  let weight = 0;
  for (const half of rows) weight += half === 0 ? 0 : 2 * half;
  const prefix = new Float64Array(width + 1);
  const sums = new Float64Array(width);
  for (let y = box.top + reach; y < box.bottom - reach; y++) {
    sums.fill(0);
    for (let row = 0; row < rows.length; row++) {
      const half = rows[row] as number;
      if (half === 0) continue;
      const line = (y + row - reach) * width;
      prefix[box.left] = 0;
      for (let x = box.left; x < box.right; x++) prefix[x + 1] = (prefix[x] as number) + (from[line + x] as number);
      for (let x = box.left + reach + 1; x < box.right - reach - 1; x++) {
        // The stretch [x + 0.5 - half, x + 0.5 + half] of the row, with parts of pixels at both ends.
        const low = x + 0.5 - half;
        const high = x + 0.5 + half;
        const first = Math.floor(low);
        const last = Math.floor(high);
        sums[x] =
          (sums[x] as number) +
          (prefix[last] as number) -
          (prefix[first] as number) -
          (low - first) * (from[line + first] as number) +
          (high - last) * (from[line + last] as number);
      }
    }
    for (let x = box.left + reach + 1; x < box.right - reach - 1; x++) {
      light[y * width + x] = (sums[x] as number) / weight;
    }
  }
}

/** Mean along a line of this length. */
export function blurLine(light: Float32Array, width: number, box: Box, length: number, degrees: number): void {
  const from = light.slice();
  const height = from.length / width;
  const steps = Math.max(2, Math.ceil(length * 2));
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const offsets = Array.from({ length: steps }, (_, step) => {
    const along = ((step + 0.5) / steps - 0.5) * length;
    return [along * cos, along * sin] as const;
  });
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      let sum = 0;
      for (const [dx, dy] of offsets) {
        const px = Math.max(0, Math.min(width - 2, x + dx));
        const py = Math.max(0, Math.min(height - 2, y + dy));
        const ix = Math.floor(px);
        const iy = Math.floor(py);
        const at = iy * width + ix;
        const top = (from[at] as number) + (px - ix) * ((from[at + 1] as number) - (from[at] as number));
        const low =
          (from[at + width] as number) + (px - ix) * ((from[at + width + 1] as number) - (from[at + width] as number));
        sum += top + (py - iy) * (low - top);
      }
      light[y * width + x] = sum / steps;
    }
  }
}

const normals = (() => {
  const random = seededRandom(1);
  return Float32Array.from({ length: 1 << 16 }, () => random.normal());
})();

/** Shade, contrast, exposure and noise. */
export function expose(light: Float32Array, { white, black, noise, shade, width, height }: Shot, seed: number): void {
  const random = seededRandom(seed + 3);
  const gain = (white - black) / 255;
  const direction = random.between(0, 2 * Math.PI);
  const [slopeX, slopeY] = [Math.cos(direction) / width, Math.sin(direction) / height];
  for (let y = 0; y < height; y++) {
    // Each row starts elsewhere in the table, so that the noise does not repeat visibly.
    let drawn = random.integer(normals.length);
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      let value = light[at] as number;
      if (value > 255) value = 255;
      if (shade < 1) {
        const along = 0.5 + (x - width / 2) * slopeX + (y - height / 2) * slopeY;
        value *= shade + (1 - shade) * Math.max(0, Math.min(1, (along - 0.42) * 6));
      }
      drawn = (drawn + 1) & 0xffff;
      light[at] = black + value * gain + noise * (normals[drawn] as number);
    }
  }
}

const cosines = Float32Array.from(
  { length: 64 },
  (_, at) =>
    Math.cos(((2 * (at % 8) + 1) * Math.floor(at / 8) * Math.PI) / 16) * (at < 8 ? Math.sqrt(1 / 8) : Math.sqrt(1 / 4)),
);

/** What MJPEG does to sharp edges: the DCT of each block of 8 x 8, coarser towards high frequencies. */
export function quantiseBlocks(light: Float32Array, width: number, height: number, strength: number): void {
  const block = new Float32Array(64);
  const half = new Float32Array(64);
  for (let top = 0; top + 8 <= height; top += 8) {
    for (let left = 0; left + 8 <= width; left += 8) {
      for (let at = 0; at < 64; at++) block[at] = light[(top + (at >> 3)) * width + left + (at & 7)] as number;
      multiply(half, cosines, block, false);
      multiply(block, half, cosines, true);
      for (let at = 0; at < 64; at++) {
        const step = strength * (1 + 0.5 * ((at >> 3) + (at & 7)));
        block[at] = Math.round((block[at] as number) / step) * step;
      }
      multiplyTransposed(half, cosines, block);
      for (let y = 0; y < 8; y++) {
        for (let x = 0; x < 8; x++) {
          let sum = 0;
          for (let k = 0; k < 8; k++) sum += (half[y * 8 + k] as number) * (cosines[k * 8 + x] as number);
          light[(top + y) * width + left + x] = sum;
        }
      }
    }
  }
}

function multiply(into: Float32Array, left: Float32Array, right: Float32Array, rightTransposed: boolean): void {
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0;
      for (let k = 0; k < 8; k++) {
        sum += (left[y * 8 + k] as number) * (right[rightTransposed ? x * 8 + k : k * 8 + x] as number);
      }
      into[y * 8 + x] = sum;
    }
  }
}

function multiplyTransposed(into: Float32Array, left: Float32Array, right: Float32Array): void {
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0;
      for (let k = 0; k < 8; k++) sum += (left[k * 8 + y] as number) * (right[k * 8 + x] as number);
      into[y * 8 + x] = sum;
    }
  }
}
