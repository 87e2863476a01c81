import { randomUUID } from "node:crypto";
import type { WireEntry } from "../../contract/entries.ts";
import type { Answer } from "../fake-centre.ts";
import type { Effort, Fault, FaultOutcome } from "./fault.ts";
import { together } from "./oracle.ts";
import { ScriptedLine } from "./scripted-line.ts";

interface Item {
  readonly id: string;
  readonly status: string;
  readonly [more: string]: unknown;
}

/** One way to answer a batch only partly. `unsentId` is a row of the station that is not in the batch. */
interface Partial {
  readonly name: string;
  readonly results: (entries: readonly WireEntry[], unsentId: string) => readonly Item[];
  readonly status?: number;
  /** What becomes of the reply's text on its way. */
  readonly mangle?: (text: string) => string;
}

const is =
  (status: string) =>
  (entry: WireEntry): Item => ({ id: entry.id, status });
const stored = is("stored");
const odd = (_: unknown, index: number): boolean => index % 2 === 1;

const missing: Partial = { name: "ids missing", results: (entries) => entries.filter(odd).map(stored) };
const extra: Partial = {
  name: "ids nobody sent",
  results: (entries, unsentId) => [
    { id: randomUUID(), status: "stored" },
    { id: unsentId, status: "stored" },
    { id: "__proto__", status: "stored" },
    ...entries.filter(odd).map(stored),
  ],
};
const reordered: Partial = {
  name: "reordered",
  results: (entries) =>
    entries.toReversed().map((entry, index) => (index % 2 === 0 ? is("retry")(entry) : stored(entry))),
};
const repeated: Partial = {
  name: "ids repeated",
  results: (entries) => entries.filter(odd).flatMap((entry) => [stored(entry), stored(entry), is("rejected")(entry)]),
};
const unknown: Partial = {
  name: "unknown status",
  results: (entries) => entries.map((entry, index) => (odd(entry, index) ? stored(entry) : is("perhaps")(entry))),
};
const cutShort: Partial = {
  name: "list cut short",
  results: (entries) => entries.slice(0, 2).map(stored),
  status: 207,
};
const none: Partial = { name: "empty list", results: () => [] };
const halfJson: Partial = {
  name: "half a text",
  results: (entries) => entries.map(stored),
  mangle: (text) => text.slice(0, -20),
};
/** All of them in one reply. */
const everything: Partial = {
  name: "everything at once",
  results: (entries, unsentId) =>
    [extra, unknown, repeated]
      .flatMap(({ results }) => results(entries.slice(2), unsentId))
      .toReversed()
      .filter(({ status }) => status !== "rejected"),
};

const partials: Record<Effort, readonly Partial[]> = {
  fast: [everything, cutShort, halfJson],
  full: [missing, extra, reordered, repeated, unknown, cutShort, none, halfJson, everything],
};
const rows = 8;

/** Answers one batch in this way; what the reply did not name, and nothing else, must come again. */
async function answeredPartly(line: ScriptedLine, partial: Partial): Promise<string[]> {
  const ids = await line.collect(rows);
  let listed = new Set<string>();
  let scannedMeanwhile = "";
  const from = line.centre.batches.length;
  const answerFirst = async (entries: readonly WireEntry[], answer: Answer): Promise<void> => {
    scannedMeanwhile = await line.scan();
    const results = partial.results(entries, scannedMeanwhile);
    const mangled = partial.mangle !== undefined;
    listed = new Set(results.filter(({ status }) => status === "stored" && !mangled).map(({ id }) => id));
    for (const entry of entries) if (listed.has(entry.id)) answer.store(entry);
    const text = JSON.stringify({ batch_id: randomUUID(), results, high_water: { seq: 1 } });
    answer.text(partial.status ?? 200, partial.mangle?.(text) ?? text);
  };
  const { batches, late } = await line.sendUnder(({ entries }, answer) => {
    if (line.centre.batches.length > from + 1) answer.storeAll();
    else void answerFirst(entries, answer);
  });
  const again = new Set(batches.slice(1).flatMap(({ entries }) => entries.map(({ id }) => id)));
  const said = (what: string) => `${partial.name}: ${what}`;
  return [
    ...late,
    ...ids.filter((id) => listed.has(id) && again.has(id)).map((id) => said(`${id} was named and sent again`)),
    ...[...ids, scannedMeanwhile]
      .filter((id) => !again.has(id) && !(ids.includes(id) && listed.has(id)))
      .map((id) => said(`${id} was not named and never sent again`)),
    ...[...line.states()].filter(([, state]) => state === "quarantined").map(([id]) => said(`${id} was put aside`)),
  ];
}

async function partialAcceptance(effort: Effort, program?: string): Promise<FaultOutcome> {
  await using line = await ScriptedLine.start({ program });
  const wrong: string[] = [];
  for (const partial of partials[effort]) wrong.push(...(await answeredPartly(line, partial)));
  const recovers = await line.recovers();
  return {
    counts: { "partial answers": partials[effort].length, accepted: line.oracle.acceptedCount },
    judged: together(line.oracle.judge({ journal: line.station.journal(), centre: line.centre, healed: true }), {
      I1: wrong,
      I6: recovers,
    }),
  };
}

export const fault: Fault = {
  number: 18,
  name: "partial acceptance",
  everyCommit: true,
  run: (effort) => partialAcceptance(effort),
  controls: [
    {
      without: "acknowledgement by name, a good status takes the whole batch out",
      breaks: ["I1"],
      mutations: [
        {
          text: "const answer = answers.get(id);",
          by: 'const answer = answers.get(id) ?? { id, status: "stored" };',
          times: 1,
        },
      ],
      run: (program) => partialAcceptance("fast", program),
    },
    {
      without: "regard to what was sent, every id in the answer is acknowledged",
      breaks: ["I1"],
      mutations: [
        {
          text: "for (const id of sent) {\n\t\tconst answer",
          by: "for (const id of answers.keys()) {\n\t\tconst answer",
          times: 1,
        },
      ],
      run: (program) => partialAcceptance("fast", program),
    },
  ],
};
