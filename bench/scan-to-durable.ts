import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import path from "node:path";
import { JournalStore } from "../agent/journal/store.ts";
import { heldCards } from "../testing/cards-at-gate.ts";
import { draft, randomKeys } from "../testing/drafts.ts";
import { benchFolder } from "./bench-data.ts";
import { openMeasuredStation } from "./measured-station.ts";
import { median, quantile } from "./quantiles.ts";

const rounds = 5;
const scansPerRound = 300;
const warmUpScans = 100;

/** Parts of the way, in order. */
const parts = {
  pty: "written to the pseudo-terminal -> last byte received by this process",
  frame: "-> the frame is whole and handed over",
  recognise: "-> recognised, on its way to the journal",
  journal: "-> the journal's thread has answered",
  view: "-> the view with the green is handed to the carrier",
} as const;

type Part = keyof typeof parts;

/** One scan, its floor and the same work without a thread, ms. */
type Sample = Readonly<Record<Part | "whole" | "inside" | "floor" | "insert" | "commit", number>>;

/**
 * From the last byte at the pty to the committed row and the view sent, against one bare append + `fdatasync` on the
 * same disk in the same run. Floor and scan alternate, so that both meet the same noise. A table says what the time is
 * spent on.
 */
export async function scanToDurable(): Promise<void> {
  using folder = benchFolder("scan-to-durable");
  const at = { received: 0, scan: 0, record: 0, answer: 0, view: 0 };
  await using station = await openMeasuredStation(path.join(folder.path, "journal.db"), 1, {
    onScan: ({ receivedMonoMs }) => {
      at.received = receivedMonoMs;
      at.scan = performance.now();
    },
    onRecord: () => {
      at.record = performance.now();
    },
    onAnswer: () => {
      at.answer = performance.now();
    },
    onView: (text) => {
      if (text.includes('"accepted"')) at.view = performance.now();
    },
  });
  const [pty] = station.ptys;
  // The same transaction in this thread: what of the journal's time is the store's, and what is the way to its thread.
  const beside = new JournalStore(path.join(folder.path, "beside.db"), randomKeys());
  const floorFile = openSync(path.join(folder.path, "floor"), "w");
  // What SQLite appends to its log for such an entry: row, index and presence pages, one frame each.
  const row = Buffer.alloc(4 * 4120, 1);
  const bareAppend = (): number => {
    const from = performance.now();
    writeSync(floorFile, row);
    fdatasyncSync(floorFile);
    return performance.now() - from;
  };
  const besideStore = (index: number): Pick<Sample, "insert" | "commit"> => {
    const from = performance.now();
    const inserted = beside.transaction(() => {
      beside.presence(beside.tagOf(draft(index).personKey));
      beside.insert(draft(index));
      return performance.now();
    });
    return { insert: inserted - from, commit: performance.now() - inserted };
  };
  const card = heldCards["CCCD 2021"];
  const scan = async (index: number): Promise<Sample> => {
    at.view = 0;
    const payload = Buffer.from(`${card?.(index).payload}\r`);
    const from = performance.now();
    void pty?.write(payload);
    while (at.view === 0) await new Promise((resolve) => setImmediate(resolve));
    return {
      whole: at.view - from,
      inside: at.view - at.received,
      pty: at.received - from,
      frame: at.scan - at.received,
      recognise: at.record - at.scan,
      journal: at.answer - at.record,
      view: at.view - at.answer,
      floor: bareAppend(),
      ...besideStore(index),
    };
  };
  let index = 0;
  for (let warm = 0; warm < warmUpScans; warm++) await scan(++index);
  console.log(`\nscan to durable: ${rounds} rounds of ${scansPerRound} scans, CCCD 2021 over a pseudo-terminal, ms`);
  console.log(
    "round   whole p50   p99  | received->view p50   p99  |  floor p50   p99  | p50 ratio whole, inside | p99 ratio whole, inside",
  );
  const all: Sample[] = [];
  const ratios: number[][] = [];
  for (let round = 1; round <= rounds; round++) {
    const samples: Sample[] = [];
    for (let done = 0; done < scansPerRound; done++) samples.push(await scan(++index));
    all.push(...samples);
    const [whole, inside, floor] = (["whole", "inside", "floor"] as const).map((part) =>
      [0.5, 0.99].map((share) => quantile(valuesOf(samples, part), share)),
    ) as [number[], number[], number[]];
    const ratio = [0, 1].flatMap((which) => [whole, inside].map((part) => (part[which] ?? 0) / (floor[which] ?? 1)));
    ratios.push(ratio);
    const show = (values: number[]): string => values.map((value) => value.toFixed(3).padStart(8)).join(" ");
    console.log(
      `${String(round).padStart(5)}  ${show(whole)}  |      ${show(inside)}  | ${show(floor)}  | ${show(ratio.slice(0, 2))}       | ${show(ratio.slice(2))}`,
    );
  }
  const middle = [0, 1, 2, 3].map((which) => median(ratios.map((ratio) => ratio[which] ?? Number.NaN)).toFixed(2));
  console.log(
    `median of rounds: p50 ratio whole ${middle[0]}, inside ${middle[1]}; p99 ratio whole ${middle[2]}, inside ${middle[3]}`,
  );
  tellParts(all);
  beside.close();
  closeSync(floorFile);
}

function tellParts(all: readonly Sample[]): void {
  console.log("where the time goes, ms                                                       p50     p99");
  const line = (what: string, values: readonly number[]): void =>
    console.log(
      `  ${what.padEnd(72)}${[0.5, 0.99].map((share) => quantile(values, share).toFixed(3).padStart(8)).join("")}`,
    );
  for (const part of Object.keys(parts) as Part[]) line(parts[part], valuesOf(all, part));
  line("of the journal: presence and insert, measured in this thread", valuesOf(all, "insert"));
  line("of the journal: COMMIT with synchronous=FULL, measured in this thread", valuesOf(all, "commit"));
  line(
    "of the journal: the rest, to the thread and back",
    all.map(({ journal, insert, commit }) => journal - insert - commit),
  );
}

function valuesOf(samples: readonly Sample[], part: keyof Sample): number[] {
  return samples.map((sample) => sample[part]);
}
