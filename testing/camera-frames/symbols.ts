import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { QRCodeDecoderErrorCorrectionLevel, QRCodeEncoder } from "@zxing/library";
import { prepareZXingModule, writeBarcode } from "zxing-wasm/writer";
import type { GreyPicture } from "./grey-picture.ts";
import { seededRandom } from "./random.ts";

/** A QR code with one grey value per module (0 or 255), without its quiet zone, and what it says. */
export interface Symbol2D {
  readonly payload: string;
  readonly modules: GreyPicture;
}

const families = ["NGUYỄN", "TRẦN", "LÊ", "PHẠM", "HOÀNG", "VŨ", "ĐẶNG", "BÙI"];
const middles = ["VĂN", "THỊ", "MẪU", "THỬ", "ĐỨC", "NGỌC"];
const given = ["THỬ", "MẪU", "ÁNH", "BƯỞI", "ỔI", "ĐÀO", "MẬN", "QUẾ"];
const streets = ["Đường Thử Nghiệm", "Phố Mẫu", "Thôn Ví Dụ", "Ấp Giả Định", "Đường Số 0"];

/** The payload of a citizen card that nobody holds (serial 0000 to 0999 of a number range made up for tests). */
export function inventedCard(index: number): string {
  const random = seededRandom(7_000 + index);
  const pick = (from: readonly string[]) => from[random.integer(from.length)] ?? "";
  const female = random.integer(2);
  const year = 1960 + random.integer(40);
  const digits = (value: number, length: number) => String(value).padStart(length, "0");
  const number = `079${female}${digits(year % 100, 2)}${digits(index % 1_000, 6)}`;
  const name = `${pick(families)} ${pick(middles)} ${pick(given)}`;
  const born = `${digits(1 + random.integer(28), 2)}${digits(1 + random.integer(12), 2)}${year}`;
  const home = `Số ${1 + random.integer(200)} ${pick(streets)}, Phường Mẫu ${1 + random.integer(20)}, TP. Hồ Chí Minh`;
  const old = random.integer(2) === 0 ? "" : digits(random.integer(1_000), 9);
  return `${number}|${old}|${name}|${born}|${female ? "Nữ" : "Nam"}|${home}|0101202${random.integer(6)}`;
}

let writer: Promise<unknown> | undefined;

/** Encodes with the writer of zxing-cpp, which declares UTF-8 by an ECI. */
export async function symbolWithEci(payload: string): Promise<Symbol2D> {
  writer ??= prepareZXingModule({
    overrides: { wasmBinary: readWasm("zxing-wasm/writer/zxing_writer.wasm") },
    fireImmediately: true,
  });
  await writer;
  const { symbol, error } = await writeBarcode(payload, { format: "QRCode", options: "ecLevel=M" });
  if (error) throw new Error(`No symbol: ${error}`);
  return { payload, modules: { data: new Uint8Array(symbol.data), width: symbol.width, height: symbol.height } };
}

/** Encodes as the cards do, plain UTF-8 bytes without an ECI, with the encoder of zxing-js. */
export function plainSymbol(payload: string): Symbol2D {
  const matrix = QRCodeEncoder.encode(payload, QRCodeDecoderErrorCorrectionLevel.M).getMatrix();
  const side = matrix.getWidth();
  const data = new Uint8Array(side * side);
  for (let at = 0; at < data.length; at++) data[at] = matrix.get(at % side, Math.floor(at / side)) === 1 ? 0 : 255;
  return { payload, modules: { data, width: side, height: side } };
}

/** `count` codes of invented cards, every fourth with an ECI. */
export async function inventedSymbols(count: number): Promise<Symbol2D[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, index) =>
      index % 4 === 3 ? await symbolWithEci(inventedCard(index)) : plainSymbol(inventedCard(index)),
    ),
  );
}

/** A `.wasm` file of an installed package. */
export function readWasm(name: string): ArrayBuffer {
  const bytes = readFileSync(createRequire(import.meta.url).resolve(name));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}
