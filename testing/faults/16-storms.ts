import { longestPauseMs } from "../../agent/sync/backoff.ts";
import { startFakeCentre } from "../fake-centre.ts";
import { until } from "../until.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import type { Mutation } from "./mutated-program.ts";
import { Oracle, together } from "./oracle.ts";
import { OutboxInHand } from "./outbox-in-hand.ts";
import { allOf } from "./outcomes.ts";
import { ScriptedLine } from "./scripted-line.ts";

const statuses = [500, 502, 503, 504, 429] as const;
type Status = (typeof statuses)[number];
const nameOf = (status: Status) => (status === 429 ? "rate_limited" : "unavailable");

/** A loaded machine may be this much later than a timer said. */
const slackMs = 5_000;
/** Timers of Node may fire this much early. */
const earlyMs = 2;

/** Storm after storm at one outbox whose chance is given: each pause must be the one that chance makes. */
async function backOffBounds(effort: Effort): Promise<FaultOutcome> {
  const replies = effort === "full" ? 60 : 15;
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  const drawn: number[] = [];
  /** `[0.0001, 0.0005]`: a chance like any other, only that nobody waits long for it. */
  const random = (): number => {
    const next = ((drawn.length * 7) % 5) / 10_000 + 0.000_1;
    drawn.push(next);
    return next;
  };
  await using parts = await OutboxInHand.start({ oracle, central: centre.url, random });
  const arrivedMs: number[] = [];
  const answeredMs: number[] = [];
  centre.script = (_, answer, count) => {
    arrivedMs.push(performance.now());
    const status = statuses[count % statuses.length] ?? 503;
    if (count <= replies) answer.problem(status, nameOf(status));
    else answer.storeAll();
    answeredMs.push(performance.now());
  };
  await parts.record();
  await parts.drained(60_000);
  const wrong: string[] = drawn.length === replies ? [] : [`${replies} failures drew ${drawn.length} chances`];
  for (let failures = 1; failures <= replies; failures++) {
    const gapMs = (arrivedMs[failures] ?? 0) - (answeredMs[failures - 1] ?? 0);
    const pauseMs = (drawn[failures - 1] ?? 0) * Math.min(longestPauseMs, 1_000 * 2 ** failures);
    if (gapMs < Math.floor(pauseMs) - earlyMs || gapMs > pauseMs + slackMs) {
      wrong.push(`after failure ${failures} it paused ${Math.round(gapMs)} ms instead of ${Math.round(pauseMs)} ms`);
    }
  }
  return {
    counts: { "storm replies": replies, requests: centre.batches.length },
    judged: together(oracle.judge({ journal: parts.journal(), centre, healed: true }), { I6: wrong }),
  };
}

/** One `Retry-After` and the shortest pause after it, ms; null: it is no length of time, and the back-off decides. */
interface Asked {
  readonly header: () => string;
  readonly atLeastMs: number | null;
}

const absurdlyLong = ["86400000", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"];
/** Nothing may be sent for this long when an hour was asked for. A timer that overflows would fire at once. */
const watchedMs = 1_000;

const asked: readonly (readonly Asked[])[] = [
  [{ header: () => "2", atLeastMs: 2_000 }],
  // Whole seconds, so up to one of the three may be over already.
  [{ header: () => new Date(Date.now() + 3_000).toUTCString(), atLeastMs: 2_000 }],
  [
    ...["-5", "1e9", "soon", "", "0", "NaN", new Date(0).toUTCString()].map((header) => ({
      header: () => header,
      atLeastMs: null,
    })),
    ...absurdlyLong.map((header) => ({ header: () => header, atLeastMs: watchedMs })),
  ],
];

async function retryAfter(headers: readonly Asked[], status: Status): Promise<FaultOutcome> {
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  await using parts = await OutboxInHand.start({ oracle, central: centre.url });
  const wrong: string[] = [];
  for (const { header, atLeastMs } of headers) {
    let value = "";
    let answeredMs = 0;
    let gapMs = Number.POSITIVE_INFINITY;
    const from = centre.batches.length;
    centre.script = (_, answer) => {
      if (centre.batches.length === from + 1) {
        value = header();
        answer.problem(status, nameOf(status), { "Retry-After": value });
        answeredMs = performance.now();
      } else {
        gapMs = Math.min(gapMs, performance.now() - answeredMs);
        answer.storeAll();
      }
    };
    await parts.record();
    await until("an answer with Retry-After", () => answeredMs > 0);
    if (atLeastMs === null) await parts.drained(slackMs);
    else {
      await until("the time asked for is over", () => performance.now() > answeredMs + atLeastMs - earlyMs);
      if (gapMs < atLeastMs - earlyMs) wrong.push(`asked for ${value} it came again after ${Math.round(gapMs)} ms`);
      // An hour is not waited for: somebody signs in.
      if (absurdlyLong.includes(value)) parts.outbox.retryNow();
      await parts.drained(60_000);
    }
  }
  return {
    counts: { "storm replies": headers.length, requests: centre.batches.length },
    judged: together(oracle.judge({ journal: parts.journal(), centre, healed: true }), { I6: wrong }),
  };
}

/** A whole agent may ask this often while a storm of these seconds lasts; chance alone makes it fewer. */
const mostRequests = 25;
const stormMs: Record<Effort, number> = { fast: 5_500, full: 20_000 };
/** Twice the longest pause that chance alone makes after one failure. */
const askedS = 4;

/** The first reply asks a whole agent for some seconds, the storm goes on for longer, then the centre is well. */
async function wholeAgent(effort: Effort, inStorm: readonly Status[], program?: string): Promise<FaultOutcome> {
  await using line = await ScriptedLine.start({ program });
  const arrivedMs: number[] = [];
  line.centre.script = (_, answer, count) => {
    arrivedMs.push(performance.now());
    const [firstMs = 0] = arrivedMs;
    const status = inStorm[count % inStorm.length] ?? 503;
    if (performance.now() - firstMs > stormMs[effort]) answer.storeAll();
    else answer.problem(status, nameOf(status), count === 1 ? { "Retry-After": String(askedS) } : {});
  };
  const tooLate: string[] = [];
  for (let card = 0; card < 5; card++) {
    const fromMs = performance.now();
    await line.scan();
    if (performance.now() - fromMs > 2_000) tooLate.push(`card ${card} was answered too late`);
  }
  await until("the storm is over", () => performance.now() - (arrivedMs[0] ?? Infinity) > stormMs[effort], 60_000);
  const requests = line.centre.batches.length;
  const recovers = await line.recovers();
  const late = await line.settled();
  const gapMs = (arrivedMs[1] ?? Infinity) - (arrivedMs[0] ?? 0);
  return {
    counts: { "storm replies": requests, requests: line.centre.batches.length },
    judged: together(line.oracle.judge({ journal: line.station.journal(), centre: line.centre, healed: true }), {
      I4: tooLate,
      I6: [
        ...late,
        ...recovers,
        ...(requests > mostRequests ? [`${requests} requests in a storm of ${stormMs[effort] / 1000} s`] : []),
        ...(gapMs < askedS * 1000 ? [`asked for ${askedS} s it came again after ${Math.round(gapMs)} ms`] : []),
      ],
    }),
  };
}

async function storms(effort: Effort): Promise<FaultOutcome> {
  const inHand = await Promise.all([
    backOffBounds(effort),
    ...asked.map((headers, index) => retryAfter(headers, index === 0 ? 429 : 503)),
  ]);
  const agents =
    effort === "full"
      ? await Promise.all(statuses.map((status) => wholeAgent(effort, [status])))
      : [await wholeAgent(effort, statuses)];
  return allOf(...inHand, ...agents);
}

const control = (what: string, breaks: Control["breaks"], mutation: Mutation) => ({
  without: what,
  breaks,
  mutations: [mutation],
  run: (program: string) => wholeAgent("fast", statuses, program),
});

export const fault: Fault = {
  number: 16,
  name: "storms of 5xx and 429",
  everyCommit: true,
  run: storms,
  controls: [
    control("back-off", ["I6"], {
      text: "return Math.floor(random() * Math.min(longestMs",
      by: "return 0 * Math.floor(random() * Math.min(longestMs",
      times: 1,
    }),
    control("regard to Retry-After", ["I6"], {
      text: "Math.max(reply.retryAfterMs ?? 0, this.#backOff(",
      by: "Math.max(0, this.#backOff(",
      times: 1,
    }),
    control("endless patience, a 503 puts rows aside", ["I1"], {
      text: 'case "busy":\n\t\t\t\tthis.#say(false, sendingSentences.busy);',
      by: 'case "busy":\n\t\t\t\tfor (const id of ids) await this.#quarantine(id, "busy");',
      times: 1,
    }),
  ],
};
