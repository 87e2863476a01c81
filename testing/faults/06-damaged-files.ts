import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { setAsideFolder } from "../../agent/journal/set-aside.ts";
import { damagedStation, holdCards, toldLost, witnessed } from "./damaged-station.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import { builtProgram, type Mutation } from "./mutated-program.ts";
import { notInTime, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { readStoredJournal } from "./stored-journal.ts";

const rowsInFile = 10;
const rowsInLog = 8;
const pageBytes = 4_096;
const frameBytes = 24 + pageBytes;
const walHeaderBytes = 32;
const recoverWithinMs = 60_000;

interface Damage {
  readonly name: string;
  /** What the agent says of it. */
  readonly told: RegExp;
  /** Rows that nobody can read any more; the others must all arrive. */
  readonly mostLost: number;
  /** What is kept beside. */
  readonly isKept: boolean;
  /** The log is folded in before: the damage is the database's own. */
  readonly isEnded: boolean;
  readonly strike: (journal: string) => void;
}

function flip(file: string, at: number): void {
  const descriptor = openSync(file, "r+");
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, at);
  writeSync(descriptor, Buffer.from([(byte[0] ?? 0) ^ 0x10]), 0, 1, at);
  closeSync(descriptor);
}

function overwrite(file: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(file);
  change(bytes);
  writeFileSync(file, bytes);
}

const framesIn = (journal: string): number =>
  Math.floor((statSync(`${journal}-wal`).size - walHeaderBytes) / frameBytes);

const damages: readonly Damage[] = [
  {
    name: "a bit in the middle of the log",
    told: /journal\.log-damaged/,
    mostLost: 0,
    isKept: true,
    isEnded: false,
    strike: (journal) =>
      flip(`${journal}-wal`, walHeaderBytes + Math.floor(framesIn(journal) / 3) * frameBytes + 24 + 900),
  },
  {
    name: "a bit in a header of the log",
    told: /journal\.log-damaged/,
    mostLost: 0,
    isKept: true,
    isEnded: false,
    strike: (journal) => flip(`${journal}-wal`, walHeaderBytes + Math.floor(framesIn(journal) / 4) * frameBytes + 17),
  },
  {
    name: "the log cut short",
    told: /journal\.rolled-back/,
    mostLost: rowsInLog,
    isKept: false,
    isEnded: false,
    strike: (journal) => truncateSync(`${journal}-wal`, walHeaderBytes + 4 * frameBytes + 500),
  },
  {
    name: "the log missing",
    told: /journal\.rolled-back/,
    mostLost: rowsInLog,
    isKept: false,
    isEnded: false,
    strike: (journal) => rmSync(`${journal}-wal`),
  },
  {
    name: "the database's header",
    told: /journal\.set-aside/,
    mostLost: 0,
    isKept: true,
    isEnded: true,
    strike: (journal) => overwrite(journal, (bytes) => void bytes.fill(0x20, 0, 100)),
  },
  {
    name: "the root of the rows",
    told: /journal\.set-aside/,
    mostLost: 0,
    isKept: true,
    isEnded: true,
    strike: (journal) => overwrite(journal, (bytes) => void bytes.writeUInt8(0x77, pageBytes)),
  },
  {
    name: "the database cut to half",
    told: /journal\.set-aside/,
    mostLost: rowsInFile + rowsInLog,
    isKept: true,
    isEnded: true,
    strike: (journal) => truncateSync(journal, Math.floor(statSync(journal).size / pageBytes / 2) * pageBytes + 1_000),
  },
  {
    name: "a bit in a row",
    told: /journal\.damaged-rows/,
    mostLost: 1,
    isKept: false,
    isEnded: true,
    strike: (journal) => {
      const bytes = readFileSync(journal);
      // In the middle of a row: behind the name of its reader stands its sealed part.
      flip(journal, bytes.indexOf("page:typed") + 200);
    },
  },
];

async function strike(damage: Damage, program: string, patienceMs: number): Promise<FaultOutcome> {
  await using made = await damagedStation(program);
  const { station, oracle, centre } = made;
  await centre.down();
  let agent = await station.start();
  await holdCards(agent, oracle, rowsInFile);
  await agent.stop();
  agent = await station.start();
  await holdCards(agent, oracle, rowsInLog);
  await witnessed(station.dataDir, rowsInFile + rowsInLog);
  if (damage.isEnded) await agent.stop();
  else await agent.kill();
  damage.strike(path.join(station.dataDir, "journal.db"));
  rmSync(path.join(station.dataDir, "journal.db-shm"), { force: true });

  await centre.up();
  const before = [...oracle.acceptedIds];
  const saidBefore = station.log().length;
  agent = await station.start();
  let fresh: string | null = null;
  const late = await notInTime(
    `a fresh scan reaches the centre after damage to ${damage.name}`,
    async () => {
      fresh ??= (await agent.scan(oracle.issue()))?.entryId ?? null;
      return fresh !== null && centre.stored.has(fresh);
    },
    patienceMs,
  );
  const isTold = await notInTime(
    `it is told that ${damage.name} is damaged`,
    () => damage.told.test(station.log().slice(saidBefore)),
    patienceMs,
  );
  const missing = (): string[] => before.filter((id) => !centre.stored.has(id));
  const lost = await notInTime(
    `all but ${damage.mostLost} rows reach the centre after damage to ${damage.name}`,
    () => missing().length <= damage.mostLost,
    patienceMs,
  );
  await agent.stop();
  const journal = readStoredJournal(station.dataDir);
  const quarantined = damage.name === "a bit in a row" ? 1 : 0;
  const untold = missing().length - toldLost(station.dataDir) - quarantined;
  const numbers = journal.entries.map(({ seq }) => seq);
  return {
    counts: { damages: 1, rows: before.length, arrived: before.length - missing().length },
    judged: together(
      // What is gone is judged below: here only that nothing is invented.
      { I2: oracle.judge({ centre, journal }).I2 ?? [] },
      {
        I1: [
          ...lost,
          ...(untold > 0 ? [`${untold} rows are gone after damage to ${damage.name}, and nobody said so`] : []),
        ],
        I6: late,
        I9: [
          ...isTold,
          ...(quarantined === 0 ? journal.faults : []),
          ...(new Set(numbers).size === numbers.length ? [] : ["a number was given twice"]),
          ...(damage.isKept && !existsSync(path.join(station.dataDir, setAsideFolder))
            ? [`nothing was kept of ${damage.name}`]
            : []),
          ...(damage.isKept && keptFiles(station.dataDir) === 0 ? [`no file was kept of ${damage.name}`] : []),
        ],
      },
    ),
  };
}

function keptFiles(dataDir: string): number {
  const folder = path.join(dataDir, setAsideFolder);
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true }).filter((name) => /journal\.db/.test(String(name))).length
    : 0;
}

const chosen = (effort: Effort): readonly Damage[] =>
  effort === "full" ? damages : damages.filter(({ name }) => /middle|missing|header$/.test(name));

function control(name: string, struck: string, breaks: Control["breaks"], mutation: Mutation) {
  return {
    without: name,
    breaks,
    mutations: [mutation],
    run: async (program: string) => {
      const damage = damages.find((each) => each.name === struck);
      if (damage === undefined) throw new Error(`There is no damage "${struck}".`);
      return await strike(damage, program, 5_000);
    },
  };
}

export const fault: Fault = {
  number: 6,
  name: "damaged, cut and missing files",
  everyCommit: false,
  run: async (effort) => {
    const outcomes: FaultOutcome[] = [];
    for (const damage of chosen(effort)) outcomes.push(await strike(damage, builtProgram, recoverWithinMs));
    return allOf(...outcomes);
  },
  controls: [
    control("looking behind the broken place of the log", "a bit in the middle of the log", ["I1"], {
      text: "this.#takeFromLog(store);",
      by: "",
      times: 1,
    }),
    control("a witness of the numbers", "the log missing", ["I1", "I9"], {
      text: "if (store.lastSeq < known) this.#goOnAbove(store, known);",
      by: "if (false) this.#goOnAbove(store, known);",
      times: 1,
    }),
    control("carrying rows over", "the database's header", ["I1"], {
      text: "if (this.#carryOn()) return true;",
      by: "",
      times: 1,
    }),
  ],
};
