import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { prepareZXingModule, writeBarcode } from "zxing-wasm/writer";

/** A QR symbol without its quiet zone. */
export interface Symbol2D {
  /** Modules along one side. */
  readonly side: number;
  readonly isDark: (x: number, y: number) => boolean;
}

/** Modules of white that ISO/IEC 18004 asks for on each side. */
export const quietModules = 4;

let writer: Promise<unknown> | undefined;

/**
 * The symbol of a text. Error correction M or better: the writer raises it as far as the symbol does not grow. More would
 * make smaller modules, and how far a telephone can stand is decided by their size.
 */
export async function symbolOf(text: string): Promise<Symbol2D> {
  // Left alone, the package would fetch its program from the internet.
  writer ??= prepareZXingModule({ overrides: { wasmBinary: writerProgram() }, fireImmediately: true });
  await writer;
  const { symbol, error } = await writeBarcode(text, { format: "QRCode", options: "ecLevel=M" });
  if (error) throw new Error(`The code cannot be drawn: ${error}`);
  const { width: side, data } = symbol;
  return { side, isDark: (x, y) => data[y * side + x] === 0 };
}

function writerProgram(): ArrayBuffer {
  const file = readFileSync(createRequire(import.meta.url).resolve("zxing-wasm/writer/zxing_writer.wasm"));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
}

/** Dark modules beside each other, row by row. */
export function* darkRuns({ side, isDark }: Symbol2D): Generator<{ x: number; y: number; length: number }> {
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const start = x;
      while (x < side && isDark(x, y)) x++;
      if (x > start) yield { x: start, y, length: x - start };
    }
  }
}

/** The dark modules as the `d` of an SVG path, `margin` modules from the edge. */
export const darkPath = (symbol: Symbol2D, margin = 0): string =>
  Array.from(darkRuns(symbol), ({ x, y, length }) => `M${x + margin} ${y + margin}h${length}v1h-${length}z`).join("");

/** A text as a symbol to look at, with its quiet zone: modules along one side, and the path of the dark ones. */
export async function codePicture(text: string): Promise<{ side: number; path: string }> {
  const symbol = await symbolOf(text);
  return { side: symbol.side + 2 * quietModules, path: darkPath(symbol, quietModules) };
}
