import { strFromU8, unzipSync } from "fflate";

/** The rows of a CSV file as RFC 4180 has them; a file with a broken quote throws. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  while (cell.lastIndex < text.length) {
    const from = cell.lastIndex;
    const found = cell.exec(text);
    if (found === null) throw new Error(`No cell at character ${from}.`);
    row.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
    if (found[3] === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function textOf(xml: string): string {
  const plain = xml.replace(/&(\w+);/g, (all, name: string) => entities[name] ?? all);
  return plain.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The rows of the first sheet of a book, in the places their cells say. Throws when a cell is anything but a text. */
export function readSheet(file: Uint8Array): string[][] {
  const parts = unzipSync(file);
  const part = (name: string) => strFromU8(parts[name] ?? new Uint8Array());
  const shared = Array.from(
    part("xl/sharedStrings.xml").matchAll(/<si><t[^>]*>([^<]*)<\/t><\/si>/g),
    (one) => one[1] ?? "",
  );
  return Array.from(part("xl/worksheets/sheet1.xml").matchAll(/<row r="(\d+)">(.*?)<\/row>/gs), (found, at) => {
    if (found[1] !== String(at + 1)) throw new Error(`Row ${found[1]} stands at ${at + 1}.`);
    const cells: string[] = [];
    const rest = (found[2] ?? "").replace(
      /<c r="([A-Z])\d+"(?: s="\d+")? t="(inlineStr|s)">(?:<is><t[^>]*>([^<]*)<\/t><\/is>|<v>(\d+)<\/v>)<\/c>/g,
      (_, column: string, __, text: string | undefined, index: string) => {
        cells[column.charCodeAt(0) - 65] = textOf(text ?? shared[Number(index)] ?? "");
        return "";
      },
    );
    if (rest !== "") throw new Error(`Not a text: ${rest.slice(0, 100)}`);
    return Array.from(cells, (cell) => cell ?? "");
  });
}
