import { type Box, blankPicture, type GreyPicture } from "./grey-picture.ts";
import { seededRandom } from "./random.ts";
import type { Symbol2D } from "./symbols.ts";

/** Something a visitor holds up, drawn flat at {@link texelsPerModule}; the code lies at `code`. */
export interface HeldThing {
  readonly picture: GreyPicture;
  readonly code: Box;
}

export const texelsPerModule = 4;

/** How the code is shown. */
export interface Showing {
  readonly on: "card" | "phone";
  /** Light modules on a dark screen. */
  readonly inverted?: boolean;
  /** No code: its place is painted over. */
  readonly paintedOver?: boolean;
}

/** Draws a citizen card (85.6 x 54 mm, 0.4 mm modules, the code at the right) or a telephone with the code in the middle. */
export function drawHeldThing({ modules }: Symbol2D, showing: Showing, seed: number): HeldThing {
  const random = seededRandom(seed);
  const onCard = showing.on === "card";
  const t = texelsPerModule;
  const side = modules.width * t;
  const [width, height] = onCard ? [214 * t, 135 * t] : [(modules.width + 16) * t, (modules.width + 70) * t];
  const dark = showing.inverted ?? false;
  const picture = blankPicture(width, height, onCard ? 205 + random.integer(25) : 14);
  const code = onCard
    ? { left: width - side - 12 * t, top: 10 * t, right: width - 12 * t, bottom: 10 * t + side }
    : { left: 8 * t, top: 30 * t, right: 8 * t + side, bottom: 30 * t + side };
  if (!onCard) fill(picture, inset({ left: 0, top: 0, right: width, bottom: height }, 3 * t), dark ? 26 : 243);
  const ink = dark ? 205 : 45;
  const lines: readonly Box[] = onCard
    ? Array.from({ length: 9 }, (_, row) => ({
        left: 70 * t,
        top: (28 + row * 11) * t,
        right: (row < 4 ? 140 : 190) * t,
        bottom: (32 + row * 11) * t,
      }))
    : [8, 14, modules.width + 40, modules.width + 48].map((row) => ({
        left: 10 * t,
        top: row * t,
        right: width - 10 * t,
        bottom: (row + 3) * t,
      }));
  if (onCard) {
    fill(picture, { left: 10 * t, top: 40 * t, right: 58 * t, bottom: 110 * t }, 150);
    fill(picture, { left: 24 * t, top: 52 * t, right: 44 * t, bottom: 78 * t }, 188);
  }
  for (const line of lines) {
    if (line.top < code.bottom && line.bottom > code.top && line.right > code.left - 4 * t) continue;
    drawWords(picture, line, ink, random.next);
  }
  fill(picture, inset(code, -3 * t), dark ? 26 : 240);
  if (showing.paintedOver) {
    fill(picture, code, dark ? 40 : 190);
    return { picture, code };
  }
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const isDark = modules.data[Math.floor(y / t) * modules.width + Math.floor(x / t)] === 0;
      picture.data[(code.top + y) * width + code.left + x] = isDark === dark ? 236 : 24;
    }
  }
  return { picture, code };
}

/** Grows by a negative margin. */
function inset({ left, top, right, bottom }: Box, by: number): Box {
  return { left: left + by, top: top + by, right: right - by, bottom: bottom - by };
}

/** Fills the part of the box that lies in the picture. */
export function fill({ data, width, height }: GreyPicture, box: Box, grey: number): void {
  for (let y = Math.max(0, box.top); y < Math.min(height, box.bottom); y++) {
    data.fill(grey, y * width + Math.max(0, box.left), y * width + Math.min(width, box.right));
  }
}

/** Strokes about as dense as print. */
export function drawWords(picture: GreyPicture, line: Box, ink: number, next: () => number): void {
  const stroke = Math.max(1, Math.round((line.bottom - line.top) / 5));
  for (let x = line.left; x + stroke < line.right; x += stroke * (next() < 0.15 ? 5 : 2)) {
    const top = line.top + Math.floor(next() * 2) * stroke;
    fill(picture, { left: x, top, right: x + stroke, bottom: line.bottom - Math.floor(next() * 2) * stroke }, ink);
    if (next() < 0.5) fill(picture, { left: x, top: line.top, right: x + 2 * stroke, bottom: line.top + stroke }, ink);
  }
}
