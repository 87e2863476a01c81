import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startFakeCentre } from "../testing/fake-centre.ts";
import { answerSignIn, leaveCredential } from "../testing/faults/signed-in.ts";
import { until } from "../testing/until.ts";
import { benchFolder, copyBacklog } from "./bench-data.ts";
import { median } from "./quantiles.ts";
import { StationProcess } from "./station-process.ts";

const starts = 5;
const nobody = "http://127.0.0.1:9";
/** Start-up work and the first look for the centre are over by then. */
const settleMs = 10_000;

/** What an agent costs that nobody scans at, and how long it takes to start with and without a backlog. */
export async function idle(seconds: number, entries: number): Promise<void> {
  await atRest(seconds);
  await starting(entries);
}

/** Signed in, the centre reachable, nothing to send. */
async function atRest(seconds: number): Promise<void> {
  using folder = benchFolder("idle");
  const dataDir = path.join(folder.path, "data");
  copyBacklog(0, dataDir);
  leaveCredential(dataDir);
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  await using station = new StationProcess(dataDir, centre.url);
  await station.ready();
  await until("the centre was asked", () => centre.otherPaths.length > 0);
  await pause(settleMs);
  const before = station.processorMs;
  const fromMs = performance.now();
  await pause(seconds * 1000);
  const share = (station.processorMs - before) / (performance.now() - fromMs);
  console.log(`\nidle: signed in, centre reachable, nothing to do, for ${seconds} s`);
  console.log(`  processor ${(share * 100).toFixed(2)} % of one core, RSS ${station.rss.toFixed(0)} MiB`);
}

/** From the start of the process to "ready to scan"; the files are in the cache of the system. */
async function starting(entries: number): Promise<void> {
  using folder = benchFolder("start");
  const folders = [0, entries].map((unsent) => {
    const dataDir = path.join(folder.path, `data-${unsent}`);
    copyBacklog(unsent, dataDir);
    return dataDir;
  });
  const start = async (dataDir: string): Promise<number> => {
    await using station = new StationProcess(dataDir, nobody);
    return await station.ready();
  };
  console.log(`\nstart to ready, ms, ${starts} times each in turn`);
  console.log(`round   no backlog   ${entries} unsent   ratio`);
  const rounds: number[][] = [];
  for (let round = 0; round <= starts; round++) {
    const took: number[] = [];
    for (const dataDir of folders) took.push(await start(dataDir));
    // The first fills the caches and does not count.
    if (round === 0) continue;
    rounds.push(took);
    const [none = 0, many = 0] = took;
    console.log(
      `${String(round).padStart(5)} ${none.toFixed(0).padStart(12)} ${many.toFixed(0).padStart(String(entries).length + 9)} ${(many / none).toFixed(2).padStart(7)}`,
    );
  }
  const [none = 0, many = 0] = [0, 1].map((at) => median(rounds.map((took) => took[at] ?? Number.NaN)));
  console.log(`median: ${none.toFixed(0)} and ${many.toFixed(0)}, ratio ${(many / none).toFixed(2)}`);
}
