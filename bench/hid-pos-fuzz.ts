import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createReportAssembler } from "../drivers/hid-pos/reassembly.ts";
import { createScanQueue } from "../drivers/scan-queue.ts";
import { createDice, createReportFuzzer, EVERY_LAYOUT } from "../testing/hid-pos-fuzz.ts";
import { scanReports } from "../testing/hid-pos-reports.ts";

const totalReports = 1_000_000;
const run = 5000;
const seed = 20260101;

/**
 * A million reports no reader sends, random and changed real ones, through assembler and queue, spread over every way
 * to know a layout; after every five thousand a good scan. Prints memory after a full collection before and after.
 */
export async function hidPosFuzz(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const megabytes = (): string => {
    collect();
    const { rss, heapUsed } = process.memoryUsage();
    return `RSS ${(rss / 2 ** 20).toFixed(1)} MiB, heap ${(heapUsed / 2 ** 20).toFixed(1)} MiB`;
  };
  const perLayout = Math.ceil(totalReports / EVERY_LAYOUT.length);
  console.log(`\nHID POS fuzz: ${perLayout * EVERY_LAYOUT.length} reports, seed ${seed}`);
  // Warm, so that what the first round compiles is not taken for a leak.
  for (const layout of EVERY_LAYOUT) await feed(layout, 5_000);
  console.log(`before   ${megabytes()}`);
  const fromMs = performance.now();
  for (const layout of EVERY_LAYOUT) {
    const { scans, spoiled, lost, good, runs } = await feed(layout, perLayout);
    const numbers = `${scans} scans, ${spoiled} spoiled, ${lost} lost, good scans read ${good} of ${runs}`;
    console.log(`${layout[0].padEnd(28)} ${numbers}`);
  }
  const seconds = (performance.now() - fromMs) / 1000;
  console.log(`after    ${megabytes()}`);
  console.log(
    `${seconds.toFixed(1)} s, ${((seconds * 1e6) / totalReports).toFixed(2)} µs a report, the generator included`,
  );
}

interface Fed {
  readonly scans: number;
  readonly spoiled: number;
  readonly lost: number;
  readonly good: number;
  readonly runs: number;
}

async function feed([, family, source]: (typeof EVERY_LAYOUT)[number], reports: number): Promise<Fed> {
  const dice = createDice(seed);
  const next = createReportFuzzer(dice);
  const assembler = createReportAssembler(source());
  const queue = createScanQueue("bench");
  let [scans, spoiled, good, runs, nowMs] = [0, 0, 0, 0, 0];
  let awaited = "";
  const consumed = (async () => {
    for await (const scan of queue) {
      scans++;
      if (scan.spoiled !== null) spoiled++;
      else if (Buffer.from(scan.bytes).toString("utf8") === awaited) good++;
    }
  })();
  const push = (report: Uint8Array): void => {
    for (const frame of [...assembler.expire(nowMs), ...assembler.push(report, nowMs)]) queue.push(frame);
  };
  for (let sent = 0; sent <= reports; sent++) {
    if (sent % run === 0) {
      // The consumer is away for a whole run, then takes what is waiting; then comes the good scan.
      await nextTurn();
      nowMs += 5000;
      awaited = `${String(sent).padStart(12, "0")}|Nguyễn Thị Hồng Đào Mẫu|01021990|Nữ|Xã Cổ Lũy, Hà Nội`;
      runs++;
      for (const report of scanReports(family, awaited)) push(report);
      await nextTurn();
    }
    nowMs += dice(3) === 0 ? dice(400) : 16;
    push(next());
  }
  await nextTurn();
  queue.close();
  await consumed;
  return { scans, spoiled, lost: queue.lostCount, good, runs };
}
