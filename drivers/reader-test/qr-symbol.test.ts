import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { prepareZXingModule, type ReadResult, readBarcodes } from "zxing-wasm/reader";
import { qrLines, qrPath, qrSvg } from "./qr-picture.ts";
import { qrSymbol } from "./qr-symbol.ts";
import { testCodes } from "./test-codes.ts";

/** What a reader sees of a picture of `side` modules, eight pixels each. */
async function read(side: number, isDark: (x: number, y: number) => boolean): Promise<ReadResult | undefined> {
  const file = readFileSync(createRequire(import.meta.url).resolve("zxing-wasm/reader/zxing_reader.wasm"));
  const wasmBinary = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
  const width = side * 8;
  const data = new Uint8ClampedArray(width * width * 4).fill(255);
  for (let at = 0; at < width * width; at++) {
    if (isDark(Math.floor((at % width) / 8), Math.floor(at / width / 8))) data.fill(0, at * 4, at * 4 + 3);
  }
  return (await readBarcodes({ data, width, height: width, colorSpace: "srgb" }, { formats: ["QRCode"] }))[0];
}

test.each(testCodes)(
  "the symbol of $id reads byte for byte, and only the long one declares its UTF-8",
  async (code) => {
    const symbol = await qrSymbol(code);
    const found = await read(symbol.side + 8, (x, y) => {
      const inside = x >= 4 && y >= 4 && x < symbol.side + 4 && y < symbol.side + 4;
      return inside && symbol.isDark(x - 4, y - 4);
    });
    expect(Buffer.from(found?.bytes ?? []).equals(code.bytes)).toBe(true);
    expect(found?.text).toBe(code.text);
    expect(found?.hasECI).toBe(code.declaresUtf8);
    expect(JSON.parse(found?.extra ?? "{}")).toMatchObject({ ECLevel: "M" });
  },
);

test.each(testCodes)("the drawn path and the lines of a terminal read byte for byte: $id", async (code) => {
  const symbol = await qrSymbol(code);
  const { side, path } = qrPath(symbol);
  const rows = Array.from({ length: side }, () => new Set<number>());
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let at = 0; at < Number(width); at++) rows[Number(y)]?.add(Number(x) + at);
  }
  expect(Buffer.from((await read(side, (x, y) => rows[y]?.has(x) === true))?.bytes ?? []).equals(code.bytes)).toBe(
    true,
  );

  expect(side, "four light modules on each side").toBe(symbol.side + 8);
  expect(rows.map((row) => row.size > 0)).toEqual(rows.map((_, y) => y >= 4 && y < side - 4));
  expect(rows.every((row) => [0, 1, 2, 3, side - 1].every((x) => !row.has(x)))).toBe(true);

  const lines = qrLines(symbol).trimEnd().split("\n");

  const drawn = lines.map((line) => Array.from(line.replace(/\p{Cc}\[[\d;]*m/gu, "")));
  expect(lines.every((line) => line.startsWith("\u001b[38;5;16;48;5;231m") && line.endsWith("\u001b[0m"))).toBe(true);
  const dark = (x: number, y: number) => ["█", y % 2 === 0 ? "▀" : "▄"].includes(drawn[Math.floor(y / 2)]?.[x] ?? " ");
  expect(Buffer.from((await read(side, dark))?.bytes ?? []).equals(code.bytes)).toBe(true);
  expect(side, "fits a terminal of 80 columns").toBeLessThanOrEqual(80);
  expect(qrSvg(symbol)).toContain(path);
});
