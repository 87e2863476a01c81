import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { crc32 } from "node:zlib";
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import { cssWeight, family, fontFiles } from "./fonts.ts";
import type { Page, Shape } from "./layout.ts";
import { darkPath } from "./symbol.ts";

const dotsPerInch = 300;
const dotsPerMm = dotsPerInch / 25.4;
/** Length of the PNG signature with the IHDR chunk, after which pHYs may stand (PNG third edition, 5.6). */
const headBytes = 33;

let renderer: Promise<void> | undefined;

/** The page as a PNG of 300 dots per inch that says so, so that it prints at its size. */
export async function pngOf(page: Page): Promise<Uint8Array> {
  // Left alone, the package would fetch its program from the internet.
  renderer ??= initWasm(readFileSync(createRequire(import.meta.url).resolve("@resvg/resvg-wasm/index_bg.wasm")));
  await renderer;
  const drawing = new Resvg(svgOf(page), {
    background: "#ffffff",
    fitTo: { mode: "height", value: Math.round(page.height * dotsPerMm) },
    font: { fontBuffers: Object.values(fontFiles()), defaultFontFamily: family },
  });
  try {
    const image = drawing.render();
    try {
      return withResolution(image.asPng());
    } finally {
      image.free();
    }
  } finally {
    drawing.free();
  }
}

/** The page as SVG, one unit a millimetre. */
function svgOf({ width, height, shapes }: Page): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">`,
    ...shapes.map(elementOf),
    "</svg>",
  ].join("\n");
}

const anchors = { left: "start", middle: "middle", right: "end" } as const;

function elementOf(shape: Shape): string {
  switch (shape.kind) {
    case "box": {
      const { x, y, width, height, radius, colour } = shape;
      return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${colour}"/>`;
    }
    case "text": {
      const { x, y, size, weight, align, colour, text } = shape;
      const font = `font-family="${family}" font-weight="${cssWeight[weight]}" font-size="${size}"`;
      return `<text x="${x}" y="${y}" ${font} text-anchor="${anchors[align]}" fill="${colour}">${escaped(text)}</text>`;
    }
    case "symbol": {
      const { x, y, module, symbol } = shape;
      const path = darkPath(symbol);
      // Edges on whole dots: grey ones cost a decoder distance.
      return `<path transform="translate(${x} ${y}) scale(${module})" shape-rendering="crispEdges" d="${path}"/>`;
    }
  }
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The picture with a pHYs chunk behind its head. */
function withResolution(png: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(21);
  const dotsPerMetre = Math.round(dotsPerInch / 0.0254);
  chunk.writeUInt32BE(9, 0);
  chunk.write("pHYs", 4, "latin1");
  chunk.writeUInt32BE(dotsPerMetre, 8);
  chunk.writeUInt32BE(dotsPerMetre, 12);
  chunk.writeUInt8(1, 16);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 17)), 17);
  return Buffer.concat([png.subarray(0, headBytes), chunk, png.subarray(headBytes)]);
}
