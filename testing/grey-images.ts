import { inflateSync } from "node:zlib";
import type { GreyPicture } from "./camera-frames/grey-picture.ts";

/** A binary PGM (netpbm `P5`, 8 bits), as `pdftoppm -gray` writes it. */
export function readPgm(file: Uint8Array): GreyPicture {
  const head = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(Buffer.from(file.subarray(0, 64)).toString("latin1"));
  if (head === null) throw new Error("Not an 8 bit PGM.");
  return { data: file.subarray(head[0].length), width: Number(head[1]), height: Number(head[2]) };
}

/** A PNG of 8 bit RGBA without interlacing, and its resolution in dots per metre (0 when it says none). */
export function readPng(file: Uint8Array): GreyPicture & { readonly dotsPerMetre: number } {
  const bytes = Buffer.from(file);
  const packed: Buffer[] = [];
  let [width, height, dotsPerMetre] = [0, 0, 0];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString("latin1", at + 4, at + 8);
    const content = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at));
    if (type === "IHDR") {
      [width, height] = [content.readUInt32BE(0), content.readUInt32BE(4)];
      if (content.toString("hex", 8) !== "0806000000") throw new Error("Not 8 bit RGBA without interlacing.");
    }
    if (type === "pHYs") dotsPerMetre = content.readUInt32BE(0);
    if (type === "IDAT") packed.push(content);
  }
  return { data: greyOf(inflateSync(Buffer.concat(packed)), width, height), width, height, dotsPerMetre };
}

/** Undoes the filters of the rows (PNG third edition, 9.2) and takes the green of each dot, which is opaque. */
function greyOf(rows: Buffer, width: number, height: number): Uint8Array {
  const length = width * 4;
  const grey = new Uint8Array(width * height);
  let above = new Uint8Array(length);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (length + 1)] as number;
    const row = Uint8Array.from(rows.subarray(y * (length + 1) + 1, (y + 1) * (length + 1)));
    for (let x = 0; x < length; x++) {
      const left = x < 4 ? 0 : (row[x - 4] as number);
      const up = above[x] as number;
      const corner = x < 4 ? 0 : (above[x - 4] as number);
      row[x] = (row[x] as number) + predicted(filter, left, up, corner);
    }
    for (let x = 0; x < width; x++) grey[y * width + x] = row[x * 4 + 1] as number;
    above = row;
  }
  return grey;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  return filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
}

function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
