import { beforeAll, describe, expect, test } from "vitest";
import { recognise } from "../../agent/codes/recognise.ts";
import { PersistentDecoder } from "../../drivers/webcam/capture/persistent-decoder.ts";
import { ZxingDecoder } from "../../drivers/webcam/capture/zxing-decoder.ts";
import { drawBackground } from "../../testing/camera-frames/backgrounds.ts";
import { plainShot, type Shot, takeFrame } from "../../testing/camera-frames/camera.ts";
import type { GreyPicture } from "../../testing/camera-frames/grey-picture.ts";
import { texelsPerModule } from "../../testing/camera-frames/held-things.ts";
import { readWasm } from "../../testing/camera-frames/symbols.ts";
import { readPng } from "../../testing/grey-images.ts";
import { renderedPdf, toldOfPdf } from "../../testing/rendered-pdf.ts";
import { codeSigner } from "../code-signing.ts";
import { drawPoster, type PosterWish } from "./draw.ts";
import { type PosterContent, posterPage, type Shape } from "./layout.ts";
import { ruler } from "./pdf.ts";
import { posterPress } from "./poster.ts";
import { symbolOf } from "./symbol.ts";

const checkpointId = "3f2a91bc-0000-4000-8000-000000000001";
const letters = "ĂẮẰẲẴẶÂẤẦẨẪẬĐÊẾỀỂỄỆÔỐỒỔỖỘƠỚỜỞỠỢƯỨỪỬỮỰÁÀẢÃẠÉÈẺẼẸÍÌỈĨỊÓÒỎÕỌÚÙỦŨỤÝỲỶỸỴ";
const issue = { checkpointId, number: 2, issuedAt: Date.UTC(2026, 2, 2) };
const { text } = codeSigner(Buffer.alloc(32, 7)).placeCode("https://qr.example.vn", issue);
const code = { text, number: "3F2A-91BC", version: 2, issuedOn: "2026-03-02" };
const content: PosterContent = {
  name: "Bệnh viện Đa khoa Mẫu Thử Nghiệm",
  part: "Tầng 3 – Khoa Khám bệnh",
  addressLine: "Số 123 Đường Thử Nghiệm",
  unit: "Phường Ví Dụ, Thành phố Hồ Chí Minh",
  code,
  checkAddress: "qr.example.vn",
};
const wishes = (["pdf", "png"] as const).flatMap((format) =>
  (["A4", "A5"] as const).flatMap((size) =>
    (["vi", "en", "both"] as const).map((language) => ({ format, size, language })),
  ),
);

let decoder: PersistentDecoder;
beforeAll(async () => {
  decoder = new PersistentDecoder(await ZxingDecoder.create(readWasm("zxing-wasm/reader/zxing_reader.wasm")));
});

const pictures = new Map<Uint8Array, GreyPicture>();
/** A file as a printer would print it. */
function pictureOf(file: Uint8Array, { format }: PosterWish): GreyPicture {
  const picture = pictures.get(file) ?? (format === "pdf" ? renderedPdf(file, 300) : readPng(file));
  pictures.set(file, picture);
  return picture;
}

const drawn = new Map<string, Promise<Uint8Array>>();
/** The poster of `content`, drawn once. */
function posterFor(wish: PosterWish): Promise<Uint8Array> {
  const name = JSON.stringify(wish);
  const file = drawn.get(name) ?? drawPoster(content, wish);
  drawn.set(name, file);
  return file;
}

/** What our own decoder and recogniser make of a picture. */
function readBack(picture: GreyPicture): unknown {
  const found = decoder.decode(picture);
  return found && recognise(found.bytes, { today: "2026-03-02" });
}
const thePlace = expect.arrayContaining([
  expect.objectContaining({ kind: "tram-place", fields: expect.objectContaining({ id: checkpointId }) }),
]);

/** The page in front of a camera: the picture made as coarse as the made frames want their things. */
async function photographed(file: Uint8Array, wish: PosterWish, change: Partial<Shot>): Promise<GreyPicture> {
  const symbol = await symbolOf(content.code.text);
  const page = posterPage(content, symbol, { size: wish.size, languages: ["vi", "en"], measure: ruler() });
  const drawn = page.shapes.find((shape): shape is Shape & { kind: "symbol" } => shape.kind === "symbol");
  if (drawn === undefined) throw new Error("A poster has a code.");
  const picture = coarser(pictureOf(file, wish), texelsPerModule / drawn.module);
  const [left, top] = [drawn.x, drawn.y].map((mm) => (mm / drawn.module) * texelsPerModule) as [number, number];
  const side = symbol.side * texelsPerModule;
  const thing = { picture, code: { left, top, right: left + side, bottom: top + side } };
  const frame = { width: 1280, height: 720, centreX: 610, centreY: 400 };
  return takeFrame(thing, drawBackground(frame.width, frame.height, 3, true), { ...plainShot, ...frame, ...change }, 5);
}

/** The picture of 300 dots per inch with `perMm` dots per millimetre, each the middle of those it covers. */
function coarser(picture: GreyPicture, perMm: number): GreyPicture {
  const step = 300 / 25.4 / perMm;
  const [width, height] = [Math.floor(picture.width / step), Math.floor(picture.height / step)];
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = Math.floor((y + 0.5) * step) * picture.width + Math.floor((x + 0.5) * step);
      data[y * width + x] = picture.data[at] as number;
    }
  }
  return { data, width, height };
}

// A PNG of each size is enough: its languages differ in letters only.
test.each(wishes.filter(({ format, language }) => format === "pdf" || language === "both"))(
  "$format $size $language: its code is read back by our own decoder and recogniser",
  async (wish) => {
    expect(readBack(pictureOf(await posterFor(wish), wish))).toEqual(thePlace);
  },
);

describe.each([
  // A telephone's video (1,920 dots over 65 degrees) at 2 m shows 15 cm in 113 dots, a module in 2 and a half.
  ["from two metres", { modulePx: 2, defocusPx: 0.7, noise: 6 }],
  ["held aslant", { modulePx: 2.6, rotationDeg: 31, tiltDeg: 28, turnDeg: -22 }],
  ["out of focus in the evening", { modulePx: 3.2, defocusPx: 1.4, white: 90, noise: 5, shade: 0.5 }],
  ["with a shaking hand", { modulePx: 3, motionPx: 3, motionDeg: 35, rotationDeg: -8 }],
] as const)("photographed %s", (_, change) => {
  test.each(wishes.filter(({ language }) => language === "both"))("$format $size is read", async (wish) => {
    expect(readBack(await photographed(await posterFor(wish), wish, change))).toEqual(thePlace);
  });
});

test("a photograph that shows nothing of the code is not read: the pictures above are what is judged", async () => {
  const wish = { format: "png", size: "A4", language: "both" } as const;
  const file = await posterFor(wish);
  expect(readBack(await photographed(file, wish, { modulePx: 3, defocusPx: 14 }))).toBeNull();
});

test("the same place gives the same bytes, in a thread too; another issue of the code gives others", async () => {
  const press = posterPress();
  for (const wish of wishes.filter(({ size, language }) => size === "A5" && language === "both")) {
    const file = Buffer.from(await drawPoster(content, wish));
    expect(file.equals((await press.draw(content, wish)) ?? Buffer.alloc(0))).toBe(true);
    const later = { ...content, code: { ...code, version: 3, issuedOn: "2026-04-01" } };
    expect(file.equals(await drawPoster(later, wish))).toBe(false);
  }
});

test("a press with many waiting says so instead of taking more", async () => {
  const press = posterPress();
  const wish = { format: "pdf", size: "A5", language: "vi" } as const;
  const taken = Array.from({ length: 12 }, () => press.draw(content, wish));
  expect(taken.filter((drawn) => drawn === null).length).toBe(4);
  const files = await Promise.all(taken.filter((drawn) => drawn !== null));
  expect(files.every(({ length }) => length > 10_000)).toBe(true);
  expect(press.draw(content, wish)).not.toBeNull();
});

test("a PDF holds its letters as text in embedded fonts, and its code as a drawing", async () => {
  const wish = { format: "pdf", size: "A4", language: "both" } as const;
  const pdf = await drawPoster({ ...content, name: letters.slice(0, 60), addressLine: letters.slice(60) }, wish);
  const text = toldOfPdf("pdftotext", ["-layout", "-", "-"], pdf).normalize("NFC");
  expect(text.replace(/\s/g, "")).toContain(letters.slice(0, 60));
  expect(text).toContain(letters.slice(60));
  expect(text).toContain("Mã số 3F2A-91BC · Phiên bản 2 · Cấp ngày 02/03/2026");
  expect(text).toContain("Code 3F2A-91BC · Version 2 · Issued 2 Mar 2026");
  expect(text).toContain("Is this poster current? qr.example.vn");
  const fonts = toldOfPdf("pdffonts", ["-"], pdf).trim().split("\n").slice(2);
  expect(fonts).toHaveLength(3);
  for (const font of fonts) expect(font).toMatch(/^[A-Z]{6}\+BeVietnamPro-\w+ .* yes yes yes /);
  expect(toldOfPdf("pdfimages", ["-list", "-"], pdf).trim().split("\n").slice(2)).toEqual([]);
  expect(toldOfPdf("pdfinfo", ["-"], pdf)).toMatch(/Page size: +595\.\d+ x 841\.\d+ pts \(A4\)/);
  expect(pdf.length).toBeLessThan(100_000);
});

test("a PNG has 300 dots per inch and says so", async () => {
  const png = readPng(await posterFor({ format: "png", size: "A4", language: "both" }));
  expect([png.width, png.height, png.dotsPerMetre]).toEqual([2480, 3508, 11811]);
  const corners = decoder.decode(png)?.corners.map(({ x }) => x) ?? [];
  expect((Math.max(...corners) - Math.min(...corners)) / (300 / 25.4)).toBeCloseTo(150, 0);
});

const hardNames = [
  "A",
  "W".repeat(120),
  "ỆỮ".repeat(60),
  `${"Trường Trung học phổ thông Chuyên ".repeat(4)}`.slice(0, 120),
  "🍜🍜🍜",
  "Phở 🍜 Thìn 👨‍👩‍👧‍👦 © 2026",
  '<b>Quán</b> & "Cà phê"\'',
  "مطعم",
  "寿司レストラン",
  "Quán \u202eẩn\u202c\u0000\n\tdòng hai",
  "x".repeat(300),
];

test.each(hardNames)("nothing leaves the page or touches the quiet zone: %s", async (name) => {
  const symbol = await symbolOf(code.text);
  const measure = ruler();
  const line = `${name} `.repeat(4).slice(0, 200);
  const hard = { ...content, name, part: name.slice(0, 60), addressLine: line, checkAddress: "a".repeat(80) };
  for (const size of ["A4", "A5"] as const) {
    for (const languages of [["vi"], ["en"], ["vi", "en"]] as const) {
      const page = posterPage(hard, symbol, { size, languages, measure });
      const quiet = page.shapes.flatMap((shape) =>
        shape.kind === "symbol"
          ? [{ from: shape.y - 4 * shape.module, to: shape.y + shape.module * (symbol.side + 4) }]
          : [],
      )[0] ?? { from: 0, to: 0 };
      let last = 0;
      for (const shape of page.shapes) {
        if (shape.kind !== "text") continue;
        const width = measure(shape.text, shape.weight, shape.size);
        const left = { left: shape.x, middle: shape.x - width / 2, right: shape.x - width }[shape.align];
        expect(left).toBeGreaterThan(5);
        expect(left + width).toBeLessThan(page.width - 5);
        // What stands on the line: marks above capitals, and what hangs below.
        const [top, bottom] = [shape.y - 1.0 * shape.size, shape.y + 0.3 * shape.size];
        expect(top > quiet.to - 0.01 || bottom < quiet.from + 0.01).toBe(true);
        expect(bottom).toBeLessThan(page.height - 5);
        expect(shape.text).toMatch(/^[^\p{Cc}\p{Cf}]+$/u);
        // Lines of one block stand below each other.
        expect(shape.y).toBeGreaterThanOrEqual(last);
        last = shape.y;
      }
    }
  }
  // Drawn too: what the measure believes is one thing, what a painter makes of such letters another.
  expect((await drawPoster(hard, { format: "pdf", size: "A5", language: "both" })).length).toBeGreaterThan(10_000);
});

test("a name of emoji alone is not an empty poster", async () => {
  const page = posterPage({ ...content, name: "🍜👍🏽🇻🇳" }, await symbolOf(code.text), {
    size: "A4",
    languages: ["vi"],
    measure: ruler(),
  });
  const texts = page.shapes.map((shape) => (shape.kind === "text" ? shape.text : ""));
  expect(texts).toContain("Điểm kiểm dịch");
});
