import { setTimeout as pause } from "node:timers/promises";
import type { PtyDevice } from "../pty.ts";
import { until } from "../until.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import { HeldReaders } from "./held-readers.ts";
import { builtProgram, type Mutation } from "./mutated-program.ts";
import { type Issued, Oracle, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { StationUnderTest } from "./station-under-test.ts";

type Part = (effort: Effort, program: string) => Promise<FaultOutcome>;

const answerWithinMs = 1_000;
/** What was written is with the agent by then, and the silence that ends a scan (300 ms) is not over. */
const reachesAgentMs = 100;
/** So that the agent sees the pieces apart. */
const betweenPiecesMs = 5;
/** Of all readers together. */
const scansASecond = 50;

/** Pulls the reader out in the middle of a card, plugs it in again and scans another one. */
const unplugMidScan: Part = async (effort, program) => {
  const oracle = new Oracle();
  await using readers = await HeldReaders.plugIn(1);
  const pty = readers.ptys[0] as PtyDevice;
  await using station = new StationUnderTest({ oracle, program, readers: readers.specs() });
  const agent = await station.start();
  await readers.heardBy(agent);
  const notTaken: string[] = [];
  const cuts = effort === "full" ? 10 : 2;
  for (let cut = 0; cut < cuts; cut++) {
    const [halved, whole] = [oracle.issue(), oracle.issue()];
    const bytes = Buffer.from(halved.payload);
    await pty.write(bytes.subarray(0, Math.ceil((bytes.length * (cut + 1)) / (cuts + 1))));
    await pause(reachesAgentMs);
    await pty.unplug();
    await readers.ready(agent, pty, "fault");
    await pty.replug();
    await readers.ready(agent, pty);
    const outcome = await readers.scan(pty, whole);
    if (outcome?.verdict !== "accept") notTaken.push(notAccepted(whole, outcome));
  }
  await agent.kill();
  station.hearAll();
  return {
    counts: { unplugged: cuts, accepted: oracle.acceptedCount },
    judged: together(oracle.judge({ journal: station.journal() }), { I4: notTaken }),
  };
};

/** Sends half a card, and nothing more; then another card. */
const halfALine: Part = async (effort, program) => {
  const oracle = new Oracle();
  await using readers = await HeldReaders.plugIn(1);
  const pty = readers.ptys[0] as PtyDevice;
  await using station = new StationUnderTest({ oracle, program, readers: readers.specs() });
  const agent = await station.start();
  await readers.heardBy(agent);
  const wrong: string[] = [];
  const halves = effort === "full" ? 8 : 2;
  for (let half = 0; half < halves; half++) {
    const [halved, whole] = [oracle.issue(), oracle.issue()];
    const before = readers.said(pty).length;
    const bytes = Buffer.from(halved.payload);
    await pty.write(bytes.subarray(0, Math.ceil((bytes.length * (half + 1)) / (halves + 1))));
    const told = await readers.next(pty, before);
    if (told?.verdict !== "refuse")
      wrong.push(`half of card ${halved.index} was answered ${told?.verdict ?? "nothing"}`);
    const outcome = await readers.scan(pty, whole);
    if (outcome?.verdict !== "accept") wrong.push(notAccepted(whole, outcome));
  }
  await agent.kill();
  station.hearAll();
  return {
    counts: { "half lines": halves },
    judged: together(oracle.judge({ journal: station.journal() }), { I4: wrong }),
  };
};

/** Leaves one code before a reader that reads it again and again, and holds one card to two readers at once. */
const theSameCode: Part = async (effort, program) => {
  const oracle = new Oracle();
  await using readers = await HeldReaders.plugIn(3);
  const [both, one, other] = readers.ptys as [PtyDevice, PtyDevice, PtyDevice];
  await using station = new StationUnderTest({
    oracle,
    program,
    // The first lane opens both ways: there a second scan would be the way out.
    readers: readers.specs("auto", "in", "in"),
    config: { gate: { rescanS: 1.5 } },
  });
  const agent = await station.start();
  await readers.heardBy(agent);
  const wrong: string[] = [];
  const reads = effort === "full" ? 40 : 12;
  let repeats = 0;
  for (const gapMs of [0, 200]) {
    const card = oracle.issue();
    const before = readers.said(both).length;
    for (let read = 0; read < reads; read++) {
      await both.write(`${card.payload}\r\n`);
      if (gapMs > 0) await pause(gapMs);
    }
    await until("every read is answered", () => readers.said(both).length >= before + reads);
    const [first, ...rest] = readers.said(both).slice(before);
    if (first?.outcome.verdict !== "accept") wrong.push(notAccepted(card, first?.outcome ?? null));
    for (const { outcome } of rest) {
      if (outcome.reason === "same-scan") repeats++;
      else wrong.push(`a repeat of card ${card.index} was answered ${outcome.verdict} ${outcome.reason ?? ""}`);
    }
  }
  for (let held = 0; held < reads; held++) {
    const card = oracle.issue();
    const answers = await Promise.all([readers.scan(one, card), readers.scan(other, card)]);
    const said = answers.map((answer) => answer?.reason ?? answer?.verdict ?? "nothing").toSorted();
    if (said.join() === "accept,already-inside") repeats++;
    else wrong.push(`card ${card.index} at two readers was answered ${said.join(" and ")}`);
  }
  await agent.kill();
  station.hearAll();
  return {
    counts: { repeats, accepted: oracle.acceptedCount },
    judged: together(oracle.judge({ journal: station.journal() }), { I2: wrong }),
  };
};

/** All readers at once, each card in two pieces between which the other readers' pieces come. */
const allAtOnce =
  (count: number): Part =>
  async (effort, program) => {
    const oracle = new Oracle();
    await using readers = await HeldReaders.plugIn(count);
    await using station = new StationUnderTest({ oracle, program, readers: readers.specs() });
    const agent = await station.start();
    await readers.heardBy(agent);
    const rounds = Math.round(((effort === "full" ? 8 : 1) * scansASecond) / count);
    const sentAtMs = readers.ptys.map((): number[] => []);
    const cards = readers.ptys.map((): Issued[] => []);
    const begunMs = performance.now();
    for (let round = 0; round < rounds; round++) {
      await pause(Math.max(0, begunMs + (round * count * 1000) / scansASecond - performance.now()));
      const held = readers.ptys.map((pty, index) => {
        const card = oracle.issue();
        cards[index]?.push(card);
        return { pty, index, bytes: Buffer.from(`${card.payload}\r\n`) };
      });
      const cut = 1 + (round % 60);
      await Promise.all(held.map(({ pty, bytes }) => pty.write(bytes.subarray(0, cut))));
      await pause(betweenPiecesMs);
      for (const { index } of held) sentAtMs[index]?.push(performance.now());
      await Promise.all(held.map(({ pty, bytes }) => pty.write(bytes.subarray(cut))));
    }
    await until("every scan is answered", () => readers.ptys.every((pty) => readers.said(pty).length >= rounds)).catch(
      () => {},
    );
    const wrong: string[] = [];
    const tookMs: number[] = [];
    for (const [index, pty] of readers.ptys.entries()) {
      for (const [at, card] of (cards[index] ?? []).entries()) {
        const heard = readers.said(pty)[at];
        if (heard?.outcome.verdict !== "accept") wrong.push(notAccepted(card, heard?.outcome ?? null));
        else oracle.hear(heard.outcome, card);
        if (heard !== undefined) tookMs.push(heard.atMs - (sentAtMs[index]?.[at] ?? 0));
      }
    }
    const p99Ms = Math.round(tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length * 0.99)] ?? answerWithinMs);
    if (p99Ms > answerWithinMs) wrong.push(`one in a hundred was answered after ${p99Ms} ms or later`);
    await agent.kill();
    station.hearAll();
    return {
      counts: { [`scans of ${count} readers`]: tookMs.length, [`ms p99 of ${count} readers`]: p99Ms },
      judged: together(oracle.judge({ journal: station.journal() }), { I4: wrong }),
    };
  };

/** Two agents want the same reader: one has it until it is gone, and no scan is anybody else's. */
const twoAgents: Part = async (effort, program) => {
  const [first, second] = [new Oracle(), new Oracle(100_000)];
  await using shared = await HeldReaders.plugIn(1);
  await using own = await HeldReaders.plugIn(1);
  const [pty, ownPty] = [shared.ptys[0] as PtyDevice, own.ptys[0] as PtyDevice];
  await using one = new StationUnderTest({ oracle: first, program, readers: shared.specs() });
  await using other = new StationUnderTest({
    oracle: second,
    program,
    readers: [...shared.specs(), ...own.specs()],
  });
  const owner = await one.start();
  await shared.heardBy(owner);
  const waiting = await other.start();
  await own.heardBy(waiting);
  await own.ready(waiting, pty, "fault");
  const wrong: string[] = [];
  const scans = effort === "full" ? 40 : 5;
  for (let scan = 0; scan < scans; scan++) {
    const [mine, theirs] = [first.issue(), second.issue()];
    const answers = await Promise.all([shared.scan(pty, mine), own.scan(ownPty, theirs)]);
    if (answers[0]?.verdict !== "accept") wrong.push(notAccepted(mine, answers[0] ?? null));
    if (answers[1]?.verdict !== "accept") wrong.push(notAccepted(theirs, answers[1] ?? null));
  }
  const heardOfShared = own.said(pty).length;
  if (heardOfShared > 0) wrong.push(`the other agent read ${heardOfShared} scans of a reader that it had not`);
  await owner.kill();
  await own.ready(waiting, pty);
  const after = second.issue();
  const outcome = await own.scan(pty, after);
  const taken = outcome?.verdict === "accept" ? [] : [notAccepted(after, outcome)];
  await waiting.kill();
  one.hearAll();
  other.hearAll();
  return {
    counts: { "scans beside another agent": 2 * scans },
    judged: together(first.judge({ journal: one.journal() }), second.judge({ journal: other.journal() }), {
      I4: wrong,
      I6: taken,
    }),
  };
};

function notAccepted(card: Issued, outcome: { verdict: string; reason: string | null } | null): string {
  return `card ${card.index} was answered ${outcome === null ? "nothing" : `${outcome.verdict} ${outcome.reason ?? ""}`}`;
}

const parts: readonly Part[] = [unplugMidScan, halfALine, theSameCode, allAtOnce(2), allAtOnce(4), twoAgents];

async function everyPart(effort: Effort, chosen = parts, program = builtProgram): Promise<FaultOutcome> {
  const outcomes: FaultOutcome[] = [];
  for (const part of chosen) outcomes.push(await part(effort, program));
  return allOf(...outcomes);
}

const control = (what: string, breaks: Control["breaks"], part: Part, mutations: readonly Mutation[]): Control => ({
  without: what,
  breaks,
  mutations,
  run: (program) => everyPart("fast", [part], program),
});

export const fault: Fault = {
  number: 22,
  name: "readers go, stutter and come all at once",
  everyCommit: false,
  alone: true,
  run: (effort) => everyPart(effort),
  controls: [
    control("forgetting half a scan when the reader goes", ["I2", "I4"], unplugMidScan, [
      {
        text: "const framer = createByteFramer(options.framer);",
        by: "const framer = ((globalThis.framers ??= {})[id] ??= createByteFramer(options.framer));",
        times: 1,
      },
      { text: "framer.reset();", by: "", times: 1 },
    ]),
    control("a memory of its own for each reader", ["I2", "I4"], allAtOnce(4), [
      {
        text: "const framer = createByteFramer(options.framer);",
        by: "const framer = (globalThis.framer ??= createByteFramer(options.framer));",
        times: 1,
      },
    ]),
    control("an end of half a line by silence", ["I2", "I4"], halfALine, [
      { text: "silenceMs = 300, silenceAfterEndMs = 600", by: "silenceMs = 6e5, silenceAfterEndMs = 6e5", times: 1 },
    ]),
    control("the rule that a code left before a reader is one scan", ["I2"], theSameCode, [
      { text: "const sameScan = lane?.digest === digest &&", by: "const sameScan = false &&", times: 1 },
    ]),
    control("presence: the same person at another reader", ["I2"], theSameCode, [
      { text: 'if (direction === "in" && inside) return', by: "if (false) return", times: 1 },
    ]),
  ],
};
