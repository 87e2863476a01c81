/** Grey pixels row by row, 0 black to 255 white. */
export interface GreyFrame {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A QR code that was read. */
export interface DecodedCode {
  /** What it says; see {@link payloadBytes}. */
  readonly bytes: Uint8Array;
  /** Top left, top right, bottom right, bottom left of the code as it is held, in pixels of the frame. */
  readonly corners: readonly [Point, Point, Point, Point];
}

/** Finds the QR code of a frame. Null when none was read; of two codes in view either may come. */
export interface FrameDecoder {
  decode(frame: GreyFrame): DecodedCode | null;
}
