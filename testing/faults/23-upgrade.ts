import { cpSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { backupFile } from "../../agent/journal/set-aside.ts";
import { type FakeCentre, startFakeCentre } from "../fake-centre.ts";
import { temporaryFolder } from "../folder.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import { LoopImage, requireRoot } from "./loop-image.ts";
import { builtProgram, type MutatedProgram, type Mutation, mutateProgram } from "./mutated-program.ts";
import { notInTime, Oracle, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { answerSignIn } from "./signed-in.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";
import { readStoredJournal } from "./stored-journal.ts";

// The build under test is "this" version; the next one is this build with one more migration, which only adds. It can be
// taken back. The one after that changes what this version could not read.

const lastMigration = "\t\treadableFrom: 3\n\t}\n];";
const oneMore = (readableFrom: number): Mutation => ({
  text: lastMigration,
  by: `\t\treadableFrom: 3\n\t},\n\t{ sql: "ALTER TABLE entry ADD COLUMN badge TEXT; CREATE INDEX entry_badge ON entry (badge) WHERE badge IS NOT NULL; CREATE TABLE gate_note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT", readableFrom: ${readableFrom} }\n];`,
  times: 1,
});

/** The versions a control may take something out of, all in the same way. */
interface Versions extends Disposable {
  readonly current: string;
  readonly next: string;
  readonly breaking: string;
}

function versions(...mutations: readonly Mutation[]): Versions {
  using made = new DisposableStack();
  const program = (...more: readonly Mutation[]): string => made.use<MutatedProgram>(mutateProgram(...more)).program;
  const current = mutations.length === 0 ? builtProgram : program(...mutations);
  const next = program(oneMore(3), ...mutations);
  const breaking = program(oneMore(4), ...mutations);
  const kept = made.move();
  return { current, next, breaking, [Symbol.dispose]: () => kept.dispose() };
}

/** Enough to open the journal, too little for a copy of it. */
const roomWithoutCopy = 256 << 10;

const backlog = { fast: 40, full: 1_000 } as const;

/** Starts one version over a folder, lets it do something, and ends it in order. */
async function during(
  program: string,
  dataDir: string,
  oracle: Oracle,
  work: (agent: AgentUnderTest) => Promise<void>,
  central?: string,
): Promise<void> {
  await using station = new StationUnderTest({ oracle, program, dataDir, ...(central ? { central } : {}) });
  const agent = await station.start();
  await work(agent);
  await agent.stop();
  station.hearAll();
}

async function scans(agent: AgentUnderTest, oracle: Oracle, count: number): Promise<number> {
  let accepted = 0;
  for (let card = 0; card < count; card++) {
    if ((await agent.scan(oracle.issue()))?.verdict === "accept") accepted++;
  }
  return accepted;
}

const schemaOf = (file: string): number => {
  const database = new Database(file, { readonly: true });
  try {
    return Number(database.pragma("user_version", { simple: true }));
  } finally {
    database.close();
  }
};

/** Up, down and up again over a full outbox; at the end everything is sent, by the older version. */
async function upAndDown(effort: Effort, { current, next }: Versions): Promise<FaultOutcome> {
  const oracle = new Oracle();
  using folder = temporaryFolder();
  const dataDir = path.join(folder.path, "data");
  const journal = path.join(dataDir, "journal.db");
  const wrong: string[] = [];
  const copies: string[] = [];
  const takes = (version: string) => async (agent: AgentUnderTest) => {
    if ((await scans(agent, oracle, 3)) < 3) wrong.push(`${version} did not accept a fresh scan`);
  };
  await during(current, dataDir, oracle, async (agent) => void (await scans(agent, oracle, backlog[effort])));
  const before = readStoredJournal(dataDir).entries.length;
  await during(next, dataDir, oracle, takes("the next version"));
  if (schemaOf(journal) !== 4) wrong.push("the next version did not migrate");
  const copy = path.join(dataDir, backupFile);
  if (!existsSync(copy) || schemaOf(copy) !== 3) copies.push("no copy of the journal was made before it was migrated");
  else {
    const database = new Database(copy, { readonly: true });
    const rows = Number(database.prepare("SELECT count(*) FROM entry").pluck().get());
    database.close();
    if (rows !== before) copies.push(`the copy before the migration holds ${rows} of ${before} rows`);
  }
  const judgedUp = oracle.judge({ journal: readStoredJournal(dataDir) });
  let judgedDown: FaultOutcome["judged"] = {};
  try {
    await during(current, dataDir, oracle, takes("this version, after the next one,"));
    judgedDown = oracle.judge({ journal: readStoredJournal(dataDir) });
  } catch (error) {
    wrong.push(`the version could not be taken back: ${String(error).slice(0, 300)}`);
  }
  await during(next, dataDir, oracle, takes("the next version, again,"));
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  try {
    await during(current, dataDir, oracle, (agent) => sent(agent, oracle, centre, wrong), centre.url);
  } catch (error) {
    wrong.push(`the version could not be taken back: ${String(error).slice(0, 300)}`);
  }
  const healed = oracle.judge({ journal: readStoredJournal(dataDir), centre, healed: true });
  return {
    counts: { "changes of version": 4, scans: oracle.issuedCount, accepted: oracle.acceptedCount },
    judged: together(judgedUp, judgedDown, healed, { I1: copies, I6: wrong }),
  };
}

async function sent(_agent: AgentUnderTest, oracle: Oracle, centre: FakeCentre, wrong: string[]): Promise<void> {
  wrong.push(...(await notInTime("everything is sent", () => centre.stored.size >= oracle.acceptedCount)));
}

/** The next version dies before each step of its migration; then this version and the next one run over what is left. */
async function crashes(effort: Effort, { current, next }: Versions): Promise<FaultOutcome> {
  const preload = fileURLToPath(new URL("kill-in-migration.mjs", import.meta.url));
  using folder = temporaryFolder();
  const original = path.join(folder.path, "data");
  const oracle = new Oracle();
  await during(current, original, oracle, async (agent) => void (await scans(agent, oracle, backlog.fast)));
  const judged: FaultOutcome["judged"][] = [];
  const died: string[] = [];
  for (let step = 1; ; step += effort === "full" ? 1 : 3) {
    const dataDir = path.join(folder.path, `step-${step}`);
    cpSync(original, dataDir, { recursive: true });
    const told = path.join(folder.path, `told-${step}`);
    const here = oracle.snapshot();
    await using station = new StationUnderTest({ oracle: here, program: next, dataDir });
    const agent = station.launch({ NODE_OPTIONS: `--import=${preload}`, KILL_AT: String(step), KILL_TOLD: told });
    const isReady = await agent.ready();
    await agent.kill();
    if (isReady && !existsSync(told)) break;
    died.push(readFileSync(told, "utf8"));
    judged.push(here.judge({ journal: readStoredJournal(dataDir) }));
    for (const [name, program] of Object.entries({ current, next })) {
      try {
        await during(program, dataDir, here, async (again) => {
          if ((await scans(again, here, 1)) === 1) return;
          judged.push({ I6: [`after a crash before "${died.at(-1)}" the ${name} version accepted no scan`] });
        });
      } catch (error) {
        judged.push({
          I6: [`after a crash before "${died.at(-1)}" the ${name} version: ${String(error).slice(0, 300)}`],
        });
      }
    }
    judged.push(here.judge({ journal: readStoredJournal(dataDir) }));
    rmSync(dataDir, { recursive: true, force: true });
  }
  return { counts: { crashes: died.length }, judged: together(...judged) };
}

/** A version this one cannot follow is not taken back by accident; a second agent over the folder ends with one sentence. */
async function refusals({ current, breaking }: Versions): Promise<FaultOutcome> {
  const oracle = new Oracle();
  using folder = temporaryFolder();
  const dataDir = path.join(folder.path, "data");
  const wrong: string[] = [];
  const refused = async (program: string, sentence: RegExp): Promise<void> => {
    await using station = new StationUnderTest({ oracle, program, dataDir });
    const agent = station.launch();
    if (await agent.ready()) {
      wrong.push(`an agent ran that should have said ${sentence}`);
      return await agent.stop();
    }
    await agent.ended;
    const said = station
      .log()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("{"));
    if (said.length !== 1 || !sentence.test(said[0] ?? "")) wrong.push(`it said ${JSON.stringify(said)}`);
  };
  await during(current, dataDir, oracle, async (agent) => {
    await scans(agent, oracle, 3);
    await refused(current, /^tram: .*already used by another running agent; stop that one/);
    if ((await scans(agent, oracle, 1)) < 1) wrong.push("the first of two agents accepts no scan");
  });
  await during(breaking, dataDir, oracle, async (agent) => void (await scans(agent, oracle, 3)));
  await refused(current, /^tram: .*written by a newer version.*update the program\.$/);
  const judged = oracle.judge({ journal: readStoredJournal(dataDir) });
  await during(breaking, dataDir, oracle, async (agent) => {
    if ((await scans(agent, oracle, 1)) < 1) wrong.push("the newer version does not go on");
  });
  return {
    counts: { "starts refused": 2 },
    judged: together(judged, oracle.judge({ journal: readStoredJournal(dataDir) }), { I8: wrong }),
  };
}

/** There is no room for the copy: the upgrade waits, this version goes on, and when there is room the upgrade is done. */
async function diskFull({ current, next }: Versions): Promise<FaultOutcome> {
  requireRoot();
  const oracle = new Oracle();
  using folder = temporaryFolder();
  await using image = await LoopImage.make(path.join(folder.path, "disk.img"), 320);
  await image.mount();
  const dataDir = path.join(image.folder, "data");
  const filler = path.join(image.folder, "filler");
  const wrong: string[] = [];
  // A journal of some 500 KB.
  await during(current, dataDir, oracle, async (agent) => void (await scans(agent, oracle, 300)));
  fill(filler);
  truncateSync(filler, statSync(filler).size - roomWithoutCopy);
  await during(current, dataDir, oracle, async (agent) => {
    const answer = await agent.scan(oracle.issue());
    if (answer === null) wrong.push("with no room this version did not answer a scan");
  });
  await using station = new StationUnderTest({ oracle, program: next, dataDir });
  const upgrading = await station.start();
  const answer = await upgrading.scan(oracle.issue());
  if (answer?.verdict !== "refuse") wrong.push(`with no room for the upgrade a scan was answered ${answer?.verdict}`);
  const failures = station.log().match(/The disk of [^"]* is full; free some space/g)?.length ?? 0;
  // Elsewhere: to read a journal takes room of its own.
  const asLeft = path.join(folder.path, "as-left");
  cpSync(dataDir, asLeft, { recursive: true });
  if (schemaOf(path.join(asLeft, "journal.db")) !== 3) wrong.push("the journal was migrated on a full disk");
  const judged = oracle.judge({ journal: readStoredJournal(asLeft) });
  rmSync(filler);
  const isAccepted = async (): Promise<boolean> => (await scans(upgrading, oracle, 1)) === 1;
  wrong.push(...(await notInTime("the next version records as soon as there is room", isAccepted)));
  await upgrading.stop();
  if (schemaOf(path.join(dataDir, "journal.db")) !== 4) wrong.push("with room again the journal was not migrated");
  await during(current, dataDir, oracle, async (agent) => {
    if ((await scans(agent, oracle, 1)) < 1) wrong.push("after the upgrade this version accepted no scan");
  });
  return {
    counts: { "upgrades on a full disk": failures },
    judged: together(judged, oracle.judge({ journal: readStoredJournal(dataDir) }), { I6: wrong }),
  };
}

/** Writes until not one more block is free. */
function fill(file: string): void {
  for (let bytes = 1 << 20; bytes >= 512; ) {
    try {
      writeFileSync(file, Buffer.alloc(bytes, 1), { flag: "a" });
    } catch {
      bytes >>= 1;
    }
  }
}

const control = (
  what: string,
  breaks: Control["breaks"],
  part: (effort: Effort, versions: Versions) => Promise<FaultOutcome>,
  ...mutations: readonly Mutation[]
): Control => ({
  without: what,
  breaks,
  mutations,
  run: async (_program, effort) => {
    using made = versions(...mutations);
    return await part(effort, made);
  },
});

export const fault: Fault = {
  number: 23,
  name: "upgrade, downgrade, crash in a migration, two instances",
  everyCommit: false,
  run: async (effort) => {
    using made = versions();
    return allOf(
      await crashes(effort, made),
      await upAndDown(effort, made),
      await refusals(made),
      await diskFull(made),
    );
  },
  controls: [
    control("the file's word from which schema on it is readable", ["I6"], (_effort, made) => upAndDown("fast", made), {
      text: "if (readableFrom > schemaVersion)",
      by: "if (version > schemaVersion)",
      times: 1,
    }),
    control(
      "refusing a schema it cannot follow, and the lock",
      ["I8"],
      (_effort, made) => refusals(made),
      {
        text: "if (readableFrom > schemaVersion)",
        by: "if (false)",
        times: 1,
      },
      { text: 'database.exec("BEGIN EXCLUSIVE");', by: "", times: 1 },
    ),
    control("a copy before the migration", ["I1"], (_effort, made) => upAndDown("fast", made), {
      text: 'if (from > 0 && database.prepare("SELECT 1 FROM entry LIMIT 1").get() !== void 0) copyBeside(database);',
      by: "",
      times: 1,
    }),
  ],
};
