import { correctedTime } from "../../central/corrected-time.ts";
import { startFakeCentre } from "../fake-centre.ts";
import { FakeClock } from "./fake-clock.ts";
import type { Control, Fault, FaultOutcome } from "./fault.ts";
import { builtProgram, type Mutation } from "./mutated-program.ts";
import { notInTime, Oracle, together } from "./oracle.ts";
import { answerSignIn } from "./signed-in.ts";
import { StationUnderTest } from "./station-under-test.ts";

const dayMs = 86_400_000;
const firstDay = Date.UTC(1970, 0, 1, 0, 1);
const cardsEachTime = 5;
/** What the owner reads may be wrong by so much: the way to a busy centre and back. */
const timeRightWithinMs = 10_000;
/** After so long the centre is asked again about an entry that it put off. */
const putOffS = 2;

/** A time that the station's clock shows at once, while it runs or from its start on. */
interface Time {
  readonly name: string;
  readonly wallMs: () => number;
  /** The clock goes on like this after the first cards: a second twice, an hour back in local time. */
  readonly next?: number;
  /** The station starts anew, in this time zone. */
  readonly zone?: string;
}

const now = (): number => Date.now();

const withNetwork: readonly Time[] = [
  { name: "a day back", wallMs: () => now() - dayMs },
  { name: "ten years ahead", wallMs: () => now() + 3_653 * dayMs },
  { name: "1970", wallMs: () => firstDay },
  { name: "started in 1970", wallMs: () => firstDay, zone: "Asia/Ho_Chi_Minh" },
  { name: "right again", wallMs: now },
  {
    name: "summer time ends",
    wallMs: () => Date.parse("2026-11-01T05:59:59.900Z"),
    next: Date.parse("2026-11-01T06:00:00.000Z"),
    zone: "America/New_York",
  },
  {
    name: "summer time begins",
    wallMs: () => Date.parse("2027-03-14T06:59:59.900Z"),
    next: Date.parse("2027-03-14T07:00:00.000Z"),
    zone: "America/New_York",
  },
  {
    name: "a leap second",
    wallMs: () => Date.parse("2016-12-31T23:59:59.500Z"),
    next: Date.parse("2016-12-31T23:59:59.000Z"),
  },
];

const withoutNetwork: readonly Time[] = [
  { name: "started in 1970", wallMs: () => firstDay, zone: "UTC" },
  { name: "right again", wallMs: now },
  { name: "ten years ahead", wallMs: () => now() + 3_653 * dayMs },
  { name: "a day back", wallMs: () => now() - dayMs },
  { name: "started ten years ahead", wallMs: () => now() + 3_653 * dayMs, zone: "UTC" },
];

async function setTheClock(program = builtProgram, recoverWithinMs = 60_000): Promise<FaultOutcome> {
  const oracle = new Oracle();
  const heldAtMs = new Map<string, number>();
  const lateThen: string[] = [];
  const wrongTimes: string[] = [];
  const outOfOrder: string[] = [];
  let settings = 0;

  await using centre = await startFakeCentre();
  answerSignIn(centre);
  let endedToken: string | undefined;
  let lastToken: string | undefined;
  let highest = 0;
  const toPutOff = new Set<string>();
  const wasPutOff = new Set<string>();
  centre.script = ({ token, entries, sent, batchId }, answer) => {
    if (token === endedToken) return answer.problem(401, "invalid_token");
    lastToken = token;
    const results = entries.map((entry) => {
      if (!wasPutOff.has(entry.id) && toPutOff.has(entry.raw_b64)) {
        wasPutOff.add(entry.id);
        return { id: entry.id, status: "retry", retry_after_s: putOffS };
      }
      if (!wasPutOff.has(entry.id)) {
        if (entry.seq < highest) outOfOrder.push(`row ${entry.seq} was sent after ${highest}`);
        highest = Math.max(highest, entry.seq);
      }
      const atMs = heldAtMs.get(entry.raw_b64) ?? 0;
      const errorMs = correctedTime(entry, sent, Date.now()) - atMs;
      if (Math.abs(errorMs) > timeRightWithinMs) {
        wrongTimes.push(`row ${entry.seq} is dated ${Math.round(errorMs / 1000)} s from when it was`);
      }
      return answer.store(entry);
    });
    answer.json(200, { batch_id: batchId, results, high_water: { seq: highest } });
  };

  using clock = new FakeClock();
  await using station = new StationUnderTest({ oracle, program, central: centre.url, env: clock.env });
  let agent = await station.start();

  const hold = async (isPutOff: boolean): Promise<void> => {
    const card = oracle.issue();
    const rawB64 = Buffer.from(card.payload).toString("base64");
    if (isPutOff) toPutOff.add(rawB64);
    heldAtMs.set(rawB64, Date.now());
    const outcome = await agent.scan(card);
    if (outcome?.verdict !== "accept") lateThen.push(`card ${card.index} was answered ${outcome?.reason ?? "nothing"}`);
  };
  const setTo = async ({ wallMs, next, zone }: Time): Promise<void> => {
    settings++;
    if (zone !== undefined) await agent.stop();
    clock.set(wallMs());
    if (zone !== undefined) agent = await station.start({ TZ: zone });
    for (let card = 0; card < cardsEachTime; card++) await hold(false);
    if (next === undefined) return;
    settings++;
    clock.set(next);
    for (let card = 0; card < cardsEachTime; card++) await hold(false);
  };
  const everythingArrives = (when: string): Promise<string[]> =>
    notInTime(`everything accepted is sent: ${when}`, () => oracle.allStoredAt(centre), recoverWithinMs);

  await hold(false);
  lateThen.push(...(await everythingArrives("before")));
  for (const time of withNetwork) {
    // The sign-in ends and one entry is put off, both just before the clock is set.
    endedToken = lastToken;
    await hold(true);
    await setTo(time);
    lateThen.push(...(await everythingArrives(time.name)));
    if (lastToken === endedToken) lateThen.push(`the sign-in was not renewed: ${time.name}`);
    if (lateThen.length > 0) break;
  }
  await centre.down();
  for (const time of withoutNetwork) await setTo(time);
  await centre.up();
  if (lateThen.length === 0) lateThen.push(...(await everythingArrives("the network is back")));

  await agent.kill();
  station.hearAll();
  const journal = station.journal();
  const wronglyStamped = journal.entries.filter(
    ({ wallMs, body }) => Math.abs(wallMs - (heldAtMs.get(body.rawB64) ?? 0)) > dayMs / 2,
  );
  return {
    counts: {
      "rows stamped by a wrong clock": wronglyStamped.length,
      settings,
      accepted: oracle.acceptedCount,
      "renewed sign-ins": Number(lastToken?.split("-").at(-1) ?? 0),
    },
    judged: together(oracle.judge({ journal, centre, healed: true }), {
      I2: [...outOfOrder, ...wrongTimes],
      I6: lateThen,
    }),
  };
}

const control = (what: string, breaks: Control["breaks"], mutations: readonly Mutation[]): Control => ({
  without: what,
  breaks,
  mutations,
  run: (program) => setTheClock(program, 8_000),
});

export const fault: Fault = {
  number: 11,
  name: "the clock is set",
  everyCommit: false,
  run: () => setTheClock(),
  controls: [
    control(
      "an order that no clock makes",
      ["I2"],
      [
        {
          text: "id NOT IN (SELECT value FROM json_each(?)) ORDER BY seq",
          by: "id NOT IN (SELECT value FROM json_each(?)) ORDER BY wall_ms",
          times: 1,
        },
      ],
    ),
    control(
      "a monotonic clock for waits",
      ["I2", "I6"],
      [
        {
          text: "() => Number(process.hrtime.bigint()) / 1e6, () => uptime() * 1e3",
          by: "Date.now, Date.now",
          times: 1,
        },
      ],
    ),
    control(
      "a sign-in that no clock ends",
      ["I6"],
      [
        {
          text: "return member === null || member.expired ? null : member.tokens.accessToken;",
          by:
            "globalThis.signedInAt ??= Date.now();" +
            "return member === null || Math.abs(Date.now() - globalThis.signedInAt) > 36e5 ? null : " +
            "member.tokens.accessToken;",
          times: 1,
        },
      ],
    ),
  ],
};
