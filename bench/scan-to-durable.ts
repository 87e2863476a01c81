import { closeSync, fdatasyncSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { Screens } from "../agent/carriers/screens.ts";
import { systemClock } from "../agent/clock.ts";
import { warmUp } from "../agent/codes/recognise.ts";
import { defaultGatePolicy } from "../agent/gate/verdict.ts";
import { Journal } from "../agent/journal/journal.ts";
import type { KioskView } from "../agent/kiosk-port/view.ts";
import { Readers } from "../agent/readers.ts";
import { Station } from "../agent/station.ts";
import { uncalibrated } from "../drivers/keyboard/calibration.ts";
import { parseReaderSpec } from "../drivers/reader-spec.ts";
import { heldCards } from "../testing/cards-at-gate.ts";
import { checkpointId, randomKeys } from "../testing/drafts.ts";
import { createPtyDevice } from "../testing/pty.ts";
import { until } from "../testing/until.ts";
import { median, quantile } from "./quantiles.ts";

const rounds = 5;
const scansPerRound = 300;
const warmUpScans = 100;

interface Sample {
  /** Last byte written to the pseudo-terminal → view with the green handed to the carrier, ms. */
  readonly whole: number;
  /** Last byte received by this process → the same, ms. */
  readonly inside: number;
  /** A bare append of a row's size and `fdatasync`, right after, ms. */
  readonly floor: number;
}

/**
 * From the last byte at the pty to the committed row and the view sent, against one bare append + `fdatasync` on the
 * same disk in the same run. Floor and scan alternate, so that both meet the same noise.
 */
export async function scanToDurable(): Promise<void> {
  const folder = path.resolve(import.meta.dirname, "..", "dist", "bench-data");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  warmUp();
  const file = path.join(folder, "journal.db");
  const journal = await Journal.open({ file, keys: randomKeys(), log: () => {} });
  const clock = systemClock();
  let receivedAt = 0;
  let sentAt = 0;
  const station = new Station({
    journal,
    clock,
    policy: () => defaultGatePolicy,
    checkpointId: () => checkpointId,
    duty: () => ({ state: "signed-in", staffRef: "staff-1" }),
    clockOffset: () => null,
    attended: () => true,
    onRecorded: () => {},
    onChange: () => screens.draw(),
    onOutcome: () => {},
    log: () => {},
  });
  let revision = 0;
  const view = (): KioskView => ({
    revision: ++revision,
    placeName: "Quầy lễ tân (mẫu)",
    screen: station.screen,
    readers: readers.views,
    unusable: [],
    relays: [],
    readerTest: null,
    tested: [],
    capture: { camera: "off", keyboard: false },
    keyboardCalibration: uncalibrated,
    duty: { state: "none", message: null },
    queue: { online: true, oldestAgeS: 0, message: null, ...journal.figures },
    inside: journal.figures.inside,
    recent: [],
  });
  const screens = new Screens(view, () => {});
  await using pty = await createPtyDevice();
  await using readers = new Readers({
    choices: [parseReaderSpec(`serial:${pty.path}?direction=in`)],
    onScan: (scan, lane) => {
      receivedAt = scan.receivedMonoMs;
      void station.take(scan, lane);
    },
    onChange: () => {},
    log: () => {},
  });
  screens.add(
    {
      post: (message) => {
        const text = JSON.stringify(message);
        if (text.includes('"accepted"')) sentAt = performance.now();
      },
      onIntent: () => {},
      onClose: () => {},
    },
    true,
  );
  await until("the reader is open", () => readers.views[0]?.state === "ready");

  const floorFile = openSync(path.join(folder, "floor"), "w");
  // What SQLite appends to its log for such an entry: row, index and presence pages, one frame each.
  const row = Buffer.alloc(4 * 4120, 1);
  const bareAppend = (): number => {
    const from = performance.now();
    writeSync(floorFile, row);
    fdatasyncSync(floorFile);
    return performance.now() - from;
  };
  const card = heldCards["CCCD 2021"];
  const scan = async (index: number): Promise<Sample> => {
    sentAt = 0;
    const payload = Buffer.from(`${card?.(index).payload}\r`);
    const from = performance.now();
    void pty.write(payload);
    while (sentAt === 0) await new Promise((resolve) => setImmediate(resolve));
    const whole = sentAt - from;
    const inside = sentAt - receivedAt;
    return { whole, inside, floor: bareAppend() };
  };
  let index = 0;
  for (let warm = 0; warm < warmUpScans; warm++) await scan(++index);
  console.log(`\nscan to durable: ${rounds} rounds of ${scansPerRound} scans, CCCD 2021 over a pseudo-terminal, ms`);
  console.log(
    "round   whole p50   p99  | received->view p50   p99  |  floor p50   p99  | p50 ratio whole, inside | p99 ratio whole, inside",
  );
  const ratios: number[][] = [];
  for (let round = 1; round <= rounds; round++) {
    const samples: Sample[] = [];
    for (let done = 0; done < scansPerRound; done++) samples.push(await scan(++index));
    const [whole, inside, floor] = (["whole", "inside", "floor"] as const).map((part) =>
      [0.5, 0.99].map((share) =>
        quantile(
          samples.map((sample) => sample[part]),
          share,
        ),
      ),
    ) as [number[], number[], number[]];
    const ratio = [0, 1].flatMap((at) => [whole, inside].map((part) => (part[at] ?? 0) / (floor[at] ?? 1)));
    ratios.push(ratio);
    const show = (values: number[]): string => values.map((value) => value.toFixed(3).padStart(8)).join(" ");
    console.log(
      `${String(round).padStart(5)}  ${show(whole)}  |      ${show(inside)}  | ${show(floor)}  | ${show(ratio.slice(0, 2))}       | ${show(ratio.slice(2))}`,
    );
  }
  const middle = [0, 1, 2, 3].map((at) => median(ratios.map((ratio) => ratio[at] ?? Number.NaN)).toFixed(2));
  console.log(
    `median of rounds: p50 ratio whole ${middle[0]}, inside ${middle[1]}; p99 ratio whole ${middle[2]}, inside ${middle[3]}`,
  );
  closeSync(floorFile);
  station.stop();
  await journal.close();
  rmSync(folder, { recursive: true, force: true });
}
