import { startFakeCentre } from "../fake-centre.ts";
import { AgentPulse } from "./agent-pulse.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import { JournalIntruder } from "./journal-intruder.ts";
import { builtProgram, type Mutation } from "./mutated-program.ts";
import { type Issued, notInTime, Oracle, together } from "./oracle.ts";
import { answerSignIn } from "./signed-in.ts";
import { StationUnderTest } from "./station-under-test.ts";

/** A disk that does not answer is told at 0.9 s; a busy machine may take its time to bring the sentence across. */
const answerWithinMs = 2_000;
const usualAnswerWithinMs = 1_000;
const lagWithinMs = 200;

/**
 * How long the lock is held each time, ms. Those around a second end while the agent's own waits end: a row may be
 * written just after its person was told that it was not.
 */
const holds: Record<Effort, readonly number[]> = {
  fast: [100, 950, 2_500],
  full: [50, 100, 300, 600, 800, 850, 880, 900, 920, 950, 980, 1_000, 1_020, 1_100, 1_500, 2_500, 5_000],
};
const cardsEachHold = 3;

/** Another program begins to write in the journal and does not come to an end, again and again. */
async function holdTheLock(effort: Effort, program = builtProgram, recoverWithinMs = 60_000): Promise<FaultOutcome> {
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  await using station = new StationUnderTest({ oracle, program, central: centre.url });
  const agent = await station.start();
  await agent.scan(oracle.issue());
  using intruder = new JournalIntruder(station.dataDir);
  using pulse = await AgentPulse.of(station.dataDir);
  const answeredMs: number[] = [];
  const silent: string[] = [];
  const refused: Issued[] = [];
  let holdsDone = 0;

  const hold = async (card: Issued): Promise<void> => {
    const fromMs = performance.now();
    const outcome = await agent.scan(card);
    const ms = Math.round(performance.now() - fromMs);
    answeredMs.push(ms);
    if (outcome === null || ms > answerWithinMs) silent.push(`card ${card.index} was answered after ${ms} ms`);
    if (outcome?.verdict !== "accept") refused.push(card);
    else if (intruder.isHolding) falseGreen.push(`card ${card.index} was accepted while nobody could write`);
  };
  const falseGreen: string[] = [];
  for (const ms of holds[effort]) {
    intruder.lock();
    const released = new Promise<void>((resolve) => {
      setTimeout(() => {
        intruder.release();
        resolve();
      }, ms);
    });
    holdsDone++;
    await Promise.all(Array.from({ length: cardsEachHold }, () => hold(oracle.issue())));
    await released;
  }
  const lagMs = pulse.percentileMs(effort === "full" ? 99 : 95);

  const late: string[] = [];
  for (const card of [...refused, oracle.issue()]) {
    late.push(
      ...(await notInTime(
        `card ${card.index} is taken now that the lock is free`,
        async () => ["accept", "repeat"].includes((await agent.scan(card))?.verdict ?? ""),
        recoverWithinMs,
      )),
    );
  }
  station.hearAll();
  late.push(...(await notInTime("everything accepted is sent", () => oracle.allStoredAt(centre), recoverWithinMs)));
  await agent.kill();
  const usualMs = answeredMs.toSorted((one, other) => one - other)[Math.floor(answeredMs.length / 2)] ?? 0;
  return {
    counts: {
      holds: holdsDone,
      refused: refused.length,
      accepted: oracle.acceptedCount,
      "ms to the slowest answer": Math.max(...answeredMs),
      [`ms of lag (p${effort === "full" ? 99 : 95})`]: lagMs,
    },
    judged: together(oracle.judge({ journal: station.journal(), centre, healed: true }), {
      I3: falseGreen,
      I4: [
        ...silent,
        ...(usualMs > usualAnswerWithinMs ? [`half of the answers took longer than ${usualMs} ms`] : []),
        ...(lagMs > lagWithinMs ? [`the event loop was held up for ${lagMs} ms`] : []),
      ],
      I6: late,
    }),
  };
}

const control = (what: string, breaks: Control["breaks"], mutations: readonly Mutation[]): Control => ({
  without: what,
  breaks,
  mutations,
  // What it breaks is seen before: nobody waits a minute for what was never recorded.
  run: (program, effort) => holdTheLock(effort, program, 5_000),
});

export const fault: Fault = {
  number: 9,
  name: "another process holds the lock",
  everyCommit: true,
  alone: true,
  run: (effort) => holdTheLock(effort),
  controls: [
    control(
      "a limit to the wait for the disk",
      ["I4"],
      [
        { text: '"busy_timeout",\n\t\t"1000",\n\t\t1e3\n', by: '"busy_timeout",\n\t\t"60000",\n\t\t6e4\n', times: 2 },
        { text: "answerBeforeMs: sharedMs() + 900\n", by: "answerBeforeMs: sharedMs() + 60000\n", times: 1 },
        { text: '"The disk did not answer in time; check the disk.")), 900);', by: '"")), 60000);', times: 1 },
      ],
    ),
    control(
      "a thread of its own for the disk",
      ["I4"],
      [
        {
          text: "const { answers, figures } = await inTime(this.#writer.call(",
          by:
            "const asked = new Database(this.#data.file, { timeout: 1000 });" +
            'try { asked.exec("BEGIN IMMEDIATE"); asked.exec("ROLLBACK"); } catch {} asked.close();' +
            "const { answers, figures } = await inTime(this.#writer.call(",
          times: 1,
        },
      ],
    ),
    control(
      "heeding a transaction that could not begin",
      ["I1", "I3"],
      [
        // So that the writer hears of it before the person is told by the clock.
        { text: '"busy_timeout",\n\t\t"1000",\n\t\t1e3\n', by: '"busy_timeout",\n\t\t"100",\n\t\t100\n', times: 2 },
        {
          text: "return requests.map((request) => [request, { fault }]);",
          by:
            "return requests.map((request) => [request, request.codes.map(() => ({" +
            'verdict: { kind: "accept", direction: "in", marks: [] },' +
            "entry: { seq: 1, id: randomUUIDv7(), wallMs: 0 } }))]);",
          times: 1,
        },
      ],
    ),
  ],
};
