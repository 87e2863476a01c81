import { likelyCodeRegion, type Region } from "./code-region.ts";
import type { DecodedCode, FrameDecoder, GreyFrame, Point } from "./frame-decoder.ts";
import { cropped, doubled, smoothed, stretchContrast } from "./region-filters.ts";
import type { ZxingDecoder } from "./zxing-decoder.ts";

/** Against glare, haze and shade. Figures from `npm run bench webcam`, as all of these. */
const evenLight = { radius: 8, gain: 4, keep: false };
/** Against blur and small modules, for the region at twice its size; both take their turn on successive frames. */
const sharpenings = [
  { radius: 6, gain: 6, keep: true },
  { radius: 4, gain: 3, keep: true },
];
/** A larger region holds modules of 4 px or more already. */
const mostPixelsToDouble = 150_000;

/**
 * The engine on the whole frame, and on a miss two more tries on the region where a code most likely is: with even light,
 * and sharpened at twice the size. It reads what the engine alone reads and more; a frame without a code costs half as
 * much again, one without texture hardly more.
 */
export class PersistentDecoder implements FrameDecoder {
  readonly #engine: ZxingDecoder;
  #misses = 0;

  constructor(engine: ZxingDecoder) {
    this.#engine = engine;
  }

  decode(frame: GreyFrame): DecodedCode | null {
    const atOnce = this.#engine.decode(frame);
    if (atOnce !== null) return atOnce;
    const region = likelyCodeRegion(frame);
    if (region === null) return null;
    this.#misses += 1;
    const part = cropped(frame, region);
    return this.#inEvenLight(part, region) ?? this.#sharpened(part, region);
  }

  #inEvenLight(part: GreyFrame, region: Region): DecodedCode | null {
    stretchContrast(smoothed(part), evenLight, this.#engine.pixels(part.width * part.height));
    return placed(this.#engine.decodePixels(part.width, part.height, "light"), region, 1);
  }

  #sharpened(part: GreyFrame, region: Region): DecodedCode | null {
    const sharpening = sharpenings[this.#misses % sharpenings.length];
    if (sharpening === undefined) return null;
    const double = part.width * part.height <= mostPixelsToDouble;
    const { width, height, data } = double ? doubled(part) : part;
    const radius = double ? sharpening.radius : sharpening.radius / 2;
    stretchContrast({ width, height, data }, { ...sharpening, radius }, this.#engine.pixels(width * height));
    return placed(this.#engine.decodePixels(width, height, "light"), region, double ? 2 : 1);
  }
}

/** Corners found in a region that was enlarged, in pixels of the frame. */
function placed(code: DecodedCode | null, { left, top }: Region, scale: number): DecodedCode | null {
  if (code === null) return null;
  const inFrame = ({ x, y }: Point): Point => ({ x: left + x / scale, y: top + y / scale });
  const [topLeft, topRight, bottomRight, bottomLeft] = code.corners;
  return {
    bytes: code.bytes,
    corners: [inFrame(topLeft), inFrame(topRight), inFrame(bottomRight), inFrame(bottomLeft)],
  };
}
