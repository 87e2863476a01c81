import { blankPicture, type GreyPicture } from "./grey-picture.ts";
import { drawWords, fill } from "./held-things.ts";
import { seededRandom } from "./random.ts";

/** What stands behind a visitor: a wall, a ceiling lamp, furniture, a person; `busy` adds a notice board and blinds. */
export function drawBackground(width: number, height: number, seed: number, busy = false): GreyPicture {
  const random = seededRandom(seed);
  const picture = blankPicture(width, height, 0);
  const base = random.between(60, 170);
  const [slopeX, slopeY] = [random.between(-40, 40) / width, random.between(-50, 20) / height];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      picture.data[y * width + x] = base + (x - width / 2) * slopeX + (y - height / 2) * slopeY;
    }
  }
  const box = (most: number) => {
    const left = random.integer(width);
    const top = random.integer(height);
    const right = left + Math.round(random.between(0.05, most) * width);
    return { left, top, right, bottom: top + Math.round(random.between(0.05, most) * height) };
  };
  for (let thing = 0; thing < 6; thing++) fill(picture, box(0.3), random.between(20, 220));
  const [headX, headY, head] = [width * random.between(0.3, 0.7), height * 0.3, height * 0.17];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inHead = ((x - headX) / head) ** 2 + ((y - headY) / (1.3 * head)) ** 2 < 1;
      const inBody = y > headY + 1.3 * head && Math.abs(x - headX) < head * 2.2;
      if (inHead) picture.data[y * width + x] = 150 + 30 * Math.cos((x - headX) / 20);
      else if (inBody) picture.data[y * width + x] = 70 + 8 * Math.sin(x / 9) * Math.sin(y / 7);
    }
  }
  if (!busy) return picture;
  for (let notice = 0; notice < 5; notice++) {
    const paper = box(0.35);
    fill(picture, paper, random.between(180, 240));
    for (let top = paper.top + 6; top + 8 < Math.min(paper.bottom, height); top += 14) {
      drawWords(picture, { ...paper, top, bottom: top + 8 }, 60, random.next);
    }
  }
  const blinds = box(0.3);
  for (let top = blinds.top; top < blinds.bottom; top += 10) fill(picture, { ...blinds, top, bottom: top + 5 }, 225);
  return picture;
}
