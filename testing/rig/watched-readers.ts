/** The readers of a station as its agent keeps them, without the rest of the agent, and all they have to say. */
import { Readers } from "../../agent/readers.ts";
import type { RawScan, ReaderCommand } from "../../drivers/reader.ts";
import { parseReaderChoice } from "../../drivers/reader-spec.ts";
import { until } from "../until.ts";

/** Everything in the emulated machine takes long. */
export const PATIENCE_MS = 60_000;

export interface WatchedReaders extends AsyncDisposable {
  /** What became of each reader, in order: `ID ready`, `ID fault reader.unplugged`, `ID gone`. */
  readonly states: readonly string[];
  /** Waits for the next `count` scans of one reader and returns their texts; a spoiled one is `(gap)`. */
  next(id: string, count?: number): Promise<string[]>;
  /** Waits until a reader's last state ends so; resolves to `performance.now()`. */
  is(id: string, state: string): Promise<number>;
  command(id: string, command: ReaderCommand): Promise<boolean>;
}

interface Listeners {
  readonly onState?: (state: string) => void;
  readonly onScan?: (scan: RawScan, id: string) => void;
}

/** Keeps readers open as `readers` of a configuration would: by name, by USB address, or `auto`. */
export function watchReaders(choices: readonly string[], { onState, onScan }: Listeners = {}): WatchedReaders {
  const scans = new Map<string, string[]>();
  const states: string[] = [];
  const readers = new Readers({
    choices: choices.map(parseReaderChoice),
    onScan(scan, { readerId }) {
      scans.set(readerId, [...(scans.get(readerId) ?? []), textOf(scan)]);
      onScan?.(scan, readerId);
    },
    onChange: () => {},
    log(event, { readerId: id, state, code }) {
      if (event !== "reader.state" && event !== "reader.gone") return;
      const news = event === "reader.gone" ? ["gone"] : [state, code];
      const said = [id, ...news].filter((part) => typeof part === "string").join(" ");
      states.push(said);
      onState?.(said);
    },
  });
  return {
    states,
    async next(id, count = 1) {
      const all = await until(`${count} scans of ${id}`, () => enough(scans.get(id), count), PATIENCE_MS);
      return all.splice(0, count);
    },
    async is(id, state) {
      const last = () => states.findLast((each) => each.startsWith(`${id} `));
      await until(`${id} to be ${state}`, () => last()?.endsWith(` ${state}`) === true, PATIENCE_MS);
      return performance.now();
    },
    command: (id, command) => readers.command(id, command),
    [Symbol.asyncDispose]: () => readers[Symbol.asyncDispose](),
  };
}

function enough(texts: string[] | undefined, count: number): string[] | undefined {
  return texts !== undefined && texts.length >= count ? texts : undefined;
}

/** The text of a scan; of a spoiled one the reason, in brackets. */
export function textOf({ bytes, spoiled }: RawScan): string {
  return spoiled === null ? Buffer.from(bytes).toString() : `(${spoiled})`;
}
