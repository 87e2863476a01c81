import { strFromU8, strToU8, unzipSync, Zip, ZipDeflate } from "fflate";
import writeExcelFile from "write-excel-file/node";
import { cellText, columnsOf, type ExportedEntry, endLine } from "./rows.ts";

/** A sheet holds 1,048,576 rows (Excel specifications and limits); one is the head, one the end. */
export const mostXlsxRows = 1_048_574;

const sheetPart = "xl/worksheets/sheet1.xml";
const rowsEnd = "</sheetData>";

/**
 * An XLSX file with flat memory: the library makes the book with its head row, and the rows are streamed into its sheet.
 * All cells are texts, so that numbers keep their zeros and nothing is a formula. A file that was cut off has no
 * directory and does not open.
 */
export async function* xlsxOf(
  batches: AsyncIterable<readonly ExportedEntry[]>,
  view: "masked" | "full",
): AsyncGenerator<Uint8Array> {
  const columns = columnsOf(view);
  const [before, after, parts] = await emptyBook(columns);
  let chunks: Uint8Array[] = [];
  const taken = () => {
    const bytes = Buffer.concat(chunks);
    chunks = [];
    return bytes;
  };
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    chunks.push(chunk);
  });
  const begin = (name: string) => {
    const part = new ZipDeflate(name, { level: 6 });
    zip.add(part);
    return part;
  };
  for (const [name, content] of Object.entries(parts)) begin(name).push(content, true);
  const sheet = begin(sheetPart);
  sheet.push(strToU8(before));
  let rows = 0;
  for await (const batch of batches) {
    let text = "";
    for (const row of batch) {
      rows += 1;
      text += rowOf(
        rows + 1,
        columns.map(({ of }) => cellText(of(row))),
      );
    }
    sheet.push(strToU8(text));
    yield taken();
  }
  sheet.push(strToU8(rowOf(rows + 2, [endLine(rows)]) + after), true);
  zip.end();
  yield taken();
}

/** The sheet before and after its rows, and the other parts of the book. */
async function emptyBook(
  columns: readonly { readonly title: string; readonly width: number }[],
): Promise<[before: string, after: string, parts: Record<string, Uint8Array>]> {
  const head = columns.map(({ title }) => ({ value: title, fontWeight: "bold" as const }));
  const options = { sheet: "Vào ra", columns: columns.map(({ width }) => ({ width })), stickyRowsCount: 1 };
  const { [sheetPart]: sheet, ...parts } = unzipSync(await writeExcelFile([head], options).toBuffer());
  const [before, after] = strFromU8(sheet ?? new Uint8Array()).split(rowsEnd);
  if (before === undefined || after === undefined) throw new Error("A book has a sheet with rows.");
  return [before, rowsEnd + after, parts];
}

function rowOf(number: number, cells: readonly string[]): string {
  const written = cells.map((text, index) =>
    text === ""
      ? ""
      : `<c r="${String.fromCharCode(65 + index)}${number}" t="inlineStr"><is><t xml:space="preserve">${escaped(text)}</t></is></c>`,
  );
  return `<row r="${number}">${written.join("")}</row>`;
}

/** XML text; `_x0041_` would be read as the letter it names (ECMA-376 part 1, 22.9.2.19). */
function escaped(text: string): string {
  return text
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, "_x005F_")
    .replace(/[\ufffe\uffff]/g, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
