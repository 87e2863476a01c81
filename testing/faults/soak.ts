/**
 * `npm run soak -- --minutes N [--seed S]`: one station under everything at once, for a minute or a week. People scan at
 * several readers while chance cuts the network, makes the centre fail, kills and freezes the agent, sets its clock, pulls
 * readers out and holds its journal. An oracle outside counts every few minutes and at the end. Exit code 1 when anything
 * was lost, doubled or falsely called accepted, or when the agent grew. The same seed makes the same choices.
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Answer, type FakeCentre, startFakeCentre } from "../fake-centre.ts";
import type { PtyDevice } from "../pty.ts";
import { Chance } from "./chance.ts";
import { FakeClock } from "./fake-clock.ts";
import type { FaultOutcome } from "./fault.ts";
import { HeldReaders } from "./held-readers.ts";
import { JournalIntruder } from "./journal-intruder.ts";
import { notInTime, Oracle } from "./oracle.ts";
import { answerSignIn } from "./signed-in.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";

const readerCount = 3;
/** The invented cards have room for so many people, whatever the length of the run. */
const mostPeople = 900_000;
const longestPauseMs = 400;
const longestSpellMs = 6_000;
const countEveryMs = 180_000;
const recoverWithinMs = 120_000;
const dayMs = 86_400_000;
/** What a healthy agent may take more at the end than at the beginning. */
const growth = { rssMiB: 96, startMs: 2_000, factor: 1.5 };

const { values } = parseArgs({ options: { minutes: { type: "string" }, seed: { type: "string" } } });
const minutes = Number(values.minutes ?? 10);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  process.stderr.write("soak: --minutes takes a number above 0, --seed a whole number.\n");
  process.exit(1);
}
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say(`soak: ${minutes} min with --seed ${seed}`);

const chance = new Chance(seed);
/** Pace of its own, so that it does not change which faults a seed makes. */
const pace = new Chance(seed + 1);
const endAtMs = performance.now() + minutes * 60_000;
const oracle = new Oracle();
const done: Record<string, number> = {};
const starts: number[] = [];
const memory: number[] = [];
let violations: FaultOutcome["judged"] = {};

const faults: Readonly<Record<string, (spellMs: number) => Promise<void>>> = {
  "network cuts": async (spellMs) => {
    await centre.down();
    await pause(spellMs);
    await centre.up();
  },
  "centre errors": async (spellMs) => {
    const before = centre.script;
    const wrong = chance.of(wrongAnswers);
    centre.script = (arrived, answer) => wrong(answer, arrived.entries);
    await pause(spellMs);
    centre.script = before;
  },
  kills: async (spellMs) => {
    noteMemory();
    await agent.kill();
    // What it said is there; what it recorded must be too.
    count(false);
    await pause(spellMs / 4);
    agent = await startAgent();
  },
  restarts: async () => {
    noteMemory();
    await agent.stop();
    agent = await startAgent();
  },
  freezes: async (spellMs) => {
    await agent.freeze();
    await pause(spellMs / 2);
    agent.thaw();
  },
  "clock settings": async () => {
    clock.set(chance.of([Date.now(), Date.now() - dayMs, Date.now() + 3_653 * dayMs, Date.UTC(1970, 0, 2)]));
  },
  "readers pulled": async (spellMs) => {
    const pty = chance.of(readers.ptys);
    await pty.unplug();
    await pause(spellMs / 4);
    await pty.replug();
  },
  "locks held": async (spellMs) => {
    using intruder = new JournalIntruder(station.dataDir);
    intruder.lock();
    await pause(spellMs / 2);
    intruder.release();
  },
  "logs held": async (spellMs) => {
    using intruder = new JournalIntruder(station.dataDir);
    intruder.holdSnapshot();
    await pause(spellMs);
    intruder.release();
  },
};

type Entries = Parameters<FakeCentre["script"]>[0]["entries"];

const wrongAnswers: readonly ((answer: Answer, entries: Entries) => void)[] = [
  (answer) => answer.problem(500, "unavailable"),
  (answer) => answer.problem(503, "unavailable", { "Retry-After": "1" }),
  (answer) => answer.problem(429, "rate_limited", { "Retry-After": "1" }),
  (answer) => answer.raw(200, { "Content-Type": "text/html" }, "<html>wifi</html>"),
  (answer) => answer.cut(),
  // The commit is there, the reply is not.
  (answer, entries) => {
    for (const entry of entries) answer.store(entry);
    answer.cut();
  },
];

await using centre = await startFakeCentre();
answerSignIn(centre);
using clock = new FakeClock();
await using readers = await HeldReaders.plugIn(readerCount);
await using station = new StationUnderTest({ oracle, central: centre.url, readers: readers.specs(), env: clock.env });
let agent = await startAgent();
let countedAtMs = performance.now();

const scanning = Promise.all(readers.ptys.map(scanOn));
while (performance.now() < endAtMs && !isBroken()) {
  await pause(Math.min(chance.below(longestSpellMs / 2), Math.max(0, endAtMs - performance.now())));
  await strike();
  if (performance.now() - countedAtMs > countEveryMs) {
    countedAtMs = performance.now();
    count(false);
  }
}
await scanning;
clock.set(Date.now());
const late = await notInTime("everything accepted is sent", allSent, recoverWithinMs);
noteMemory();
await agent.stop();
count(true);
const grown = [...growthOf("start", starts, growth.startMs), ...growthOf("memory", memory, growth.rssMiB)];
const problems = [
  ...Object.entries(violations).flatMap(([name, found]) => found.map((each) => `${name}: ${each}`)),
  ...late,
  ...grown,
];
for (const problem of problems) say(`✗ ${problem}`);
say(
  `soak ${problems.length === 0 ? "well" : "NOT WELL"}: ${oracle.issuedCount} scans, ${oracle.acceptedCount} accepted, ` +
    `${centre.stored.size} at the centre; ${lengthOf("I1")} lost, ${lengthOf("I2")} doubled or changed, ${lengthOf("I9")} faults of the store; ` +
    `${Object.entries(done)
      .map(([what, times]) => `${times} ${what}`)
      .join(", ")}; ` +
    `start ${Math.round(Math.max(...starts))} ms at most, memory ${Math.round(Math.max(...memory))} MiB at most; seed ${seed}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

/** People come to this reader until the time is over, whatever happens to it. */
async function scanOn(pty: PtyDevice): Promise<void> {
  const atLeastMs = (minutes * 60_000 * readerCount) / mostPeople;
  while (performance.now() < endAtMs && !isBroken()) {
    // A reader that is being pulled out takes its scan with it.
    await pty.write(`${oracle.issue().payload}\r\n`).catch(() => {});
    await pause(atLeastMs + pace.next() * longestPauseMs);
  }
}

/** One thing that goes wrong, and its end. */
async function strike(): Promise<void> {
  const [what, fault] = chance.of(Object.entries(faults));
  await fault(Math.min(chance.below(longestSpellMs), Math.max(0, endAtMs - performance.now())));
  done[what] = (done[what] ?? 0) + 1;
}

async function startAgent(): Promise<AgentUnderTest> {
  const fromMs = performance.now();
  const started = await station.start();
  starts.push(performance.now() - fromMs);
  return started;
}

/** Resident memory of the running agent, MiB. */
function noteMemory(): void {
  const status = readFileSync(`/proc/${agent.pid}/status`, "latin1");
  memory.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** Judges what is there now; a line for whoever watches, unless it was only a kill. */
function count(isEnd: boolean): void {
  station.hearAll();
  centre.batches.length = 0;
  centre.otherPaths.length = 0;
  violations = oracle.judge({ journal: station.journal(), centre, healed: isEnd });
  if (performance.now() - countedAtMs < countEveryMs && !isEnd && !isBroken()) return;
  say(
    `${new Date().toISOString()} ${oracle.issuedCount} scans, ${oracle.acceptedCount} accepted, ${centre.stored.size} at the centre, ${isBroken() ? "VIOLATED" : "nothing violated"}`,
  );
}

function allSent(): boolean {
  station.hearAll();
  return [...oracle.acceptedIds].every((id) => centre.stored.has(id));
}

function isBroken(): boolean {
  return Object.values(violations).some((found) => found.length > 0);
}

function lengthOf(name: "I1" | "I2" | "I9"): number {
  return violations[name]?.length ?? 0;
}

/** The end against the beginning, when there is enough of both. */
function growthOf(what: string, figures: readonly number[], allowed: number): string[] {
  const third = Math.floor(figures.length / 3);
  if (third < 3) return [];
  const [first, last] = [median(figures.slice(0, third)), median(figures.slice(-third))];
  return last > first * growth.factor + allowed
    ? [`${what} grew from ${Math.round(first)} to ${Math.round(last)}`]
    : [];
}

function median(figures: readonly number[]): number {
  return figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)] ?? 0;
}
