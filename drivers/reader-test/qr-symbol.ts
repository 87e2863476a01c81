import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { prepareZXingModule, writeBarcode } from "zxing-wasm/writer";
import type { TestCode } from "./test-codes.ts";

/** The modules of a QR code without its quiet zone, row by row. */
export interface QrSymbol {
  readonly side: number;
  readonly isDark: (x: number, y: number) => boolean;
}

let writer: Promise<unknown> | undefined;

/** Draws a symbol: error correction M, as citizen cards have; the ECI only where the code declares it. */
export async function qrSymbol({ bytes, declaresUtf8 }: Pick<TestCode, "bytes" | "declaresUtf8">): Promise<QrSymbol> {
  // Left alone, the package would fetch its program from the internet.
  writer ??= prepareZXingModule({ overrides: { wasmBinary: writerProgram() }, fireImmediately: true });
  await writer;
  const { symbol, error } = await writeBarcode(bytes, {
    format: "QRCode",
    options: `ecLevel=M,eci=${declaresUtf8 ? 26 : 0}`,
  });
  if (error) throw new Error(`The test code cannot be drawn: ${error}`);
  const { width: side, data } = symbol;
  return { side, isDark: (x, y) => data[y * side + x] === 0 };
}

function writerProgram(): ArrayBuffer {
  const file = readFileSync(createRequire(import.meta.url).resolve("zxing-wasm/writer/zxing_writer.wasm"));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
}
