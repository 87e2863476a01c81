import { binarizers, prepareZXingModule, textModes } from "zxing-wasm/reader";
import type { DecodedCode, FrameDecoder, GreyFrame, Point } from "./frame-decoder.ts";
import { payloadBytes } from "./payload-bytes.ts";

/** The part of the engine used here: grey pixels in its memory, without a detour over RGBA and a copy for each call. */
interface Engine {
  readonly HEAPU8: Uint8Array;
  _malloc(length: number): number;
  _free(address: number): void;
  readBarcodesFromPixmap(address: number, width: number, height: number, options: object): FoundCodes;
}

interface FoundCodes {
  size(): number;
  get(index: number): FoundCode;
  delete(): void;
}

interface FoundCode {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly hasECI: boolean;
  readonly contentType: number;
  readonly position: Record<"topLeft" | "topRight" | "bottomRight" | "bottomLeft", Point>;
}

/**
 * How hard to look. `full`: on every line, for light codes on dark screens too, and also in a copy of half the size, which
 * finds large codes that are blurred or noisy. `light`: for a second look at a small region, where
 * the rest gains hardly anything (`npm run bench webcam`).
 */
export type Effort = "full" | "light";

const contentIsText = 0;

/**
 * QR codes (model 2 only: the smallest Micro QR has no error correction and gave a wrong read) by zxing-cpp. All of the
 * engine's options but denoising, which gains nothing and costs 1.5 to 1.8 times the time.
 */
export class ZxingDecoder implements FrameDecoder {
  readonly #engine: Engine;
  #address = 0;
  #capacity = 0;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** `wasm`: the content of `zxing_reader.wasm` of the same package version; the engine would fetch it from the internet. */
  static async create(wasm: ArrayBuffer): Promise<ZxingDecoder> {
    const engine = await prepareZXingModule({ overrides: { wasmBinary: wasm }, fireImmediately: true });
    return new ZxingDecoder(engine as unknown as Engine);
  }

  /** Memory of the engine for one frame, to be filled before {@link decodePixels}; valid until the next call of either. */
  pixels(length: number): Uint8Array {
    if (length > this.#capacity) {
      if (this.#address !== 0) this.#engine._free(this.#address);
      this.#address = this.#engine._malloc(length);
      this.#capacity = length;
    }
    // Taken anew each time: the memory moves when it grows.
    return this.#engine.HEAPU8.subarray(this.#address, this.#address + length);
  }

  /** Reads the code of the frame that was written into {@link pixels}. */
  decodePixels(width: number, height: number, effort: Effort = "full"): DecodedCode | null {
    const found = this.#engine.readBarcodesFromPixmap(this.#address, width, height, optionsOf(effort));
    try {
      return found.size() === 0 ? null : decodedCode(found.get(0));
    } finally {
      found.delete();
    }
  }

  decode({ data, width, height }: GreyFrame, effort: Effort = "full"): DecodedCode | null {
    this.pixels(width * height).set(data);
    return this.decodePixels(width, height, effort);
  }
}

const optionsOf = (effort: Effort) => ({
  formats: "QRCodeModel2",
  tryHarder: effort === "full",
  tryRotate: effort === "full",
  tryInvert: effort === "full",
  tryDownscale: effort === "full",
  tryDenoise: false,
  binarizer: binarizers.indexOf("LocalAverage"),
  isPure: false,
  downscaleFactor: 2,
  downscaleThreshold: 500,
  minLineCount: 2,
  maxNumberOfSymbols: 1,
  validateOptionalChecksum: false,
  returnErrors: false,
  eanAddOnSymbol: 0,
  textMode: textModes.indexOf("Plain"),
  characterSet: 0,
  tryCode39ExtendedMode: true,
});

function decodedCode({ bytes, text, hasECI, contentType, position }: FoundCode): DecodedCode {
  return {
    bytes: payloadBytes({ bytes, text, declaresText: hasECI && contentType === contentIsText }),
    corners: [position.topLeft, position.topRight, position.bottomRight, position.bottomLeft],
  };
}
