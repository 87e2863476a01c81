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
  #heardTo = 0;

  constructor(file: string) {
    this.path = file;
    this.descriptor = openSync(file, "a+");
  }

  /** Bytes said so far. */
  get size(): number {
    return fstatSync(this.descriptor).size;
  }

  /** Whole lines said so far, from byte `from`; the half line of a killed writer was not said. */
  lines(from = 0): SaidLine[] {
    return this.#text(from)
      .split("\n")
      .slice(0, -1)
      .flatMap((text) => parsed(text));
  }

  /** Whole lines said since the last call. */
  newLines(): SaidLine[] {
    const text = this.#text(this.#heardTo);
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    this.#heardTo += Buffer.byteLength(whole);
    return whole.split("\n").flatMap((line) => parsed(line));
  }

  #text(from: number): string {
    const bytes = Buffer.alloc(Math.max(0, this.size - from));
    return bytes.subarray(0, readSync(this.descriptor, bytes, 0, bytes.length, from)).toString("utf8");
  }

  /** Outcomes of scans said so far. */
  outcomes(from = 0): ScanOutcome[] {
    return scans(this.lines(from));
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}

/** Those of the lines that say what became of a scan. */
export function scans(lines: readonly SaidLine[]): ScanOutcome[] {
  return lines.filter((line) => line.event === "scan") as unknown as ScanOutcome[];
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
