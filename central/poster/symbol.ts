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
