import type { startCentral } from "../../central/server.ts";
import { newProofKey } from "../../contract/dpop.ts";
import { Device, newCheckpoint } from "../central-rig.ts";
import { until } from "../until.ts";
import { CentralLine, saidOf } from "./central-line.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import { mutateCentral } from "./mutated-central.ts";
import type { Mutation } from "./mutated-program.ts";
import { notInTime, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";

/*
 * Tokens are bound to the station's key: without it they are worth nothing, which one leg judges. Who copies the whole data
 * folder has the key as well and shares the sign-in until both have shown a token; another leg judges that this ends it.
 */

interface Products {
  readonly program?: string;
  readonly startCentral?: typeof startCentral;
}

type Leg = (effort: Effort, products?: Products) => Promise<FaultOutcome>;

const clerk = "0900000002";
const otherClerk = "0900000003";
const pastAccessMs = 601_000;
const pastGraceMs = 61_000;
const dayMs = 24 * 3_600_000;
const recoverAloneMs = 60_000;

/** What every leg is judged by. */
function outcomeOf(line: CentralLine, counts: FaultOutcome["counts"], judged: FaultOutcome["judged"]): FaultOutcome {
  return {
    counts: { ...counts, accepted: line.oracle.acceptedCount },
    judged: together(
      line.oracle.judge({ journal: line.station.journal() }),
      { I1: line.missing(), I2: phantoms(line), I4: line.notTaken },
      judged,
    ),
  };
}

function phantoms(line: CentralLine): string[] {
  return [...line.held().keys()]
    .filter((id) => !line.oracle.acceptedIds.has(id))
    .map((id) => `${id} is at the centre and was never accepted here`);
}

/** Access tokens end, and the replies to their renewal are cut after more and more bytes. */
const lostRefresh: Leg = async (effort, products) => {
  await using line = await CentralLine.start(products);
  await line.addStaff(clerk);
  await line.signIn(clerk);
  const late = await line.arrives(await line.scan());
  const answersBefore = answeredRefreshes(line);
  let expiries = 0;
  const expire = async (afterBytes?: number): Promise<void> => {
    expiries++;
    line.advance(pastAccessMs);
    if (afterBytes === undefined) line.proxy.dropAll();
    else line.proxy.next({ cut: { afterBytes, by: expiries % 2 === 0 ? "rst" : "fin" } });
    late.push(...(await line.arrives(await line.scan(), recoverAloneMs)));
  };
  await expire();
  // The connection carries the 401 for the nonce, the 401 of the upload, the new pair, the answer to the next upload.
  const step = effort === "full" ? 60 : 400;
  for (let afterBytes = 200; afterBytes < 3_800 && late.length === 0; afterBytes += step) await expire(afterBytes);
  const lostReplies = answeredRefreshes(line) - answersBefore - expiries;
  const counts = { "access tokens ended": expiries + 1, "refresh replies lost": lostReplies };
  if (late.length > 0) return outcomeOf(line, counts, { I6: late });

  // The reply is lost and the network with it, for a day: the old token must still do.
  line.advance(pastAccessMs);
  line.proxy.next({ cut: { afterBytes: 1_000, by: "rst" } });
  const refreshesBefore = answeredRefreshes(line);
  const last = await line.scan();
  await until("the centre has renewed", () => answeredRefreshes(line) > refreshesBefore, recoverAloneMs);
  line.proxy.leadTo();
  line.advance(dayMs);
  line.proxy.leadTo(line.rig.url);
  late.push(...(await line.arrives(last, recoverAloneMs)));
  return outcomeOf(line, counts, { I6: late });
};

function answeredRefreshes({ rig }: CentralLine): number {
  return rig.log
    .split("\n")
    .filter((text) => text.includes('"route":"/v1/auth/token"') && text.includes('"status":200')).length;
}

/** Both tokens are copied from the station and shown under another key, early and late: refused, and the station goes on. */
const stolenTokens: Leg = async (_effort, products) => {
  const wrong: string[] = [];
  await using line = await CentralLine.start(products);
  await line.addStaff(clerk);
  await line.signIn(clerk);
  const late = await line.arrives(await line.scan());
  const thief = await newProofKey();
  let shown = 0;
  const show = async (): Promise<void> => {
    for (const { access, refresh } of stolen) {
      const replies = [
        await line.refreshElsewhere(refresh, thief),
        await line.rig.call("GET", "/v1/me/checkpoints", { token: access, key: thief }),
        await line.rig.call("POST", "/v1/auth/token:revoke", { body: { refresh_token: refresh }, key: thief }),
      ];
      shown += replies.length;
      wrong.push(
        ...replies.filter(({ status }) => status !== 401).map(({ status }) => `a stolen token was answered ${status}`),
      );
    }
  };
  const stolen: { access: string; refresh: string }[] = [];
  for (let renewals = 0; renewals < 3; renewals++) {
    stolen.push(line.storedTokens());
    await show();
    line.advance(pastAccessMs);
    late.push(...(await line.arrives(await line.scan())));
    line.advance(pastGraceMs);
    await show();
  }
  if (await isExpired(line)) wrong.push("the thief has locked the station out");
  return outcomeOf(line, { "stolen tokens shown": shown }, { I6: late, I8: wrong });
};

/** The data folder is copied, the key with it: a refresh token is shown elsewhere, before and after the station moved on. */
const copiedFolder: Leg = async (_effort, products) => {
  const wrong: string[] = [];
  const late: string[] = [];
  let shown = 0;
  await using line = await CentralLine.start(products);
  await line.addStaff(clerk);
  await line.signIn(clerk);
  for (const thief of ["late", "first"] as const) {
    late.push(...(await line.arrives(await line.scan())));
    const stolen = line.storedTokens().refresh;
    const key = await line.stationKey();
    let stolenAccess = "";
    if (thief === "first") {
      const pair = await line.refreshElsewhere(stolen, key);
      const next = await line.refreshElsewhere(pair.body.refresh_token, key);
      stolenAccess = next.body.access_token;
      shown += 2;
      line.advance(pastAccessMs);
    } else {
      for (let renewals = 0; renewals < 2; renewals++) {
        line.advance(pastAccessMs);
        late.push(...(await line.arrives(await line.scan())));
      }
      line.advance(pastGraceMs);
      const reply = await line.refreshElsewhere(stolen, key);
      shown++;
      if (reply.status !== 400) wrong.push(`an old refresh token was answered ${reply.status}`);
    }
    // Nothing is uploaded under a sign-in that is over; people are recorded all the same.
    line.proxy.dropAll();
    const unsent = [await line.scan()];
    const unknown = await notInTime("the station knows that its sign-in is over", () => isExpired(line), 30_000);
    wrong.push(...unknown);
    if (unknown.length > 0) break;
    unsent.push(await line.scan());
    const held = line.held();
    wrong.push(...unsent.filter((id) => held.has(id)).map((id) => `${id} came under a sign-in that was over`));
    if (stolenAccess !== "") {
      const reply = await line.rig.call("GET", "/v1/me/checkpoints", { token: stolenAccess, key });
      if (reply.status !== 401) wrong.push(`the thief's token was answered ${reply.status} after the theft showed`);
    }
    line.advance(11 * 60_000);
    await line.signIn(clerk);
    for (const id of unsent) late.push(...(await line.arrives(id)));
  }
  return outcomeOf(line, { "stolen tokens shown": shown }, { I6: late, I8: wrong });
};

async function isExpired(line: CentralLine): Promise<boolean> {
  const client = await line.agent.client();
  return client
    .view(({ duty }) => ({ is: duty.state === "signed-in" && duty.expired }), 10_000, "duty")
    .then(({ is }) => is);
}

/** A clerk is removed while the station is offline: what was scanned before counts, what came after does not. */
const removedStaff: Leg = async (_effort, products) => {
  await using line = await CentralLine.start(products);
  const staffId = await line.addStaff(clerk);
  await line.addStaff(otherClerk);
  await line.signIn(clerk);
  const late = await line.arrives(await line.scan());
  line.proxy.leadTo();
  const before = await line.scan();
  const removedMs = performance.now();
  const moment = () => until("a moment has passed", () => performance.now() - removedMs > 1_500);
  await moment();
  const removed = await line.rig.call("DELETE", `/v1/checkpoints/${line.checkpointId}/staff/${staffId}`, {
    token: line.owner.access_token,
  });
  const after = await line.scan();
  line.proxy.leadTo(line.rig.url);
  late.push(...(await line.arrives(before)));
  await until("nothing waits", () => line.station.journal().entries.every(({ state }) => state !== "unsent"), 60_000);
  const wrong = line.counts(after) ? [`${after} was scanned after the clerk was removed, and counts`] : [];
  late.push(...(await line.arrives(after)));
  // Nor can the clerk come back, while another one can.
  line.advance(11 * 60_000);
  const again = await line.rig.signIn(clerk, "staff").then(
    () => true,
    () => false,
  );
  if (again) wrong.push("the removed clerk was signed in again");
  await line.signIn(otherClerk);
  late.push(...(await line.arrives(await line.scan())));
  return outcomeOf(line, { "clerks removed": removed.status === 204 ? 1 : 0 }, { I6: late, I8: wrong });
};

/** Staff of another place: at this station's screen, and with its own sign-in straight at the centre. */
const wrongCheckpoint: Leg = async (_effort, products) => {
  await using line = await CentralLine.start(products);
  const { rig } = line;
  const stranger = await rig.signIn("0900000008", "owner");
  const elsewhere = newCheckpoint("01900000-0000-7000-8000-00000000e15e");
  await rig.call("POST", "/v1/checkpoints", { body: elsewhere, token: stranger.access_token });
  const { tokens } = await rig.staff(stranger, elsewhere.id, "0900000009");
  line.advance(61_000);
  const waiting = await line.scan();
  const shown = await line.signIn("0900000009");
  const wrong: string[] = [];
  if (!saidOf(shown).includes("does not serve")) wrong.push(`the stranger was shown "${shown.state}"`);
  const device = new Device(line.checkpointId, Date);
  const forged = Array.from({ length: 5 }, () => device.entry());
  const attempts = [tokens.access_token, stranger.access_token, "no-token", ""];
  for (const token of attempts) await rig.upload(token, device, forged);
  const held = line.held();
  wrong.push(...forged.filter(({ id }) => held.has(id)).map(({ id }) => `${id} was stored for a place of others`));
  if (held.has(waiting)) wrong.push(`${waiting} was sent by a stranger`);
  await line.addStaff(clerk);
  await line.signIn(clerk);
  const late = await line.arrives(waiting);
  return outcomeOf(line, { "wrong sign-ins": 1 + attempts.length }, { I6: late, I8: wrong });
};

/** Guesses allowed in so many days of trying, and codes sent meanwhile. */
const daysOfGuessing: Record<Effort, number> = { fast: 2, full: 20 };
/** NIST SP 800-63B allows 100 wrong tries in a row; then there is one a day. */
const mostGuesses = (days: number): number => 100 + days + 1;

/** Somebody guesses one phone's codes for days, has codes sent to others, and uses one twice. */
const guessedCodes: Leg = async (effort, products) => {
  await using line = await CentralLine.start(products);
  const { rig } = line;
  await line.addStaff(clerk);
  await line.signIn(clerk);
  const late = await line.arrives(await line.scan());
  line.advance(11 * 60_000);
  const wrong: string[] = [];
  const ask = (phone: string) => rig.call("POST", "/v1/auth/otp", { body: { phone, audience: "staff" } });
  const verify = (challengeId: string, code: string) =>
    rig.call("POST", "/v1/auth/otp:verify", { body: { challenge_id: challengeId, code } });

  let guesses = 0;
  const days = daysOfGuessing[effort];
  for (let passedMs = 0; passedMs < days * dayMs; ) {
    const { status, headers, body } = await ask(clerk);
    let waitMs = Number(headers.get("retry-after") ?? 1) * 1_000;
    for (let tries = 0; status === 202 && tries < 10; tries++) {
      const guess = rig.codes.get(clerk) === "123456" ? "654321" : "123456";
      const reply = await verify(body.challenge_id, guess);
      if (reply.status === 200) wrong.push("a wrong code signed somebody in");
      if (reply.status === 400) guesses++;
      else if (reply.status === 429) waitMs = Number(reply.headers.get("retry-after")) * 1_000;
      if (reply.status !== 400) break;
      if (guesses > mostGuesses(days)) break;
    }
    if (guesses > mostGuesses(days)) break;
    line.advance(waitMs);
    passedMs += waitMs;
  }
  if (guesses > mostGuesses(days)) wrong.push(`${guesses} guesses were allowed in ${days} days`);

  // A flood of codes, from one address and to one phone; the station records meanwhile.
  line.advance(dayMs);
  const sentBefore = rig.codesSent;
  const floods = 150;
  for (let index = 0; index < floods; index++) {
    const phone =
      index % 3 === 0
        ? otherClerk
        : `09${String(index).padStart(2, "0").slice(-2)}0000${String(index).padStart(3, "0").slice(-2)}`;
    await ask(phone);
    if (index % 50 === 0) await line.scan();
  }
  if (rig.codesSent - sentBefore > 60) wrong.push(`${rig.codesSent - sentBefore} codes were sent to one address`);

  // A code that was used is used up.
  line.advance(2 * dayMs);
  const { body } = await ask(clerk);
  const code = rig.codes.get(clerk) ?? "";
  const uses = [await verify(body.challenge_id, code), await verify(body.challenge_id, code)].map(
    ({ status }) => status,
  );
  if (uses[1] === 200) wrong.push("a code was good twice");
  late.push(...(await line.arrives(await line.scan())));
  return outcomeOf(line, { guesses, "codes asked for": floods, "codes used twice": 1 }, { I6: late, I8: wrong });
};

const legs: readonly Leg[] = [lostRefresh, stolenTokens, copiedFolder, removedStaff, wrongCheckpoint, guessedCodes];

const agentControl = (without: string, leg: Leg, ...mutations: readonly Mutation[]): Control => ({
  without,
  breaks: ["I6"],
  mutations,
  run: (program, effort) => leg(effort, { program }),
});

const centralControl = (
  without: string,
  leg: Leg,
  breaks: Control["breaks"],
  file: string,
  mutation: Mutation,
): Control => ({
  without,
  breaks,
  mutations: [{ ...mutation, file }],
  run: async (_program, effort) => {
    using mutated = await mutateCentral(file, mutation);
    return await leg(effort, { startCentral: mutated.startCentral });
  },
});

export const fault: Fault = {
  number: 20,
  name: "sign-in: ended, lost, reused, stolen, guessed",
  everyCommit: false,
  run: async (effort) => {
    const outcomes: FaultOutcome[] = [];
    for (const leg of legs) outcomes.push(await leg(effort));
    return allOf(...outcomes);
  },
  controls: [
    agentControl("patience when the renewal fails", lostRefresh, {
      text: '].includes(reply.status)) return "try-later";',
      by: "].includes(reply.status)) reply = reply;",
      times: 1,
    }),
    centralControl("the repeated answer to a lost refresh", lostRefresh, ["I6"], "central/tokens.ts", {
      text: "now - known.usedAt <= refreshGraceS * 1000 || (await isUnused(within, next.refreshToken))",
      by: "false && (await isUnused(within, next.refreshToken))",
      times: 1,
    }),
    centralControl("the end of a sign-in whose old token is shown", copiedFolder, ["I8"], "central/tokens.ts", {
      text: "now - known.usedAt <= refreshGraceS * 1000 || (await isUnused(within, next.refreshToken))",
      by: "true || (await isUnused(within, next.refreshToken))",
      times: 1,
    }),
    centralControl("tokens that are bound to the station's key", stolenTokens, ["I8"], "central/tokens.ts", {
      text: "if (family.jkt === jkt) return false;",
      by: "if (family.jkt !== null) return false;",
      times: 1,
    }),
    centralControl("rights judged at the time of the scan", removedStaff, ["I8"], "central/policy.ts", {
      text: "return grants.some(\n    ({ validFrom, validTo }) =>",
      by: "return grants.some(\n    ({ validFrom, validTo }) => true ||",
      times: 1,
    }),
    centralControl("rights judged by place", wrongCheckpoint, ["I8"], "central/ingest.ts", {
      text: "if (here?.length === 0) {",
      by: "if (here === undefined) {",
      times: 1,
    }),
    centralControl("waits after wrong codes", guessedCodes, ["I8"], "central/sign-in.ts", {
      text: "if (failures >= mostFailures) return restMs;",
      by: "if (failures >= 0) return 0;",
      times: 1,
    }),
  ],
};
