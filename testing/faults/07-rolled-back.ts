import { cpSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { temporaryFolder } from "../folder.ts";
import { damagedStation, holdCards, witnessed } from "./damaged-station.ts";
import type { Fault, FaultOutcome } from "./fault.ts";
import { builtProgram } from "./mutated-program.ts";
import { notInTime, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { readStoredJournal } from "./stored-journal.ts";

const rowsYesterday = 6;
const rowsToday = 5;
const recoverWithinMs = 60_000;

/** What of the folder was put back: with the witness only the centre knows better. */
const putBack = {
  "the journal": /^journal\.db/,
  "the journal and its witness": /^journal\.(db|witness)/,
} as const;

async function rollBack(what: keyof typeof putBack, program: string, patienceMs: number): Promise<FaultOutcome> {
  await using made = await damagedStation(program);
  const { station, oracle, centre } = made;
  using yesterday = temporaryFolder();
  const isMeant = (name: string): boolean => putBack[what].test(name);
  let agent = await station.start();
  await holdCards(agent, oracle, rowsYesterday);
  await agent.stop();
  for (const name of readdirSync(station.dataDir).filter(isMeant)) {
    cpSync(path.join(station.dataDir, name), path.join(yesterday.path, name));
  }
  agent = await station.start();
  await holdCards(agent, oracle, rowsToday);
  const sentBefore = await notInTime(
    "everything of today is at the centre",
    () => [...oracle.acceptedIds].every((id) => centre.stored.has(id)),
    recoverWithinMs,
  );
  if (sentBefore.length > 0) throw new Error(sentBefore[0]);
  await witnessed(station.dataDir, rowsYesterday + rowsToday);
  await agent.stop();
  for (const name of readdirSync(station.dataDir).filter(isMeant)) rmSync(path.join(station.dataDir, name));
  for (const name of readdirSync(yesterday.path)) {
    cpSync(path.join(yesterday.path, name), path.join(station.dataDir, name));
  }
  // The centre of the tests says its high water with an answer to a batch only: one scan before it is heard.
  agent = await station.start();
  const isAlarmed = (): boolean => station.log().includes("journal.rolled-back");
  const first = what === "the journal" ? [] : [(await agent.scan(oracle.issue()))?.entryId ?? ""];
  const alarm = await notInTime("it is told that the journal was rolled back", isAlarmed, patienceMs);
  await holdCards(agent, oracle, 3);
  const late = await notInTime(
    "everything accepted is at the centre",
    () => [...oracle.acceptedIds].every((id) => centre.stored.has(id)),
    patienceMs,
  );
  await agent.stop();
  const numbers = new Map<number, string>();
  const twice: string[] = [];
  for (const { id, seq } of centre.stored.values()) {
    if (first.includes(id)) continue;
    const other = numbers.get(seq);
    if (other !== undefined) twice.push(`number ${seq} was given to ${other} and to ${id}`);
    numbers.set(seq, id);
  }
  return {
    counts: { "rolled back": 1, rows: oracle.acceptedCount },
    judged: together(
      // Today's rows are gone from the journal: they are at the centre, and its numbers are accounted for.
      oracle.judge({ centre, healed: true }),
      { I6: late, I9: [...alarm, ...twice, ...readStoredJournal(station.dataDir).faults] },
    ),
  };
}

export const fault: Fault = {
  number: 7,
  name: "journal rolled back to yesterday",
  everyCommit: false,
  run: async () => {
    const outcomes: FaultOutcome[] = [];
    for (const what of Object.keys(putBack) as (keyof typeof putBack)[]) {
      outcomes.push(await rollBack(what, builtProgram, recoverWithinMs));
    }
    return allOf(...outcomes);
  },
  controls: [
    {
      without: "a witness of the numbers",
      breaks: ["I9"],
      mutations: [
        {
          text: "if (store.lastSeq < known) this.#goOnAbove(store, known);",
          by: "if (false) this.#goOnAbove(store, known);",
          times: 1,
        },
      ],
      run: (program) => rollBack("the journal", program, 5_000),
    },
    {
      without: "hearing the centre's high water",
      breaks: ["I9"],
      mutations: [{ text: "if (lost > 0) this.#goOnAbove(store, seq);", by: "", times: 1 }],
      run: (program) => rollBack("the journal and its witness", program, 5_000),
    },
  ],
};
