import { uploadTimeoutMs } from "../../contract/limits.ts";
import { until } from "../until.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import type { Mutation } from "./mutated-program.ts";
import { together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { ScriptedLine } from "./scripted-line.ts";
import { type ConnectionRule, TcpProxy } from "./tcp-proxy.ts";

const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
const bytes = (count: number): Uint8Array => Buffer.alloc(count, "0");

interface Slow {
  readonly name: string;
  readonly rule: ConnectionRule;
  /** `time`: only the total time-out ends it; `size`: a bound ends it sooner; `passes`: it is slow and good. */
  readonly endedBy: "time" | "size" | "passes";
}

const silent: Slow = { name: "no reply at all", rule: { silent: true }, endedBy: "time" };
const slows: readonly Slow[] = [
  silent,
  { name: "one byte a second", rule: { slices: { bytes: 1, everyMs: 1_000 } }, endedBy: "time" },
  {
    name: "a trickle without end",
    rule: { endless: { head: `${head}\r\n`, bytes: bytes(50), everyMs: 50 } },
    endedBy: "time",
  },
  {
    name: "a flood without end",
    rule: { endless: { head: `${head}\r\n`, bytes: bytes(64 * 1024), everyMs: 1 } },
    endedBy: "size",
  },
  {
    name: "headers without end",
    rule: { endless: { head, bytes: Buffer.from("X-More: and more\r\n".repeat(50)), everyMs: 1 } },
    endedBy: "size",
  },
  { name: "slices of one byte", rule: { slices: { bytes: 1, everyMs: 1 } }, endedBy: "passes" },
  { name: "a kilobyte a second", rule: { slices: { bytes: 100, everyMs: 100 } }, endedBy: "passes" },
];

/** A call that is ended by its total time must not be ended much sooner, nor much later on a loaded machine. */
const earliestMs = uploadTimeoutMs - 1_000;
const latestMs = uploadTimeoutMs + 15_000;
const answerWithinMs = 2_000;
const scanEveryMs = 400;

/** Runs until `isOver`, one card after the other; how many were answered too late. */
async function scanUntil(line: ScriptedLine, isOver: () => boolean): Promise<string[]> {
  const late: string[] = [];
  while (!isOver()) {
    const fromMs = performance.now();
    const id = await line.scan();
    const ms = Math.round(performance.now() - fromMs);
    if (ms > answerWithinMs) late.push(`${id} was answered after ${ms} ms`);
    await until("the next person comes", () => isOver() || performance.now() - fromMs > scanEveryMs);
  }
  return late;
}

/** One station before a centre whose replies are slow; people are scanned all the while. */
async function behind(slow: Slow, program?: string, watchedMs = latestMs): Promise<FaultOutcome> {
  await using proxy = await TcpProxy.before();
  await using line = await ScriptedLine.start({ program, central: proxy.url });
  proxy.leadTo(line.centre.url);
  await line.scan();
  await line.settled();
  proxy.rule = slow.rule;
  proxy.dropAll();
  const endedBefore = proxy.lifetimesMs.length;
  const sinceMs = performance.now();
  // A bound of size is met again and again, a good reply ends no call: those are watched for a moment.
  const forMs = slow.endedBy === "time" ? watchedMs : 5_000;
  const ended = (): number[] => proxy.lifetimesMs.slice(endedBefore);
  const longestMs = (): number => Math.max(0, ...ended());
  const isOver = (): boolean =>
    performance.now() - sinceMs > forMs || (slow.endedBy === "time" && longestMs() > earliestMs);
  const tooLate = await scanUntil(line, isOver);

  const { silenced, slices, endless } = proxy.counts;
  const wrong: string[] = [];
  if (slow.endedBy === "time" && !(longestMs() > earliestMs && longestMs() < latestMs)) {
    wrong.push(`the longest call ended after ${Math.round(longestMs() / 1000)} s of ${Math.round(forMs / 1000)} s`);
  }
  if (slow.endedBy === "size" && longestMs() === 0) wrong.push("no reply was cut off for its size");
  if (slow.endedBy === "passes") wrong.push(...(await line.settled()));
  proxy.rule = {};
  // Calls that still hang have their own time; the network is well from here on.
  proxy.dropAll();
  const recovers = wrong.length === 0 ? [...(await line.recovers()), ...(await line.settled())] : [];
  return {
    counts: { "slow replies": silenced + slices + endless, accepted: line.oracle.acceptedCount },
    judged: together(
      line.oracle.judge({ journal: line.station.journal(), centre: line.centre, healed: wrong.length === 0 }),
      { I4: tooLate, I6: [...wrong, ...recovers].map((what) => `${slow.name}: ${what}`) },
    ),
  };
}

const control = (
  without: string,
  breaks: Control["breaks"],
  watchedMs: number,
  ...mutations: readonly Mutation[]
): Control => ({
  without,
  breaks,
  mutations,
  run: (program) => behind(silent, program, watchedMs),
});

/** The minute of a whole time-out is really waited for, in full; all of them beside each other. */
const chosen: Record<Effort, readonly Slow[]> = {
  fast: slows.filter(({ endedBy }) => endedBy !== "time"),
  full: slows,
};

export const fault: Fault = {
  number: 15,
  name: "slow and endless replies",
  everyCommit: false,
  run: async (effort) => allOf(...(await Promise.all(chosen[effort].map((slow) => behind(slow))))),
  controls: [
    control("a bound on the time of a whole call", ["I6"], latestMs, {
      text: "const timer = setTimeout(end, call.totalTimeoutMs ?? 1e4);",
      by: "const timer = setTimeout(end, 2 ** 31 - 1);",
      times: 1,
    }),
    control(
      "scans that wait for no call",
      ["I4"],
      15_000,
      {
        text: "\tasync call(call) {",
        by: [
          "\tasync call(call) {",
          "const { promise, resolve } = Promise.withResolvers(); globalThis.underWay = promise;",
          "try { return await this.callNow(call); } finally { resolve(); } }",
          "async callNow(call) {",
        ].join("\n"),
        times: 1,
      },
      {
        text: "const answers = await this.#options.journal.record({",
        by: [
          "await Promise.race([globalThis.underWay, new Promise((end) => setTimeout(end, 3_000))]);",
          "const answers = await this.#options.journal.record({",
        ].join("\n"),
        times: 1,
      },
    ),
  ],
};
