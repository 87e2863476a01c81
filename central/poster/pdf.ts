import PDFDocument from "pdfkit";
import type { Measure } from "./fit.ts";
import { fontFiles, type Weight } from "./fonts.ts";
import type { Page, Shape } from "./layout.ts";
import { darkRuns } from "./symbol.ts";

const pointsPerMm = 72 / 25.4;
const weights: readonly Weight[] = ["regular", "semibold", "bold"];

/** What a file says about itself. `issuedOn` (ISO date) is its date, so that the same poster gives the same bytes. */
export interface PosterFacts {
  readonly title: string;
  readonly language: "vi" | "en";
  readonly issuedOn: string;
}

/** Widths as both painters set texts: with the font's own kerning. */
export function ruler(): Measure {
  const document = withFonts({});
  const perSize = new Map<string, number>();
  return (text, weight, size) => {
    const name = `${weight} ${text}`;
    const known = perSize.get(name) ?? document.font(weight).fontSize(1).widthOfString(text);
    perSize.set(name, known);
    return known * size;
  };
}

/** The page as a PDF: letters as text with the used part of their fonts embedded, the symbol as one path. */
export async function pdfOf(page: Page, { title, language, issuedOn }: PosterFacts): Promise<Uint8Array> {
  const date = new Date(`${issuedOn}T00:00:00Z`);
  const document = withFonts({
    size: [page.width * pointsPerMm, page.height * pointsPerMm],
    margin: 0,
    lang: language,
    displayTitle: true,
    info: { Title: title, Creator: "Trạm QR", Producer: "Trạm QR", CreationDate: date, ModDate: date },
  });
  const chunks: Uint8Array[] = [];
  document.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const ended = new Promise<void>((resolve, reject) => {
    document.on("end", resolve);
    document.on("error", reject);
  });
  document.scale(pointsPerMm);
  for (const shape of page.shapes) draw(document, shape);
  document.end();
  await ended;
  return Buffer.concat(chunks);
}

function withFonts(options: PDFKit.PDFDocumentOptions): PDFKit.PDFDocument {
  const files = fontFiles();
  // The first font is named by its bytes: left to itself the library begins with Helvetica, which nobody uses here.
  const document = new PDFDocument({ ...options, font: files.regular as unknown as string });
  for (const weight of weights) document.registerFont(weight, files[weight]);
  return document;
}

function draw(document: PDFKit.PDFDocument, shape: Shape): void {
  switch (shape.kind) {
    case "box": {
      const { x, y, width, height, radius, colour } = shape;
      document.roundedRect(x, y, width, height, radius).fill(colour);
      return;
    }
    case "text": {
      const { x, y, size, weight, align, colour, text } = shape;
      document.font(weight).fontSize(size).fillColor(colour);
      const width = align === "left" ? 0 : document.widthOfString(text);
      const left = x - (align === "middle" ? width / 2 : width);
      document.text(text, left, y, { lineBreak: false, baseline: "alphabetic" });
      return;
    }
    case "symbol":
      for (const run of darkRuns(shape.symbol)) {
        const { x, y, module } = shape;
        document.rect(x + run.x * module, y + run.y * module, run.length * module, module);
      }
      // One path filled at once: separate ones show hairlines where they touch.
      document.fill("#000000");
  }
}
