import { type FittedText, type FitWish, fitText, lineHeight, type Measure } from "./fit.ts";
import { settable, type Weight } from "./fonts.ts";
import { quietModules, type Symbol2D } from "./symbol.ts";
import { type Language, posterWords } from "./words.ts";

/** What a poster tells of a place. */
export interface PosterContent {
  readonly name: string;
  /** Floor, department, lane or vehicle; null for a whole place. */
  readonly part: string | null;
  /** House number, street or hamlet. */
  readonly addressLine: string;
  /** Commune and province by name. */
  readonly unit: string;
  readonly code: {
    /** What the symbol says. */
    readonly text: string;
    readonly number: string;
    readonly version: number;
    /** ISO date. */
    readonly issuedOn: string;
  };
  /** Where anybody can check the code. */
  readonly checkAddress: string;
}

/** Millimetres from the top left corner. A text stands on its baseline at `y`. */
export type Shape =
  | {
      readonly kind: "box";
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
      readonly radius: number;
      readonly colour: string;
    }
  | {
      readonly kind: "text";
      readonly x: number;
      readonly y: number;
      readonly size: number;
      readonly weight: Weight;
      readonly align: "left" | "middle" | "right";
      readonly colour: string;
      readonly text: string;
    }
  | {
      readonly kind: "symbol";
      readonly x: number;
      readonly y: number;
      /** Side of one module. */
      readonly module: number;
      readonly symbol: Symbol2D;
    };

export interface Page {
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly Shape[];
}

export type PaperSize = "A4" | "A5";

/** ISO 216, and the side of the code: 150 mm on A4, on A5 what fits beside its quiet zone. */
const papers = {
  A4: { width: 210, height: 297, code: 150 },
  A5: { width: 148, height: 210, code: 110 },
} as const;

const brand = "#0f5b4f";
const ink = "#16241f";
const soft = "#43534d";

/** Gaps and sizes in millimetres on A4; A5 takes them at the ratio of the papers. */
const margin = 10;
const bandHeight = 25;
const stepsHeight = 21.5;
const footHeight = 9;
const gap = 3;

/** The page of a poster: where everything stands, for painters that decide nothing. */
export function posterPage(
  content: PosterContent,
  symbol: Symbol2D,
  { size, languages, measure }: { size: PaperSize; languages: readonly Language[]; measure: Measure },
): Page {
  const paper = papers[size];
  const scale = paper.width / papers.A4.width;
  const [left, middle] = [margin * scale, paper.width / 2];
  const width = paper.width - 2 * left;
  const module = paper.code / symbol.side;
  const quiet = quietModules * module;
  const footTop = paper.height - (margin + footHeight) * scale;
  const stepsTop = footTop - stepsHeight * scale;
  const codeTop = stepsTop - quiet - paper.code;
  const bandBottom = (margin + bandHeight) * scale;
  const column = (box: Omit<Column, "middle" | "width" | "measure"> & { width?: number }) =>
    stacked({ middle, width, measure, ...box });
  const said = languages.map((language) => posterWords[language]);

  const shapes: Shape[] = [
    { kind: "box", x: left, y: left, width, height: bandHeight * scale, radius: 3.5 * scale, colour: brand },
    ...column({
      top: left,
      bottom: bandBottom,
      width: width - 12 * scale,
      gap: 0.6 * scale,
      items: said.map(({ headline }, index) => ({
        text: headline,
        weight: index === 0 ? "bold" : "regular",
        largest: (index === 0 ? 11.5 : 6) * scale,
        smallest: 4 * scale,
        mostLines: 1,
        height: 18 * scale,
        colour: "#ffffff",
      })),
    }),
    ...column({
      top: bandBottom + gap * scale,
      bottom: codeTop - quiet,
      gap: 0.9 * scale,
      items: placeItems(content, said[0]?.namelessPlace ?? "", scale),
    }),
    { kind: "symbol", x: middle - paper.code / 2, y: codeTop, module, symbol },
    ...column({
      top: stepsTop,
      bottom: footTop - 1.4 * scale,
      gap: 0.4 * scale,
      items: said.flatMap(({ steps, noPhone }, index) =>
        [steps, noPhone].map((text) => ({
          text,
          weight: index === 0 ? "semibold" : "regular",
          largest: (index === 0 ? 4.3 : 3.7) * scale,
          smallest: 2.6 * scale,
          mostLines: languages.length === 1 ? 2 : 1,
          height: 10 * scale,
          colour: index === 0 ? ink : soft,
        })),
      ),
    }),
    ...footLines(content, languages, { left, right: left + width, top: footTop, scale, measure }),
  ];
  return { width: paper.width, height: paper.height, shapes };
}

type Item = Omit<FitWish, "width"> & { readonly colour: string };

interface Column {
  readonly middle: number;
  readonly width: number;
  readonly top: number;
  readonly bottom: number;
  readonly gap: number;
  readonly items: readonly Item[];
  readonly measure: Measure;
}

/**
 * Texts below each other, each fitted, in the middle of their column. Where they are too high together the largest give
 * way first, and at last all of them.
 */
function stacked(column: Column): Shape[] {
  const { middle, top, bottom, gap, items } = column;
  let fitted: readonly FittedItem[] = [];
  let height = 0;
  for (let share = 1; share > 0.4; share -= 0.05) {
    fitted = items.map((item) => fittedItem(item, share, column));
    const lines = fitted.reduce((sum, { size, lines }) => sum + size * lineHeight * lines.length, 0);
    height = lines + gap * (items.length - 1);
    if (height <= bottom - top) break;
  }
  const share = Math.min(1, (bottom - top) / height);
  let y = top + (bottom - top - height * share) / 2;
  const shapes: Shape[] = [];
  for (const { lines, weight, colour, ...fit } of fitted) {
    const size = fit.size * share;
    for (const text of lines) {
      // Capitals with two marks above and letters with one below have about the same air.
      shapes.push({ kind: "text", x: middle, y: y + size * 0.98, size, weight, align: "middle", colour, text });
      y += size * lineHeight;
    }
    y += gap * share;
  }
  return shapes;
}

type FittedItem = Item & FittedText;

function fittedItem(item: Item, share: number, { width, measure }: Column): FittedItem {
  const largest = Math.max(item.smallest, item.largest * share);
  return { ...item, ...fitText({ ...item, largest, width }, measure) };
}

function placeItems({ name, part, addressLine, unit }: PosterContent, nameless: string, scale: number): Item[] {
  const items: Item[] = [
    {
      text: settable(name) || nameless,
      weight: "bold",
      largest: 13 * scale,
      smallest: 4.4 * scale,
      mostLines: 3,
      height: (part === null ? 27 : 22) * scale,
      colour: ink,
    },
  ];
  const partText = part === null ? "" : settable(part);
  if (partText !== "") {
    items.push({
      text: partText,
      weight: "semibold",
      largest: 7 * scale,
      smallest: 4 * scale,
      mostLines: 1,
      height: 9 * scale,
      colour: brand,
    });
  }
  const address = { weight: "regular", largest: 5 * scale, smallest: 3 * scale, colour: soft } as const;
  const texts = [
    { text: settable(addressLine), mostLines: 2, height: 10.5 * scale },
    { text: settable(unit), mostLines: 1, height: 7 * scale },
  ];
  items.push(...texts.filter(({ text }) => text !== "").map((text) => ({ ...address, ...text })));
  return items;
}

/** Which code this is and where to check it: left and right under a thin line, one row a language. */
function footLines(
  { code, checkAddress }: PosterContent,
  languages: readonly Language[],
  { left, right, top, scale, measure }: { left: number; right: number; top: number; scale: number; measure: Measure },
): Shape[] {
  const shapes: Shape[] = [
    { kind: "box", x: left, y: top, width: right - left, height: 0.25 * scale, radius: 0, colour: "#b9c5c0" },
  ];
  for (const [index, language] of languages.entries()) {
    const words = posterWords[language];
    const [facts, check] = [words.codeFacts(code), words.checkAt(checkAddress)];
    const wanted = 3.2 * scale;
    // A long address of the centre makes the row smaller, never two rows run into each other.
    const total = measure(facts, "regular", wanted) + measure(check, "regular", wanted) + 5 * scale;
    const size = wanted * Math.min(1, (right - left) / total);
    const line = { kind: "text", size, y: top + (4.4 + index * 4.2) * scale, weight: "regular", colour: soft } as const;
    shapes.push({ ...line, x: left, align: "left", text: facts }, { ...line, x: right, align: "right", text: check });
  }
  return shapes;
}
