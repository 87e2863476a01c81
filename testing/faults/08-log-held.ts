import { statSync } from "node:fs";
import path from "node:path";
import { startFakeCentre } from "../fake-centre.ts";
import { runTram } from "../program.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import { JournalIntruder } from "./journal-intruder.ts";
import { builtProgram, type Mutation } from "./mutated-program.ts";
import { type Issued, notInTime, Oracle, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { answerSignIn } from "./signed-in.ts";
import { StationUnderTest } from "./station-under-test.ts";

const answerWithinMs = 2_000;
/** Above this the log has grown beyond what recording needs: at latest here somebody must be told. */
const alarmAtBytes = 20 * 1024 * 1024;
/** A log that nobody holds, with what comes while it is being folded in. */
const usualBytes = 8 * 1024 * 1024;
/** Cards that are held at once, so that the log grows faster than by one row a commit. */
const abreast = 8;

/** Another program begins to read the journal and does not end, while people are recorded. */
async function holdTheLog(program = builtProgram, recoverWithinMs = 60_000): Promise<FaultOutcome> {
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  await using station = new StationUnderTest({ oracle, program, central: centre.url });
  const agent = await station.start();
  using intruder = new JournalIntruder(station.dataDir);
  const wal = path.join(station.dataDir, "journal.db-wal");
  const walBytes = (): number => statSync(wal, { throwIfNoEntry: false })?.size ?? 0;
  const silent: string[] = [];
  const refused: Issued[] = [];
  const hold = async (): Promise<void> => {
    const card = oracle.issue();
    const fromMs = performance.now();
    const outcome = await agent.scan(card);
    const ms = Math.round(performance.now() - fromMs);
    if (outcome === null || ms > answerWithinMs) silent.push(`card ${card.index} was answered after ${ms} ms`);
    if (outcome?.verdict !== "accept") refused.push(card);
  };

  await hold();
  intruder.holdSnapshot();
  const begunMs = performance.now();
  while (walBytes() < alarmAtBytes && performance.now() - begunMs < 90_000) {
    await Promise.all(Array.from({ length: abreast }, hold));
  }
  const grownBytes = walBytes();
  const untold = await notInTime(
    "somebody is told that the log grows",
    () => station.log().includes("log-held"),
    5_000,
  );
  // The log is looked at every second: none of these looks may keep people waiting.
  const heldUntilMs = performance.now() + 4_000;
  while (performance.now() < heldUntilMs) await Promise.all(Array.from({ length: abreast }, hold));
  for (const card of refused) silent.push(`card ${card.index} was refused although the disk takes everything`);

  intruder.release();
  const late = await notInTime(
    "the log is folded in once nobody holds it",
    async () => {
      await hold();
      return walBytes() < usualBytes;
    },
    recoverWithinMs,
  );
  late.push(...(await notInTime("everything accepted is sent", () => oracle.allStoredAt(centre), recoverWithinMs)));
  await agent.kill();
  station.hearAll();
  return {
    counts: {
      "MiB of log": Math.round(grownBytes / 1024 / 1024),
      accepted: oracle.acceptedCount,
    },
    judged: together(oracle.judge({ journal: station.journal(), centre, healed: true }), {
      I4: [...silent, ...untold],
      I6: late,
    }),
  };
}

/**
 * Others open the journal while people are recorded: a second agent, commands that read it, and a program that writes a
 * row of its own under the next number.
 */
async function openItTwice(effort: Effort, program = builtProgram, recoverWithinMs = 60_000): Promise<FaultOutcome> {
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  await using station = new StationUnderTest({ oracle, program, central: centre.url });
  const agent = await station.start();
  const wrong: string[] = [];
  const late: string[] = [];
  const rounds = effort === "full" ? 5 : 2;
  for (let round = 0; round < rounds; round++) {
    const second = station.launch();
    if (await second.ready()) wrong.push("a second agent works in the same folder");
    // The first time only: a row that is not the station's own is told from then on.
    const commands = round === 0 ? ["list", "verify"] : ["list"];
    const checks = commands.map((command) => runTram(["journal", command, "--data", station.dataDir]));
    let reading = true;
    const read = Promise.all(checks).finally(() => {
      reading = false;
    });
    while (reading) {
      const card = oracle.issue();
      const outcome = await agent.scan(card, answerWithinMs);
      if (outcome?.verdict !== "accept") wrong.push(`card ${card.index} was answered ${outcome?.reason ?? "nothing"}`);
    }
    for (const { code, err } of await read) if (code !== 0) wrong.push(`a command beside the agent failed: ${err}`);
    {
      using intruder = new JournalIntruder(station.dataDir);
      intruder.writeRowOfItsOwn();
    }
    const card = oracle.issue();
    late.push(
      ...(await notInTime(
        "scans are taken after somebody else wrote a row",
        async () => ["accept", "repeat"].includes((await agent.scan(card))?.verdict ?? ""),
        recoverWithinMs,
      )),
    );
  }
  late.push(...(await notInTime("everything accepted is sent", () => oracle.allStoredAt(centre), recoverWithinMs)));
  await agent.kill();
  station.hearAll();
  const { I1 = [], I2 = [] } = oracle.judge({ journal: station.journal(), centre, healed: true });
  return {
    counts: { "rows of somebody else": rounds, accepted: oracle.acceptedCount },
    judged: { I1, I2, I4: wrong, I6: late },
  };
}

const control = (
  what: string,
  breaks: Control["breaks"],
  run: (program: string, recoverWithinMs: number) => Promise<FaultOutcome>,
  mutations: readonly Mutation[],
): Control => ({
  without: what,
  breaks,
  mutations,
  run: (program) => run(program, 5_000),
});

export const fault: Fault = {
  number: 8,
  name: "the log is held, others open the journal",
  everyCommit: false,
  run: async (effort) => allOf(await holdTheLog(), await openItTwice(effort)),
  controls: [
    control("folding the log in without waiting for readers", ["I4"], holdTheLog, [
      { text: 'database.pragma("busy_timeout = 0");', by: "", times: 1 },
    ]),
    control("giving the room of a long log back", ["I6"], holdTheLog, [
      { text: "if (isHeld) this.#isLogUnclean = true;", by: "", times: 1 },
    ]),
    control("reading the file anew when somebody else wrote", ["I6"], (...args) => openItTwice("fast", ...args), [
      { text: "IOERR|CORRUPT|NOTADB|CONSTRAINT", by: "IOERR|CORRUPT|NOTADB", times: 1 },
    ]),
  ],
};
