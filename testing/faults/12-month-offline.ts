import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import type { ScanOutcome } from "../../agent/kiosk-port/port.ts";
import { agentNodeFlags, childEnvironment } from "../../cli/output.ts";
import { type FakeCentre, startFakeCentre } from "../fake-centre.ts";
import { temporaryFolder } from "../folder.ts";
import { until } from "../until.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import type { Mutation } from "./mutated-program.ts";
import { type Issued, Oracle, together } from "./oracle.ts";
import { answerSignIn } from "./signed-in.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";

const day = 24 * 3_600;
const offlineDays = 30;
/** Scans in hand at once: the journal lets 512 wait. */
const inHand = 200;
/** Much longer than the longest pause of an outbox that nobody answers. */
const silentMs = 120_000;
const silentControlMs = 10_000;
/** Twice what one collection more or less makes; 500,000 rows kept in memory would be a gigabyte. */
const growthMiB = 32;
/** After so many the code that sends is compiled and its buffers have their size. */
const warmUpRows = 20_000;
/** A loaded machine starts programs at very different speeds; a start that reads the backlog takes minutes at a million. */
const slowerStart = 3;
const startSlackMs = 2_000;

const library = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((file) => existsSync(file));

interface Month {
  readonly rows: number;
  /** The month is lived in so many runs of the agent, each ended by a signal. */
  readonly runs: number;
}

const months: Readonly<Record<Effort, Month>> = {
  fast: { rows: 12_000, runs: 6 },
  full: { rows: 500_000, runs: 30 },
};
const controlMonth: Month = { rows: 12_000, runs: 6 };

/** What one run of the agent showed. */
interface Run {
  readonly startMs: number;
  /** Resident memory when it was ready, MiB. */
  readonly rssMiB: number;
}

/**
 * The built agent through a month without a network: its wall clock runs ahead by libfaketime (the monotonic one stays
 * real), all readers are busy, it is killed or stopped and started again, and tries all the time to send to a port that
 * nobody listens at. Then the centre is there again.
 */
async function offline({ rows, runs }: Month, program?: string): Promise<FaultOutcome> {
  if (library === undefined) throw new Error("install the Debian package libfaketime");
  const oracle = new Oracle();
  using folder = temporaryFolder();
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  await centre.down();
  const clockFile = path.join(folder.path, "clock");
  const ahead = (seconds: number): void => writeFileSync(clockFile, `+${Math.round(seconds)}s\n`);
  ahead(0);
  await using station = new StationUnderTest({
    oracle,
    central: centre.url,
    ...(program === undefined ? {} : { program }),
    env: {
      ...childEnvironment(),
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_CACHE_DURATION: "1",
      NODE_OPTIONS: agentNodeFlags.join(" "),
    },
  });
  const lived: Run[] = [];
  const perRun = Math.ceil(rows / runs);
  let agent: AgentUnderTest | null = null;
  for (let run = 0; run < runs; run++) {
    // A power cut and an orderly stop in turn.
    await (run % 2 === 0 ? agent?.kill() : agent?.stop());
    const from = (run / runs) * offlineDays * day;
    ahead(from);
    const startedMs = performance.now();
    agent = await station.start();
    lived.push({ startMs: performance.now() - startedMs, rssMiB: rssOf(agent.pid) });
    const cards = Array.from({ length: Math.min(perRun, rows - run * perRun) }, () => oracle.issue());
    await holdAll(agent, oracle, cards, (share) => ahead(from + (share * offlineDays * day) / runs));
  }
  if (agent === null) throw new Error("The month had no day.");
  const failedCalls = countOf(station.logFile, '"msg":"outbox.failed"');
  await centre.up();
  const drained = await drain(centre, agent, oracle, program === undefined ? silentMs : silentControlMs);
  return {
    counts: {
      "calls nobody answered": failedCalls,
      rows,
      restarts: runs - 1,
      "start ms first": Math.round(median(firstThird(lived).map(({ startMs }) => startMs))),
      "start ms last": Math.round(median(lastThird(lived).map(({ startMs }) => startMs))),
      "MiB at the first starts": Math.round(median(firstThird(lived).map(({ rssMiB }) => rssMiB))),
      "MiB at the last starts": Math.round(median(lastThird(lived).map(({ rssMiB }) => rssMiB))),
      "MiB sending at first": Math.round(drained.rssWarm),
      "MiB sending at most": Math.round(drained.highestRss),
      "entries/s": Math.round(drained.perSecond),
    },
    judged: together(oracle.judge({ centre, healed: true }), {
      I2: outOfOrder(centre),
      I6: notFlat(lived, drained),
      ...(program === undefined ? { I9: leftInJournal(station.dataDir) } : {}),
    }),
  };
}

/** Holds cards as fast as the station takes them, and tells how far it is. */
async function holdAll(
  agent: AgentUnderTest,
  oracle: Oracle,
  cards: readonly Issued[],
  onShare: (share: number) => void,
): Promise<void> {
  const client = await agent.client();
  const byId = new Map(cards.map((card) => [`card-${card.index}`, card]));
  let sent = 0;
  let answered = 0;
  const hold = (): void => {
    const card = cards[sent++];
    if (card === undefined) return;
    if (sent % Math.ceil(cards.length / 4) === 0) onShare(sent / cards.length);
    client.send({
      kind: "captured",
      source: "typed",
      bytesB64: Buffer.from(card.payload, "utf8").toString("base64"),
      correlationId: `card-${card.index}`,
      direction: "in",
    });
  };
  const take = (outcome: ScanOutcome): true | undefined => {
    oracle.hear(outcome, byId.get(outcome.correlationId ?? ""));
    answered++;
    hold();
    return answered === cards.length ? true : undefined;
  };
  const all = client.next(
    (message) => (message.type === "outcome" ? take(message.outcome) : undefined),
    300_000,
    "scan",
  );
  for (let first = 0; first < inHand; first++) hold();
  await all;
}

interface Drained {
  readonly perSecond: number;
  /** Highest resident memory until {@link warmUpRows} had arrived, and over all, MiB. */
  readonly rssWarm: number;
  readonly highestRss: number;
}

/** Waits until everything has arrived, or nothing has for a long time. */
async function drain(centre: FakeCentre, agent: AgentUnderTest, oracle: Oracle, silence: number): Promise<Drained> {
  const wanted = oracle.acceptedCount;
  let seen = 0;
  let seenAt = performance.now();
  let firstAt = 0;
  let highestRss = 0;
  let rssWarm = 0;
  await until(
    "the backlog has left",
    () => {
      highestRss = Math.max(highestRss, rssOf(agent.pid));
      const now = centre.stored.size;
      if (firstAt === 0 && now > 0) firstAt = performance.now();
      if (now <= warmUpRows) rssWarm = highestRss;
      if (now !== seen) seenAt = performance.now();
      seen = now;
      return seen >= wanted || performance.now() - seenAt > silence;
    },
    15 * 60_000,
  );
  return { perSecond: (seen / (seenAt - firstAt)) * 1000, rssWarm, highestRss };
}

/** Entries must come in the order they were recorded in. */
function outOfOrder(centre: FakeCentre): string[] {
  const wrong: string[] = [];
  let before = 0;
  for (const { seq } of centre.stored.values()) {
    if (seq < before) wrong.push(`entry ${seq} came after entry ${before}`);
    before = seq;
  }
  return wrong;
}

/** Neither the start nor the memory may grow with what waits. */
function notFlat(lived: readonly Run[], { rssWarm, highestRss }: Drained): string[] {
  const wrong: string[] = [];
  const [start, laterStart] = [firstThird, lastThird].map((third) =>
    median(third(lived).map(({ startMs }) => startMs)),
  );
  const [rss, laterRss] = [firstThird, lastThird].map((third) => median(third(lived).map(({ rssMiB }) => rssMiB)));
  if ((laterStart ?? 0) > (start ?? 0) * slowerStart + startSlackMs) {
    wrong.push(
      `a start took ${Math.round(start ?? 0)} ms first and ${Math.round(laterStart ?? 0)} ms with the backlog`,
    );
  }
  if ((laterRss ?? 0) > (rss ?? 0) + growthMiB) {
    wrong.push(`a start took ${Math.round(rss ?? 0)} MiB first and ${Math.round(laterRss ?? 0)} MiB with the backlog`);
  }
  if (highestRss > rssWarm + growthMiB) {
    wrong.push(`sending took ${Math.round(rssWarm)} MiB at first and ${Math.round(highestRss)} MiB at most`);
  }
  return wrong;
}

/** The journal after everything was sent, without reading half a million rows: sound, gapless, nothing waiting. */
function leftInJournal(dataDir: string): string[] {
  const database = new Database(path.join(dataDir, "journal.db"), { readonly: true, timeout: 5_000 });
  try {
    const wrong: string[] = [];
    const check: unknown = database.pragma("quick_check", { simple: true });
    if (check !== "ok") wrong.push(`quick_check says ${String(check)}`);
    const { rows, first, last } = database
      .prepare("SELECT count(*) AS rows, min(seq) AS first, max(seq) AS last FROM entry")
      .get() as { rows: number; first: number; last: number };
    if (rows !== last - first + 1) wrong.push(`${rows} rows are left of ${first} to ${last}`);
    return wrong;
  } finally {
    database.close();
  }
}

/** Resident memory of a process, MiB (proc(5)). */
function rssOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;
}

function countOf(file: string, text: string): number {
  return readFileSync(file, "latin1").split(text).length - 1;
}

const firstThird = (lived: readonly Run[]): Run[] => lived.slice(0, Math.ceil(lived.length / 3));
const lastThird = (lived: readonly Run[]): Run[] => lived.slice(-Math.ceil(lived.length / 3));

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const control = (what: string, breaks: Control["breaks"], mutation: Mutation): Control => ({
  without: what,
  breaks,
  mutations: [mutation],
  run: (program) => offline(controlMonth, program),
});

const oldestUnsent = "WHERE state = 0 AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?";

export const fault: Fault = {
  number: 12,
  name: "a month without a network",
  everyCommit: false,
  run: (effort) => offline(months[effort]),
  controls: [
    control("sending what is older than a week", ["I1"], {
      text: oldestUnsent,
      by: oldestUnsent.replace("AND id", "AND wall_ms > (SELECT max(wall_ms) FROM entry) - 604800000 AND id"),
      times: 1,
    }),
    control("the order of the numbers", ["I2"], {
      text: oldestUnsent,
      by: oldestUnsent.replace("BY seq", "BY seq DESC"),
      times: 1,
    }),
    control("reading the backlog in pages", ["I6"], {
      text: 'this.#oldestWallMs = void 0;\n\t\tif (this.#mode === "read") return;',
      by: 'globalThis.backlog = database.prepare("SELECT * FROM entry WHERE state = 0").all().map((row) => [1, 2, 3, 4].map(() => JSON.stringify(row)));if (this.#mode === "read") return;',
      times: 1,
    }),
  ],
};
