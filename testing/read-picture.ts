import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import { readWasm } from "./camera-frames/symbols.ts";

/** The bytes of the one QR code in a picture (PNG): what a reader held before that screen would send. */
export async function readPicture(png: Uint8Array): Promise<Uint8Array> {
  await prepareZXingModule({
    overrides: { wasmBinary: readWasm("zxing-wasm/reader/zxing_reader.wasm") },
    fireImmediately: true,
  });
  const [found] = await readBarcodes(png, { formats: ["QRCode"], maxNumberOfSymbols: 1 });
  if (found === undefined) throw new Error("No QR code can be read in the picture.");
  return found.bytes;
}
