/** Grey values row by row, 0 black to 255 white. */
export interface GreyPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A part of a picture in whole pixels; `right` and `bottom` are just outside of it. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** An evenly grey picture. */
export function blankPicture(width: number, height: number, grey: number): GreyPicture {
  return { data: new Uint8Array(width * height).fill(grey), width, height };
}
