import { stringify } from "csv-stringify/sync";
import { cellText, columnsOf, type ExportedEntry, endLine } from "./rows.ts";

const byteOrderMark = "\ufeff";

/**
 * A CSV file (RFC 4180) for spreadsheets: UTF-8 with the mark by which Excel knows it; cells that a spreadsheet would take
 * for a formula (they begin with = + - @ or one of their full-width forms) begin with an apostrophe (OWASP, "CSV
 * Injection"; tabs and line ends are not left in cells). Excel drops leading zeros of numbers in a CSV: XLSX keeps them.
 */
export async function* csvOf(
  batches: AsyncIterable<readonly ExportedEntry[]>,
  view: "masked" | "full",
): AsyncGenerator<string> {
  const columns = columnsOf(view);
  yield byteOrderMark + lines([columns.map(({ title }) => title)]);
  let rows = 0;
  for await (const batch of batches) {
    rows += batch.length;
    yield lines(batch.map((row) => columns.map(({ of }) => cellText(of(row)))));
  }
  yield lines([[endLine(rows)]]);
}

function lines(rows: readonly (readonly string[])[]): string {
  return stringify([...rows], { escape_formulas: true, record_delimiter: "windows", quoted_match: /^'|;/ });
}
