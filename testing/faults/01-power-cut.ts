import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { temporaryFolder } from "../folder.ts";
import type { Effort, Fault, FaultOutcome } from "./fault.ts";
import { LoopImage, requireRoot } from "./loop-image.ts";
import { builtProgram } from "./mutated-program.ts";
import { Oracle, together } from "./oracle.ts";
import { without } from "./protections.ts";
import { startRestlessReader } from "./restless-reader.ts";
import { StationUnderTest } from "./station-under-test.ts";
import { readStoredJournal } from "./stored-journal.ts";

const cuts: Record<Effort, number> = { fast: 12, full: 240 };
const imageMegabytes = 48;
/** A reserve that fits the disk. */
const smallDisk = { journal: { ballastMiB: 1 } };
const cutsPerRun = 12;
/** Runs that follow each other on one disk, so that agents also start over a journal that was cut. */
const runsPerDisk = 3;
const besideEachOther = 2;
const longestBetweenCutsMs = 250;
const longestBetweenScansMs = 8;
/** On every one of so many cut disks the product itself starts again. */
const restartEvery = 12;

interface Product {
  readonly program: string;
  readonly env?: Readonly<Record<string, string>>;
}

class Cuts {
  readonly #product: Product;
  readonly #wanted: number;
  readonly #stopAtLoss: boolean;
  #made = 0;
  #restarts = 0;
  #issued = 0;
  #accepted = 0;
  readonly #judged: FaultOutcome["judged"][] = [];

  constructor(product: Product, wanted: number, stopAtLoss = false) {
    this.#product = product;
    this.#wanted = wanted;
    this.#stopAtLoss = stopAtLoss;
  }

  async run(): Promise<FaultOutcome> {
    requireRoot();
    using folder = temporaryFolder();
    const disks = Array.from({ length: besideEachOther }, async (_, lane) => {
      for (let disk = 0; !this.#isOver; disk++) await this.#oneDisk(path.join(folder.path, `${lane}-${disk}`));
    });
    await Promise.all(disks);
    if (this.#accepted === 0) throw new Error("Nothing was accepted before the cuts, so nothing could be lost.");
    return {
      counts: {
        "power cuts": this.#made,
        scans: this.#issued,
        accepted: this.#accepted,
        "restarts on a cut disk": this.#restarts,
      },
      judged: together(...this.#judged),
    };
  }

  get #isOver(): boolean {
    const isLost = this.#judged.some(({ I1 }) => (I1?.length ?? 0) > 0);
    return this.#made >= this.#wanted || (this.#stopAtLoss && isLost);
  }

  async #oneDisk(file: string): Promise<void> {
    await using disk = await LoopImage.make(file, imageMegabytes);
    await disk.mount();
    const oracle = new Oracle();
    await using reader = await startRestlessReader(oracle, longestBetweenScansMs);
    const { program, env = {} } = this.#product;
    // What it says goes to another file system.
    await using station = new StationUnderTest({
      oracle,
      program,
      env,
      dataDir: path.join(disk.folder, "data"),
      readers: [reader.spec],
      config: smallDisk,
    });
    for (let run = 0; run < runsPerDisk && !this.#isOver; run++) {
      const agent = station.launch();
      for (let cut = 0; cut < cutsPerRun && !this.#isOver; cut++) {
        // The first one of a run hits its start.
        if (cut === 1) await agent.ready();
        await pause(Math.random() * longestBetweenCutsMs * (cut === 0 ? 4 : 1));
        await agent.freeze();
        station.hearAll();
        const known = oracle.snapshot();
        const image = await disk.copy(`${file}.cut`);
        agent.thaw();
        this.#made++;
        await this.#judge(image, known);
      }
      await agent.kill();
    }
    this.#issued += oracle.issuedCount;
    this.#accepted += oracle.acceptedCount;
  }

  /** The disk is put into another machine: what was called accepted before the cut must be on it. */
  async #judge(image: LoopImage, known: Oracle): Promise<void> {
    await using cut = image;
    await cut.mount();
    const dataDir = path.join(cut.folder, "data");
    const judged = known.judge({ journal: readStoredJournal(dataDir) });
    this.#judged.push(judged);
    if (this.#made % restartEvery !== 0) return;
    this.#restarts++;
    await using station = new StationUnderTest({
      oracle: known,
      dataDir,
      program: this.#product.program,
      config: smallDisk,
    });
    const agent = await station.start();
    const outcome = await agent.scan(known.issue());
    await agent.stop();
    const recovers = outcome?.verdict === "accept" ? [] : ["a scan after the restart was not accepted"];
    this.#judged.push(known.judge({ journal: station.journal() }), { I6: recovers });
  }
}

export const fault: Fault = {
  number: 1,
  name: "power cut at any moment",
  everyCommit: false,
  run: (effort) => new Cuts({ program: builtProgram }, cuts[effort]).run(),
  controls: [
    {
      without: "synchronous=FULL",
      breaks: ["I1"],
      mutations: without.synchronousFull,
      run: (program) => new Cuts({ program }, 60, true).run(),
    },
    {
      without: "a disk that keeps what was synced (libeatmydata)",
      breaks: ["I1"],
      mutations: [],
      run: (program) => new Cuts({ program, env: { LD_PRELOAD: "libeatmydata.so" } }, 60, true).run(),
    },
  ],
};
