/** A QR symbol as something to look at, always dark on white with the quiet zone a reader needs. Pure. */
import type { QrSymbol } from "./qr-symbol.ts";

/** ISO/IEC 18004: four modules on each side. */
const quietModules = 4;

/** A picture in units of one module. */
export interface QrPath {
  /** Width and height with the quiet zone. */
  readonly side: number;
  /** The dark parts, as the `d` of an SVG path. */
  readonly path: string;
}

export function qrPath(symbol: QrSymbol): QrPath {
  const runs: string[] = [];
  for (let y = 0; y < symbol.side; y++) {
    for (let x = 0; x < symbol.side; x++) {
      if (!symbol.isDark(x, y)) continue;
      const from = x;
      while (x < symbol.side && symbol.isDark(x, y)) x++;
      runs.push(`M${from + quietModules} ${y + quietModules}h${x - from}v1h${from - x}z`);
    }
  }
  return { side: symbol.side + 2 * quietModules, path: runs.join("") };
}

/** A file for a browser or a printer. */
export function qrSvg(symbol: QrSymbol): string {
  const { side, path } = qrPath(symbol);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">` +
    `<path fill="#fff" d="M0 0h${side}v${side}h-${side}z"/><path d="${path}"/></svg>\n`
  );
}

/** Two rows of modules in a line of text; colours are set, because a terminal may be dark. */
export function qrLines(symbol: QrSymbol): string {
  const from = -quietModules;
  const to = symbol.side + quietModules;
  const inside = (at: number): boolean => at >= 0 && at < symbol.side;
  const dark = (x: number, y: number): boolean => inside(x) && inside(y) && symbol.isDark(x, y);
  const lines: string[] = [];
  for (let y = from; y < to; y += 2) {
    let line = "";
    for (let x = from; x < to; x++) line += halves[Number(dark(x, y)) + 2 * Number(dark(x, y + 1))];
    lines.push(`${blackOnWhite}${line}${reset}`);
  }
  return `${lines.join("\n")}\n`;
}

/** By upper dark + 2 × lower dark. */
const halves = [" ", "▀", "▄", "█"];
/** SGR: bright white behind, black before; 38/48 with a colour number, because themes redraw the sixteen. */
const blackOnWhite = "\u001b[38;5;16;48;5;231m";
const reset = "\u001b[0m";
