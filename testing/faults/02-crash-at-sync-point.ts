import path from "node:path";
import { type FakeCentre, startFakeCentre } from "../fake-centre.ts";
import { temporaryFolder } from "../folder.ts";
import { DiskShim } from "./disk-shim.ts";
import type { Effort, Fault, FaultOutcome } from "./fault.ts";
import { builtProgram } from "./mutated-program.ts";
import { notInTime, Oracle, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { without } from "./protections.ts";
import { answerSignIn } from "./signed-in.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";
import { readStoredJournal } from "./stored-journal.ts";

const cards = 6;
/** Sync points tried at every commit, spread over a whole run; in full it is each one. */
const fastPoints = 7;
const besideEachOther = 2;

/** One run of an agent from its first start to its orderly end; how many syncs it meets when nothing cuts it. */
async function syncsOfARun(program: string): Promise<number> {
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  await using station = new StationUnderTest({ oracle, program, central: centre.url });
  using shim = new DiskShim(station.dataDir);
  await runThrough(station.launch(shim.env()), oracle, centre);
  return shim.count("sync");
}

async function runThrough(agent: AgentUnderTest, oracle: Oracle, centre: FakeCentre): Promise<void> {
  if (await agent.ready()) {
    for (let card = 0; card < cards && agent.isRunning; card++) await agent.scan(oracle.issue());
    await notInTime("everything is sent", () => !agent.isRunning || centre.stored.size >= cards);
  }
  await agent.stop();
}

/** The same run cut at the N-th sync; null when it met fewer. */
async function crashAt(point: number, program: string): Promise<FaultOutcome | null> {
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  using folder = temporaryFolder();
  await using station = new StationUnderTest({ oracle, program, central: centre.url });
  using shim = new DiskShim(station.dataDir);
  await runThrough(station.launch(shim.env(point)), oracle, centre);
  if (shim.count("kill") === 0) return null;
  station.hearAll();
  const said = oracle.acceptedIds;

  // The two things a crash can leave: all that was written, or nothing of the journal that was not synced.
  const crashed = oracle.judge({ journal: station.journal(), centre });
  const cutDir = path.join(folder.path, "cut");
  shim.copyAfterPowerCut(cutDir);
  const cut = readStoredJournal(cutDir);
  const held = new Set(cut.entries.map((entry) => entry.id));
  const falseGreen = [...said].filter((id) => !held.has(id)).map((id) => `${id} was accepted before it was synced`);

  await using again = new StationUnderTest({ oracle, program, central: centre.url, dataDir: cutDir });
  const second = await again.start();
  const fresh = await second.scan(oracle.issue());
  const recovers = fresh?.verdict === "accept" ? [] : [`after sync ${point} a fresh scan was not accepted`];
  const unsent = await notInTime("everything is sent after the crash", () =>
    again.journal().entries.every((entry) => entry.state !== "unsent"),
  );
  await second.stop();
  return {
    counts: { crashes: 1, scans: oracle.issuedCount, accepted: oracle.acceptedCount },
    judged: together(crashed, oracle.judge({ journal: again.journal(), centre, healed: true }), {
      I3: falseGreen,
      I6: [...recovers, ...unsent],
    }),
  };
}

async function crashes(effort: Effort): Promise<FaultOutcome> {
  const points = effort === "full" ? upward() : spread(await syncsOfARun(builtProgram));
  const outcomes: FaultOutcome[] = [];
  const work = async (): Promise<void> => {
    // Two workers share one sequence: an iterator ended by one has ended for the other.
    for (const point of points) {
      const outcome = await crashAt(point, builtProgram);
      if (outcome === null) return;
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: besideEachOther }, work));
  return allOf(...outcomes);
}

/** From the last sync backwards, until one shows what is missing. */
async function crashesOfControl(program: string): Promise<FaultOutcome> {
  const outcomes: FaultOutcome[] = [];
  for (let point = await syncsOfARun(program); point > 0; point--) {
    const outcome = await crashAt(point, program);
    if (outcome !== null) outcomes.push(outcome);
    if ((outcome?.judged.I1?.length ?? 0) > 0) break;
  }
  return allOf(...outcomes);
}

function* upward(): Generator<number> {
  for (let point = 1; ; point++) yield point;
}

function* spread(last: number): Generator<number> {
  for (let at = 0; at < fastPoints; at++) yield Math.round(1 + (at * (last - 1)) / (fastPoints - 1));
}

export const fault: Fault = {
  number: 2,
  name: "crash at every sync point",
  everyCommit: true,
  run: crashes,
  controls: [
    {
      without: "synchronous=FULL",
      breaks: ["I1", "I3"],
      mutations: without.synchronousFull,
      run: crashesOfControl,
    },
    {
      without: "waiting for the commit before green",
      breaks: ["I1", "I3"],
      mutations: without.commitBeforeGreen,
      run: crashesOfControl,
    },
  ],
};
