import type { Weight } from "./fonts.ts";

/** Width of a text in the unit of `size`. */
export type Measure = (text: string, weight: Weight, size: number) => number;

export interface FitWish {
  readonly text: string;
  readonly weight: Weight;
  readonly width: number;
  readonly height: number;
  readonly largest: number;
  readonly smallest: number;
  readonly mostLines: number;
}

export interface FittedText {
  readonly size: number;
  readonly lines: readonly string[];
}

/** From one baseline to the next, in sizes; Vietnamese stacks marks above capitals. */
export const lineHeight = 1.28;
const steps = 40;

/**
 * The largest size at which a text fits its box, in lines of about equal length. Words wider than the box are broken.
 * What does not fit at the smallest size ends with an ellipsis.
 */
export function fitText(wish: FitWish, measure: Measure): FittedText {
  const { text, weight, width, height, largest, smallest, mostLines } = wish;
  for (let step = 0; step <= steps; step++) {
    const size = largest + ((smallest - largest) * step) / steps;
    const most = Math.min(mostLines, Math.floor(height / (size * lineHeight)));
    const widthOf = (line: string) => measure(line, weight, size);
    const lines = wrap(text, width, widthOf);
    if (lines.length <= most) return { size, lines: balanced(text, width, lines, widthOf) };
    if (step === steps) return { size, lines: cut(lines, Math.max(1, most), width, widthOf) };
  }
  throw new Error("The last step returns.");
}

function wrap(text: string, width: number, widthOf: (line: string) => number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    const pieces = broken(word, width, widthOf);
    line = pieces.pop() ?? "";
    lines.push(...pieces);
  }
  if (line !== "") lines.push(line);
  return lines;
}

/** A word in pieces that fit; one piece when it fits as it is. */
function broken(word: string, width: number, widthOf: (line: string) => number): string[] {
  if (widthOf(word) <= width) return [word];
  const pieces: string[] = [];
  let piece = "";
  for (const { segment } of new Intl.Segmenter("vi", { granularity: "grapheme" }).segment(word)) {
    if (piece !== "" && widthOf(piece + segment) > width) {
      pieces.push(piece);
      piece = "";
    }
    piece += segment;
  }
  return [...pieces, piece];
}

/** The same number of lines in the narrowest box that takes them. */
function balanced(text: string, width: number, lines: string[], widthOf: (line: string) => number): string[] {
  if (lines.length < 2) return lines;
  let best = lines;
  let [tooNarrow, wideEnough] = [width / lines.length / 2, width];
  for (let step = 0; step < 10; step++) {
    const middle = (tooNarrow + wideEnough) / 2;
    const tried = wrap(text, middle, widthOf);
    // A narrower box must not break words that need not be broken.
    if (tried.length === lines.length && tried.join(" ") === lines.join(" ")) {
      best = tried;
      wideEnough = middle;
    } else {
      tooNarrow = middle;
    }
  }
  return best;
}

function cut(lines: string[], most: number, width: number, widthOf: (line: string) => number): string[] {
  const kept = lines.slice(0, most);
  const last = Array.from(kept.pop() ?? "");
  while (last.length > 0 && widthOf(`${last.join("")}…`) > width) last.pop();
  return [...kept, `${last.join("").trimEnd()}…`];
}
