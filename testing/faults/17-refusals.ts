import type { ProblemName } from "../../contract/problem.ts";
import type { Effort, Fault, FaultOutcome } from "./fault.ts";
import { together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { ScriptedLine } from "./scripted-line.ts";

/** Refusals of the content: a batch is halved, a single row steps aside. */
const ofContent: Record<number, ProblemName> = { 400: "malformed", 413: "too_large", 422: "validation" };
/** Refusals of the version, the address or the moment: every row is held. */
const ofVersion: Record<number, ProblemName> = {
  404: "not_found",
  410: "cursor_expired",
  415: "malformed",
  426: "malformed",
};

const pairs = (names: Record<number, ProblemName>): [number, ProblemName][] =>
  Object.entries(names).map(([status, name]) => [Number(status), name]);

/** Most requests that find one bad row of 200. */
const mostRequests = 17;
const rows = 200;
const poisonAt: Record<Effort, readonly number[]> = { fast: [136], full: [0, 1, 99, 100, 136, 198, 199] };
const beforeGivenUpMs = 30_000;

/** Everything the centre refuses as a whole, for one row and for several. */
async function eachStatus(program?: string): Promise<FaultOutcome> {
  await using line = await ScriptedLine.start({ program });
  const wrong: string[] = [];
  let refusals = 0;
  for (const [status, name] of pairs(ofContent)) {
    for (const count of [1, 3]) {
      const ids = await line.collect(count);
      const { batches, late } = await line.sendUnder((_, answer) => answer.problem(status, name));
      refusals += batches.length;
      const states = line.states();
      const lost = ids.filter((id) => states.get(id) !== "quarantined");
      wrong.push(...late, ...lost.map((id) => `after ${status} ${id} is ${states.get(id) ?? "gone"}`));
    }
  }
  for (const [status, name] of pairs(ofVersion)) {
    for (const count of [1, 3]) {
      const ids = await line.collect(count);
      const from = line.centre.batches.length;
      line.centre.script = (_, answer) => answer.problem(status, name);
      await line.signIn();
      await line.requests(from + 1);
      await line.isTold("call the technician");
      const states = line.states();
      wrong.push(...ids.filter((id) => states.get(id) !== "unsent").map((id) => `${status} moved ${id}`));
      const { late } = await line.sendUnder((_, answer) => answer.storeAll());
      refusals += line.centre.batches.length - from - 1;
      wrong.push(...late);
    }
  }
  // A centre that still works on the same batch: it comes again by itself.
  await line.collect(3);
  const from = line.centre.batches.length;
  const { late } = await line.sendUnder((_, answer) => {
    if (line.centre.batches.length > from + 1) return answer.storeAll();
    refusals++;
    answer.problem(409, "in_progress", { "Retry-After": "1" });
  });
  const recovers = await line.recovers();
  return {
    counts: { refusals, accepted: line.oracle.acceptedCount },
    judged: together(line.oracle.judge({ journal: line.station.journal(), centre: line.centre }), {
      I1: [...wrong, ...line.lost()],
      I6: [...late, ...recovers],
    }),
  };
}

/** One row of 200 makes the centre refuse every batch that holds it. */
async function onePoison(
  status: number,
  position: number,
  program?: string,
  withinMs = beforeGivenUpMs,
): Promise<FaultOutcome> {
  await using line = await ScriptedLine.start({ program });
  const ids = await line.collect(rows);
  const poison = ids[position] ?? "";
  const { batches, late } = await line.sendUnder(({ entries }, answer) => {
    if (entries.some(({ id }) => id === poison)) answer.problem(status, ofContent[status] ?? "malformed");
    else answer.storeAll();
  }, withinMs);
  const states = line.states();
  const blocked = ids.filter((id) => id !== poison && !line.centre.stored.has(id));
  const journal = line.station.journal();
  return {
    counts: {
      refusals: batches.filter(({ entries }) => entries.some(({ id }) => id === poison)).length,
      "poison rows": 1,
    },
    judged: together(line.oracle.judge({ journal, centre: line.centre }), {
      I1: [
        ...line.lost(),
        ...(states.get(poison) === "quarantined" ? [] : [`the bad row is ${states.get(poison) ?? "gone"}`]),
      ],
      I5: [
        ...late,
        ...blocked.map((id) => `${id} was kept back by the bad row`),
        ...(batches.length > mostRequests ? [`finding 1 of ${rows} took ${batches.length} requests`] : []),
      ],
    }),
  };
}

async function refusals(effort: Effort, program?: string): Promise<FaultOutcome> {
  const outcomes = [await eachStatus(program)];
  const statuses = effort === "full" ? Object.keys(ofContent) : ["422"];
  for (const status of statuses) {
    for (const position of poisonAt[effort]) outcomes.push(await onePoison(Number(status), position, program));
  }
  return allOf(...outcomes);
}

export const fault: Fault = {
  number: 17,
  name: "refusals, batch and single",
  everyCommit: true,
  run: (effort) => refusals(effort),
  controls: [
    {
      without: "quarantine, a refused row is deleted",
      breaks: ["I1"],
      mutations: [
        {
          text: "UPDATE entry SET state = 2, state_at = ?, last_code = ?, attempts = attempts + 1 WHERE",
          by: "DELETE FROM entry WHERE ? <> ? AND",
          times: 1,
        },
      ],
      run: (program) => onePoison(422, 136, program),
    },
    {
      without: "halving",
      breaks: ["I5"],
      mutations: [{ text: "next: { suspects: size },", by: "next: { suspects: null },", times: 1 }],
      run: (program) => onePoison(422, 136, program, 3_000),
    },
  ],
};
