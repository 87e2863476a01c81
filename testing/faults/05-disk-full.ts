import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { ballastFile } from "../../agent/journal/ballast.ts";
import { entries as schema1 } from "../../agent/journal/migrations/001-entries.ts";
import { sealBody } from "../../agent/journal/row.ts";
import { loadStationKeys } from "../../provisioning/secrets.ts";
import { draft } from "../drafts.ts";
import { startFakeCentre } from "../fake-centre.ts";
import type { Effort, Fault, FaultOutcome } from "./fault.ts";
import { builtProgram } from "./mutated-program.ts";
import { notInTime, Oracle, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { without } from "./protections.ts";
import { answerSignIn } from "./signed-in.ts";
import { Filler, inOwnMounts, mountSmallDisk } from "./small-disk.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";
import { readStoredJournal } from "./stored-journal.ts";

const diskMebibytes = 24;
const ballastMebibytes = 4;
const answerWithinMs = 2_000;
/** More scans than the room that a journal has left in its log. */
const mostScansUntilFull = 400;

type Part = "while recording" | "at start" | "in a migration";
const parts: readonly Part[] = ["while recording", "at start", "in a migration"];

interface Setting {
  readonly folder: string;
  readonly effort: Effort;
  readonly program: string;
  readonly recoverWithinMs: number;
}

/** A station on a small disk with its ballast, the something that fills the disk, and a centre that can be away. */
async function onSmallDisk(
  part: Part,
  { folder, effort, program, recoverWithinMs }: Setting,
  run: (parts: {
    readonly station: StationUnderTest;
    readonly filler: Filler;
    readonly oracle: Oracle;
    readonly centre: Awaited<ReturnType<typeof startFakeCentre>>;
  }) => Promise<FaultOutcome>,
): Promise<FaultOutcome> {
  const mounted = path.join(folder, part.replaceAll(" ", "-"));
  const { isVolatile } = mountSmallDisk(mounted, diskMebibytes, effort);
  const dataDir = path.join(mounted, "data");
  mkdirSync(dataDir, { mode: 0o700 });
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  await using station = new StationUnderTest({
    oracle,
    program,
    dataDir,
    central: centre.url,
    config: { demo: isVolatile, journal: { ballastMiB: ballastMebibytes } },
  });
  const outcome = await run({
    station,
    filler: new Filler(mounted),
    oracle,
    centre,
  });
  const late = await notInTime("everything accepted is sent", () => oracle.allStoredAt(centre), recoverWithinMs);
  station.hearAll();
  return {
    counts: outcome.counts,
    judged: together(outcome.judged, oracle.judge({ journal: readStoredJournal(dataDir), centre, healed: true }), {
      I6: late,
    }),
  };
}

/** Scans, each answered in time, until `enough`. */
async function hold(
  agent: AgentUnderTest,
  oracle: Oracle,
  most: number,
  enough: (verdict: string | undefined) => boolean,
): Promise<{ readonly late: string[]; readonly refused: number; readonly scans: number }> {
  const late: string[] = [];
  let refused = 0;
  let scans = 0;
  while (scans < most) {
    const card = oracle.issue();
    const fromMs = performance.now();
    const outcome = await agent.scan(card);
    scans++;
    const ms = Math.round(performance.now() - fromMs);
    if (outcome === null || ms > answerWithinMs) late.push(`card ${card.index} was answered after ${ms} ms`);
    if (outcome?.verdict === "refuse") refused++;
    if (enough(outcome?.verdict)) break;
  }
  return { late, refused, scans };
}

function ballastBytes(dataDir: string): number {
  return statSync(path.join(dataDir, ballastFile), { throwIfNoEntry: false })?.size ?? 0;
}

function leaveBallast(dataDir: string): void {
  writeFileSync(path.join(dataDir, ballastFile), randomBytes(ballastMebibytes << 20));
}

async function recovers(
  agent: AgentUnderTest,
  station: StationUnderTest,
  oracle: Oracle,
  withinMs: number,
): Promise<string[]> {
  return [
    ...(await notInTime(
      "a fresh scan is taken once there is room",
      async () => (await agent.scan(oracle.issue()))?.verdict === "accept",
      withinMs,
    )),
    ...(await notInTime(
      "the ballast is whole again",
      () => ballastBytes(station.dataDir) >= ballastMebibytes << 20,
      withinMs,
    )),
  ];
}

function unsentIn(dataDir: string): number {
  const database = new Database(path.join(dataDir, "journal.db"), { readonly: true });
  try {
    return Number(database.prepare("SELECT count(*) FROM entry WHERE state = 0").pluck().get());
  } finally {
    database.close();
  }
}

const runs: Record<Part, (setting: Setting) => Promise<FaultOutcome>> = {
  "while recording": (setting) =>
    onSmallDisk("while recording", setting, async ({ station, filler, oracle, centre }) => {
      leaveBallast(station.dataDir);
      await centre.down();
      const agent = await station.start();
      for (let card = 0; card < 3; card++) await agent.scan(oracle.issue());
      const taken = filler.fill();
      const full = await hold(agent, oracle, mostScansUntilFull, (verdict) => verdict === "refuse");
      const still = await hold(agent, oracle, 5, () => false);
      // What was given back lets the outbox go on: nothing has been freed by anybody else.
      await centre.up();
      const stuck = await notInTime(
        "what was recorded is sent and acknowledged while the disk is full",
        () => unsentIn(station.dataDir) === 0,
        setting.recoverWithinMs,
      );
      filler.free();
      const late = await recovers(agent, station, oracle, setting.recoverWithinMs);
      return {
        counts: {
          "MiB taken": taken >> 20,
          refused: full.refused + still.refused,
          scans: full.scans + still.scans + 4,
        },
        judged: { I4: [...full.late, ...still.late], I6: [...stuck, ...late] },
      };
    }),
  "at start": (setting) =>
    onSmallDisk("at start", setting, async ({ station, filler, oracle }) => {
      const before = await station.start();
      for (let card = 0; card < 3; card++) await before.scan(oracle.issue());
      await before.stop();
      leaveBallast(station.dataDir);
      const taken = filler.fill() >> 20;
      // The log and its index were folded in: to open the journal takes room.
      const agent = station.launch();
      if (!(await agent.ready())) {
        filler.free();
        return { counts: { "MiB taken": taken }, judged: { I6: ["the agent does not start while the disk is full"] } };
      }
      const full = await hold(agent, oracle, 5, () => false);
      filler.free();
      const late = await recovers(agent, station, oracle, setting.recoverWithinMs);
      return {
        counts: { "MiB taken": taken, refused: full.refused, scans: full.scans + 4 },
        judged: { I4: full.late, I6: late },
      };
    }),
  "in a migration": (setting) =>
    onSmallDisk("in a migration", setting, async ({ station, filler, oracle }) => {
      const left = leaveOldJournal(station.dataDir, oracle);
      const failed: string[] = [];
      // From no room at all to nearly enough: it ends in the middle of a statement somewhere.
      for (const spared of setting.effort === "fast"
        ? [0, 96 << 10]
        : [0, 16, 32, 48, 64, 96, 128, 192].map((kib) => kib << 10)) {
        filler.fill(spared);
        const agent = station.launch();
        if (await agent.ready()) {
          const { refused } = await hold(agent, oracle, 1, () => false);
          failed.push(...(refused === 1 ? [] : ["a scan was taken although the disk is full"]));
        }
        await agent.kill();
        filler.free();
      }
      const agent = await station.start();
      const late = await recovers(agent, station, oracle, setting.recoverWithinMs);
      const here = new Set(readStoredJournal(station.dataDir).entries.map(({ id }) => id));
      const lost = left.filter((id) => !here.has(id)).map((id) => `${id} of the old journal is gone`);
      return {
        counts: { "full starts": setting.effort === "fast" ? 2 : 8 },
        judged: { I1: lost, I6: [...late, ...failed] },
      };
    }),
};

/** A journal of the first schema with three unsent rows. */
function leaveOldJournal(dataDir: string, oracle: Oracle): string[] {
  const keys = loadStationKeys(path.join(dataDir, "station.key"), !existsSync(path.join(dataDir, "station.key")));
  const database = new Database(path.join(dataDir, "journal.db"));
  database.pragma("journal_mode = WAL");
  database.exec(schema1);
  database.pragma(`application_id = ${0x54725152}`);
  database.pragma("user_version = 1");
  const ids: string[] = [];
  for (let seq = 1; seq <= 3; seq++) {
    const { payload } = oracle.issue();
    const made = draft(seq);
    const id = `01900000-0000-7000-8000-00000000000${seq}`;
    const clear = {
      seq,
      id,
      schema: 1,
      boot_id: made.bootId,
      mono_ms: made.monoMs,
      wall_ms: made.wallMs,
      clock_state: made.clockState,
      checkpoint_id: made.checkpointId,
      staff_ref: made.staffRef,
      reader_id: made.readerId,
      reader_name: made.readerName,
      kind: made.kind,
      direction: made.direction,
      marks: "[]",
      person_tag: randomBytes(32),
    };
    const body = sealBody(
      keys.rows,
      { ...clear, data_key: null },
      { ...made.body, rawB64: Buffer.from(payload).toString("base64") },
    );
    const row = { ...clear, body, state_at: made.wallMs };
    const names = Object.keys(row);
    database
      .prepare(`INSERT INTO entry (${names.join(", ")}) VALUES (${names.map((name) => `@${name}`).join(", ")})`)
      .run(row);
    oracle.hear({ verdict: "accept", entryId: id });
    ids.push(id);
  }
  database.close();
  return ids;
}

export const fault: Fault = {
  number: 5,
  name: "disk full",
  everyCommit: true,
  run: async (effort) => {
    const outcomes: FaultOutcome[] = [];
    for (const part of parts) outcomes.push(await inOwnMounts(import.meta.filename, [effort, part]));
    return allOf(...outcomes);
  },
  controls: [
    {
      without: "heeding a commit that failed",
      breaks: ["I1", "I6"],
      mutations: without.failedCommit,
      run: (program, effort) => inOwnMounts(import.meta.filename, [effort, "while recording", program]),
    },
    {
      without: "giving the ballast back",
      breaks: ["I6"],
      mutations: [{ text: "\trelease() {\n", by: "\trelease() {\n\t\treturn;\n", times: 1 }],
      run: (program, effort) => inOwnMounts(import.meta.filename, [effort, "at start", program]),
    },
  ],
};

if (import.meta.main) {
  const [folder = "", effort, part, program] = process.argv.slice(2);
  const setting: Setting = {
    folder,
    effort: effort as Effort,
    program: program ?? builtProgram,
    recoverWithinMs: program === undefined ? 60_000 : 8_000,
  };
  const outcome = await runs[part as Part](setting);
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
