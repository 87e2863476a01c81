import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ScanOutcome } from "../../agent/kiosk-port/port.ts";

/** A line of `tram agent --json`. */
export type SaidLine = { readonly event: string } & Readonly<Record<string, unknown>>;

/**
 * What the product said, in a file outside the fault domain. The agent writes its standard output straight into it, so
 * a line counts as said the moment the agent's write returned, whatever happens to the agent a microsecond later.
 */
export class SaidFile implements Disposable {
  readonly path: string;
  /** For `stdio`: several runs of an agent may append to it. */
  readonly descriptor: number;

  constructor(file: string) {
    this.path = file;
    this.descriptor = openSync(file, "a");
  }

  /** Bytes said so far. */
  get size(): number {
    return fstatSync(this.descriptor).size;
  }

  /** Whole lines said so far, from byte `from`; the half line of a killed writer was not said. */
  lines(from = 0): SaidLine[] {
    const bytes = Buffer.alloc(Math.max(0, this.size - from));
    const file = openSync(this.path, "r");
    const read = readSync(file, bytes, 0, bytes.length, from);
    closeSync(file);
    return bytes
      .subarray(0, read)
      .toString("utf8")
      .split("\n")
      .slice(0, -1)
      .flatMap((text) => parsed(text));
  }

  /** Outcomes of scans said so far. */
  outcomes(from = 0): ScanOutcome[] {
    return this.lines(from).filter((line) => line.event === "scan") as unknown as ScanOutcome[];
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}

/** A line cut by a kill is continued by the next run's first line: not one of ours. */
function parsed(text: string): SaidLine[] {
  try {
    return [JSON.parse(text) as SaidLine];
  } catch {
    const again = text.lastIndexOf('{"event"');
    return again > 0 ? parsed(text.slice(again)) : [];
  }
}
