import { Rig } from "../central-rig.ts";
import { startFakeCentre } from "../fake-centre.ts";
import { until } from "../until.ts";
import type { Effort, Fault, FaultOutcome } from "./fault.ts";
import { builtProgram } from "./mutated-program.ts";
import { Oracle, together } from "./oracle.ts";
import { inHandDeviceId, OutboxInHand } from "./outbox-in-hand.ts";
import { allOf } from "./outcomes.ts";
import { answerSignIn } from "./signed-in.ts";
import { StationUnderTest } from "./station-under-test.ts";
import type { StoredJournal } from "./stored-journal.ts";
import { TcpProxy } from "./tcp-proxy.ts";

/** Bytes of the reply between one cut and the next. */
const everyBytes: Record<Effort, { scripted: number; central: number }> = {
  fast: { scripted: 3, central: 37 },
  full: { scripted: 1, central: 1 },
};
/** Bytes of the reply after which a whole agent's connections are cut. */
const agentCuts: Record<Effort, readonly number[]> = {
  fast: [0, 150, 320],
  full: Array.from({ length: 25 }, (_, index) => index * 15),
};
const recoverWithinMs = 60_000;

/** Rows the centre answered a second time: it had stored them before their first answer was cut. */
const answeredTwice = ({ entries }: StoredJournal): number =>
  entries.filter(({ state }) => state === "duplicate").length;

/** Cuts the reply to one new row after 0 bytes, then after `step` more, until a whole reply passes uncut. */
async function sweep(proxy: TcpProxy, parts: OutboxInHand, step: number): Promise<number> {
  let swept = 0;
  for (let afterBytes = 0; ; afterBytes += step) {
    const cutsBefore = proxy.counts.cuts;
    proxy.next({ cut: { afterBytes, by: afterBytes % 2 === 0 ? "fin" : "rst" } });
    await parts.record();
    await parts.drained();
    if (proxy.counts.cuts === cutsBefore) return swept;
    swept++;
  }
}

async function againstScript(effort: Effort): Promise<FaultOutcome> {
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  await using proxy = await TcpProxy.before(centre.url);
  await using parts = await OutboxInHand.start({ oracle, central: proxy.url });
  const swept = await sweep(proxy, parts, everyBytes[effort].scripted);
  const journal = parts.journal();
  return {
    counts: { cuts: swept, "answered twice": answeredTwice(journal) },
    judged: together(oracle.judge({ journal, centre, healed: true }), { I2: tooFew(swept, journal) }),
  };
}

/** A cut of the last bytes may leave the answer whole; every other cut row must have been answered `duplicate`. */
function tooFew(cuts: number, journal: StoredJournal): string[] {
  const twice = answeredTwice(journal);
  return twice >= cuts - 1 ? [] : [`only ${twice} of ${cuts} cut rows were answered as stored before`];
}

async function againstCentral(effort: Effort): Promise<FaultOutcome> {
  const oracle = new Oracle();
  await using rig = await Rig.start({ clock: { now: () => Date.now() } });
  const { owner, checkpointId } = await rig.checkpoint();
  const { tokens } = await rig.staff(owner, checkpointId, "0900000002");
  await rig.enrolled({ id: inHandDeviceId, checkpointId }, await rig.key);
  await using proxy = await TcpProxy.before(rig.url);
  await using parts = await OutboxInHand.start({
    oracle,
    central: proxy.url,
    checkpointId,
    accessToken: tokens.access_token,
    key: await rig.key,
  });
  const swept = await sweep(proxy, parts, everyBytes[effort].central);
  const journal = parts.journal();
  const held = await listedIds(rig, checkpointId, owner.access_token);
  const rows = new Set(held);
  return {
    counts: { cuts: swept, "answered twice": answeredTwice(journal) },
    judged: together(oracle.judge({ journal }), {
      I1: [...oracle.acceptedIds].filter((id) => !rows.has(id)).map((id) => `${id} is not at the central service`),
      I2: [
        ...held.filter((id, index) => held.indexOf(id) !== index).map((id) => `${id} stands there twice`),
        ...held.filter((id) => !oracle.acceptedIds.has(id)).map((id) => `${id} was never issued`),
        ...journal.entries.filter(({ state }) => state === "quarantined").map(({ id }) => `${id} was refused`),
        ...tooFew(swept, journal),
      ],
    }),
  };
}

/** Every row of a place, page by page. */
async function listedIds(rig: Rig, checkpointId: string, token: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor = ""; ; ) {
    const query = new URLSearchParams({ after: cursor, limit: "100" });
    const page = await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries?${query}`, { token });
    if (page.status !== 200) throw new Error(`No list: ${page.text}`);
    const items = page.body.items as { entry_id: string }[];
    if (items.length === 0) return ids;
    ids.push(...items.map((item) => item.entry_id));
    cursor = page.body.cursor as string;
  }
}

async function wholeAgent(effort: Effort, program = builtProgram): Promise<FaultOutcome> {
  const oracle = new Oracle();
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  await using proxy = await TcpProxy.before(centre.url);
  await using station = new StationUnderTest({ oracle, program, central: proxy.url });
  const agent = await station.start();
  const late: string[] = [];
  for (const afterBytes of agentCuts[effort]) {
    proxy.next({ cut: { afterBytes, by: afterBytes % 2 === 0 ? "rst" : "fin" } });
    const outcome = await agent.scan(oracle.issue());
    const id = outcome?.entryId ?? "";
    await until(`${id} is acknowledged`, () => isAnswered(station, id), recoverWithinMs).catch((error: Error) =>
      late.push(error.message),
    );
    if (late.length > 0) break;
  }
  await agent.stop();
  return {
    counts: { cuts: proxy.counts.cuts, "answered twice": answeredTwice(station.journal()) },
    judged: together(oracle.judge({ journal: station.journal(), centre, healed: true }), { I6: late }),
  };
}

function isAnswered(station: StationUnderTest, id: string): boolean {
  const state = station.journal().entries.find((entry) => entry.id === id)?.state;
  return state === "stored" || state === "duplicate";
}

export const fault: Fault = {
  number: 14,
  name: "connection cut after the commit",
  everyCommit: true,
  run: async (effort) => allOf(await againstScript(effort), await againstCentral(effort), await wholeAgent(effort)),
  controls: [
    {
      without: "the id that stays the same on every retry",
      breaks: ["I2"],
      mutations: [
        { text: "id: entry.id,\n\t\tseq: entry.seq,", by: "id: randomUUID(),\n\t\tseq: entry.seq,", times: 1 },
        {
          text: "const answer = answers.get(id);",
          by: "const answer = response.results[sent.indexOf(id)];",
          times: 1,
        },
      ],
      run: (program) => wholeAgent("fast", program),
    },
  ],
};
