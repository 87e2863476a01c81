import { type ExportedEntry, vietnamIso } from "./rows.ts";

/** What a file says of itself before its entries. */
export interface JsonHead {
  readonly checkpoint_id: string;
  readonly from: string;
  readonly to: string;
  readonly made_at: string;
  readonly masked: boolean;
}

/**
 * One JSON object: `items` holds one entry a line, `rows` at the end their number. A file that was cut off is no JSON.
 * Texts are as they were scanned.
 */
export async function* jsonOf(
  batches: AsyncIterable<readonly ExportedEntry[]>,
  head: JsonHead,
): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"items":[`;
  let rows = 0;
  for await (const batch of batches) {
    let text = "";
    for (const { entry, place } of batch) {
      const item = { ...entry, at_local: vietnamIso(entry.at), place };
      text += `${rows === 0 ? "" : ","}\n${JSON.stringify(item)}`;
      rows += 1;
    }
    yield text;
  }
  yield `\n],"rows":${rows}}\n`;
}
