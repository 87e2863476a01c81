import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startFakeCentre } from "../fake-centre.ts";
import { temporaryFolder } from "../folder.ts";
import { DiskShim } from "./disk-shim.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import { builtProgram, type Mutation } from "./mutated-program.ts";
import { type Issued, notInTime, Oracle, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { without } from "./protections.ts";
import { answerSignIn } from "./signed-in.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";
import { readStoredJournal } from "./stored-journal.ts";

const answerWithinMs = 2_000;
const recoverWithinMs = 60_000;
/** A control has shown what it shall long before. */
const controlPatienceMs = 2_000;

interface Failing {
  readonly call: "sync" | "write";
  readonly times: number | "for ever";
  /** The agent crashes while the disk fails, and starts again when it is well. */
  readonly crashes?: true;
}

const times = [1, 2, 3, 5, 8, "for ever"] as const;

const failings: Record<Effort, readonly Failing[]> = {
  fast: [
    { call: "sync", times: 1 },
    { call: "sync", times: "for ever", crashes: true },
    { call: "write", times: "for ever" },
  ],
  full: (["sync", "write"] as const).flatMap((call) =>
    times.flatMap((each) => [
      { call, times: each },
      { call, times: each, crashes: true },
    ]),
  ),
};
/** Cards held while the disk fails for ever. */
const heldInVain = 4;
const errorsOfForEver = 3;
const errorsWithinMs = 8_000;
const betweenTriesMs = 100;

/** One station whose disk fails as told and is well again; then the power is cut. */
async function failAndHeal(failing: Failing, program: string, patienceMs: number): Promise<FaultOutcome> {
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  using folder = temporaryFolder();
  await using station = new StationUnderTest({ oracle, program, central: centre.url });
  using shim = new DiskShim(station.dataDir);
  let agent = await station.start(shim.env());
  const tooLate: string[] = [];
  const hold = async (card: Issued): Promise<boolean> => {
    const fromMs = performance.now();
    const outcome = await agent.scan(card);
    const ms = Math.round(performance.now() - fromMs);
    if (outcome === null || ms > answerWithinMs) tooLate.push(`card ${card.index} was answered after ${ms} ms`);
    return outcome?.verdict === "accept";
  };
  for (let card = 0; card < 3; card++) await hold(oracle.issue());

  shim.fail(failing.call, failing.times);
  const inVain: Issued[] = [];
  for (let held = 0; held < heldInVain; held++) {
    const card = oracle.issue();
    if (!(await hold(card))) inVain.push(card);
  }
  // The product tries the disk again at times of its own; people hold their cards again meanwhile.
  const errors = (): number => shim.count("eio-sync") + shim.count("eio-write");
  const wanted = failing.times === "for ever" ? errorsOfForEver : failing.times;
  const giveUpAtMs = performance.now() + errorsWithinMs;
  while (errors() < wanted && performance.now() < giveUpAtMs) {
    const card = inVain[0] ?? oracle.issue();
    if (await hold(card)) inVain.splice(0, 1);
    else if (!inVain.includes(card)) inVain.push(card);
    await pause(betweenTriesMs);
  }
  const falseGreen = await acceptedButNotOnDisk(agent, shim, oracle, path.join(folder.path, "failing"));
  if (failing.crashes) await agent.kill();
  shim.heal();
  if (failing.crashes) agent = await station.start(shim.env());

  // Whoever was refused scans again; the id of the first try makes it one entry, whatever became of that.
  const recovers = [...inVain, oracle.issue()].map(
    (card) => () => agent.scan(card).then((outcome) => outcome?.verdict),
  );
  const late: string[] = [];
  for (const scan of recovers) {
    late.push(
      ...(await notInTime(
        "a scan is taken again once the disk is well",
        async () => ["accept", "repeat"].includes((await scan()) ?? ""),
        patienceMs,
      )),
    );
  }
  for (let card = 0; card < 3; card++) await hold(oracle.issue());
  station.hearAll();
  falseGreen.push(...(await acceptedButNotOnDisk(agent, shim, oracle, path.join(folder.path, "healed"))));
  late.push(...(await notInTime("everything accepted is sent", () => oracle.allStoredAt(centre), patienceMs)));
  await agent.kill();
  return {
    counts: {
      errors: errors(),
      refused: inVain.length,
      accepted: oracle.acceptedCount,
    },
    judged: together(oracle.judge({ journal: station.journal(), centre, healed: true }), {
      I3: falseGreen,
      I4: tooLate,
      I6: late,
    }),
  };
}

/** What was called accepted although a power cut at this moment would take it. */
async function acceptedButNotOnDisk(
  agent: AgentUnderTest,
  shim: DiskShim,
  oracle: Oracle,
  copy: string,
): Promise<string[]> {
  await agent.freeze();
  shim.copyAfterPowerCut(copy);
  agent.thaw();
  const held = new Set(readStoredJournal(copy).entries.map((entry) => entry.id));
  return [...oracle.acceptedIds]
    .filter((id) => !held.has(id))
    .map((id) => `${id} was accepted and a power cut takes it`);
}

async function everyFailing(effort: Effort): Promise<FaultOutcome> {
  const outcomes: FaultOutcome[] = [];
  for (const failing of failings[effort]) outcomes.push(await failAndHeal(failing, builtProgram, recoverWithinMs));
  return allOf(...outcomes);
}

const control = (what: string, mutations: readonly Mutation[]): Control => ({
  without: what,
  breaks: ["I1", "I3"],
  mutations,
  run: async (program) => {
    const outcomes: FaultOutcome[] = [];
    for (const failing of failings.fast) {
      const outcome = await failAndHeal(failing, program, controlPatienceMs);
      outcomes.push(outcome);
      if (outcome.judged.I3?.length) break;
    }
    return allOf(...outcomes);
  },
});

export const fault: Fault = {
  number: 4,
  name: "the disk answers EIO",
  everyCommit: true,
  run: everyFailing,
  controls: [
    control("heeding a commit that failed", without.failedCommit),
    control("bringing the log to the disk at each opening", without.logOntoDiskAtOpening),
    control("waiting for the commit before green", without.commitBeforeGreen),
  ],
};
