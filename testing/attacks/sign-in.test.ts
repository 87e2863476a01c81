import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newProofKey, proofOf } from "../../contract/dpop.ts";
import { until } from "../until.ts";
import { type Caller, Cast, canaries, problemOf } from "./cast.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cast: Cast;
beforeEach(async () => {
  cast = await Cast.gather();
});
afterEach(async () => {
  try {
    await cast.mustBeToldAndTight();
  } finally {
    await cast[Symbol.asyncDispose]();
  }
});

const thief = async (): Promise<Caller> => ({ name: "thief", key: await newProofKey() });
const ask = (as: Caller, phone: string, audience = "owner", headers: Record<string, string> = {}) =>
  cast.call(as, "POST", "/v1/auth/otp", { body: { phone, audience }, headers });
const verify = (as: Caller, challenge_id: string, code: string) =>
  cast.call(as, "POST", "/v1/auth/otp:verify", { body: { challenge_id, code } });
/** A code that is not the right one. */
const wrong = (right: string): string => String((Number(right) + 1) % 1_000_000).padStart(6, "0");
const codeTo = (phone: string): string => cast.rig.codes.get(phone) ?? "";
const later = (ms = 61_000): void => cast.rig.clock.advance(ms);

describe("one-time codes", () => {
  test("guessing ends: five tries a code, then growing waits, also over new codes, addresses and restarts", async () => {
    const as = await thief();
    later();
    const first = (await ask(as, canaries.ownerPhone)).body.challenge_id;
    const right = codeTo(canaries.ownerPhone);
    for (let left = 4; left >= 0; left--) {
      const reply = await verify(as, first, wrong(right));
      expect([reply.status, problemOf(reply), reply.body.attempts_left]).toEqual([400, "wrong_code", left]);
    }
    const sixth = await verify(as, first, right);
    expect([410, 429]).toContain(sixth.status);
    // Nobody gets another code for that phone while it waits, from wherever they ask, and a restart forgives nothing.
    const elsewhere = await ask(as, canaries.ownerPhone, "owner", { "x-forwarded-for": "203.0.113.9" });
    expect([elsewhere.status, problemOf(elsewhere)]).toEqual([429, "rate_limited"]);
    expect(Number(elsewhere.headers.get("retry-after"))).toBeGreaterThan(0);
    await cast.rig.stop();
    await cast.rig.start();
    expect((await ask(as, canaries.ownerPhone)).status).toBe(429);
    // All in all: how many tries a patient thief has in a day.
    let tries = 0;
    const midnight = cast.rig.clock.now() + 24 * 3_600_000;
    while (cast.rig.clock.now() < midnight) {
      const challenge = await ask(as, canaries.ownerPhone);
      if (challenge.status === 429) {
        cast.rig.clock.advance(Number(challenge.headers.get("retry-after")) * 1000);
        continue;
      }
      for (let one = 0; one < 5; one++) {
        const reply = await verify(as, challenge.body.challenge_id, wrong(codeTo(canaries.ownerPhone)));
        if (problemOf(reply) === "locked") cast.rig.clock.advance(Number(reply.headers.get("retry-after")) * 1000);
        else if (problemOf(reply) !== "wrong_code") break;
        else tries += 1;
      }
    }
    // NIST SP 800-63B, 5.2.2: no more than 100 failed attempts in a row on an account.
    expect(tries).toBeLessThanOrEqual(100);
  });

  test("a code is good once, for its own challenge, for five minutes, and many at once open one sign-in", async () => {
    const as = await thief();
    const phone = cast.nextPhone();
    const mine = (await ask(as, phone)).body.challenge_id;
    const other = (await ask(as, cast.nextPhone())).body.challenge_id;
    const code = codeTo(phone);
    if (codeTo(phone) !== code) throw new Error("unreachable");
    expect(problemOf(await verify(as, other, code))).toBe("wrong_code");
    const replies = await Promise.all(Array.from({ length: 8 }, () => verify(as, mine, code)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(replies.filter(({ status }) => status !== 200).map(problemOf))).toEqual(
      new Set(["challenge_expired"]),
    );
    expect(problemOf(await verify(as, mine, code))).toBe("challenge_expired");
    expect(problemOf(await verify(as, randomUUID(), code))).toBe("challenge_expired");
    later();
    const late = (await ask(as, phone)).body.challenge_id;
    later(300_001);
    expect(problemOf(await verify(as, late, codeTo(phone)))).toBe("challenge_expired");
  });

  test("no phone is flooded, and no range of numbers is pumped", async () => {
    const as = await thief();
    later(600_000);
    const before = cast.rig.codesSent;
    const statuses: number[] = [];
    for (let minute = 0; minute < 9; minute++) {
      statuses.push((await ask(as, canaries.strangerPhone)).status, (await ask(as, canaries.strangerPhone)).status);
      later();
    }
    expect(cast.rig.codesSent - before).toBeLessThanOrEqual(3);
    expect(statuses.filter((status) => status === 202)).toHaveLength(cast.rig.codesSent - before);
    const sentBefore = cast.rig.codesSent;
    const pumped = await Promise.all(
      Array.from({ length: 120 }, (_, n) => ask(as, `0935555${String(n).padStart(3, "0")}`)),
    );
    expect(pumped.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(60);
    expect(cast.rig.codesSent - sentBefore).toBeLessThanOrEqual(60);
  });

  test("a known phone cannot be told from an unknown one: same words, and no answer waits for the message", async () => {
    const as = await thief();
    later(600_000);
    const shape = async (phone: string, audience: string) => {
      const { status, body, headers } = await ask(as, phone, audience);
      const names = [...headers.keys()].filter((name) => name !== "content-length").toSorted();
      return {
        status,
        fields: Object.keys(body).toSorted(),
        expires: body.expires_in,
        resend: body.resend_after,
        names,
      };
    };
    for (const audience of ["owner", "staff"]) {
      later(600_000);
      const known = await shape(canaries.staffPhone, audience);
      expect(known.status).toBe(202);
      expect(await shape(cast.nextPhone(), audience)).toEqual(known);
    }
    // Only a right code tells that a phone may scan nowhere; a wrong one is told alike.
    const stranger = cast.nextPhone();
    const challenge = (await ask(as, stranger, "staff")).body.challenge_id;
    expect(problemOf(await verify(as, challenge, wrong(codeTo(stranger))))).toBe("wrong_code");
    expect(problemOf(await verify(as, challenge, codeTo(stranger)))).toBe("phone_not_authorised");
  });

  test("a message that takes for ever, or cannot be sent, shows in no answer", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = 0;
    await cast.rig.stop();
    await cast.rig.start({
      otpSender: {
        send: async () => {
          asked += 1;
          await held;
          throw new Error(`no route to ${canaries.strangerPhone}`);
        },
      },
    });
    const reply = await ask(await thief(), canaries.strangerPhone);
    expect(reply.status).toBe(202);
    expect(asked).toBe(1);
    release();
    await until("the failure in the log", () => cast.rig.log.includes("could not be sent"));
  });

  test("what is no phone, audience or code is refused in the form, and nothing of it comes back", async () => {
    const as = await thief();
    for (const phone of [
      "",
      "0",
      "+1 202 555 0100",
      "0907111221; DROP TABLE",
      "1900 1234",
      "0".repeat(5000),
      null,
      907111221,
      ["0907111221"],
    ]) {
      const reply = await cast.call(as, "POST", "/v1/auth/otp", { body: { phone, audience: "owner" } });
      expect([413, 422], String(phone).slice(0, 40)).toContain(reply.status);
      if (typeof phone === "string" && phone.length > 3) expect(reply.text).not.toContain(phone.slice(0, 40));
    }
    for (const audience of ["device", "operator", "admin", "", null, ["owner"]]) {
      expect(
        (await cast.call(as, "POST", "/v1/auth/otp", { body: { phone: cast.nextPhone(), audience } })).status,
      ).toBe(422);
    }
    for (const code of ["12345", "1234567", "12345a", "１２３４５６", 123456, null, { $gt: "" }]) {
      const body = { challenge_id: randomUUID(), code };
      expect((await cast.call(as, "POST", "/v1/auth/otp:verify", { body })).status).toBe(422);
    }
  });
});

describe("tokens", () => {
  const me = (as: Caller) => cast.call(as, "GET", "/v1/me/checkpoints");
  const refresh = (as: Caller, refresh_token: string) =>
    cast.call(as, "POST", "/v1/auth/token", { body: { grant_type: "refresh_token", refresh_token } });

  test("a stolen token is worth nothing under another key, raises an alarm, and does not lock the honest one out", async () => {
    const as = await thief();
    expect(problemOf(await me({ ...as, token: cast.ownerA.token }))).toBe("invalid_token");
    const stolen = await refresh(as, cast.ownerA.reply.refresh_token);
    expect([stolen.status, problemOf(stolen)]).toEqual([401, "invalid_token"]);
    const signedOut = await cast.call(as, "POST", "/v1/auth/token:revoke", {
      body: { refresh_token: cast.ownerA.reply.refresh_token },
    });
    expect(signedOut.status).toBe(401);
    expect(cast.rig.log).toMatch(/shown under another key than its own/);
    expect((await me(cast.ownerA)).status).toBe(200);
    expect((await refresh(cast.ownerA, cast.ownerA.reply.refresh_token)).status).toBe(200);
  });

  test("a proof is good once, for one call, one address, one token and one key", async () => {
    const { token, key } = cast.ownerA;
    const url = `${cast.rig.url}/v1/me/checkpoints`;
    const nonce = (await me(cast.ownerA)).headers.get("dpop-nonce") ?? "";
    const proof = (change: Partial<Parameters<typeof proofOf>[1]> = {}, by = key) =>
      proofOf(by, { method: "GET", url, accessToken: token, nonce, ...change });
    const send = async (dpop: string, authorization = `DPoP ${token}`) =>
      (await fetch(url, { headers: { authorization, dpop, "x-request-id": `attack-${randomUUID()}` } })).status;
    const good = await proof();
    expect(await send(good)).toBe(200);
    expect(await send(good)).toBe(401);
    expect(await send(await proof({ method: "POST" }))).toBe(401);
    expect(await send(await proof({ url: `${cast.rig.url}/v1/checkpoints` }))).toBe(401);
    expect(await send(await proof({ url: url.replace(/:\d+/, ":1") }))).toBe(401);
    expect(await send(await proof({ accessToken: cast.ownerB.token }))).toBe(401);
    expect(await send(await proof({ accessToken: undefined }))).toBe(401);
    expect(await send(await proof({ nonce: undefined }))).toBe(401);
    expect(await send(await proof({ nonce: "A".repeat(32) }))).toBe(401);
    expect(await send(await proof({}, cast.ownerB.key))).toBe(401);
    expect(await send("")).toBe(401);
    expect(await send(`${await proof()}, ${await proof()}`)).toBe(401);
    expect(await send((await proof()).replace(/\.[^.]*$/, "."))).toBe(401);
    expect(await send("x".repeat(10_000))).toBe(401);
    const stale = await proof();
    later(300_001);
    expect(await send(stale)).toBe(401);
  });

  test("a session ends when it is ended: access and refresh token with it, and its streams", async () => {
    const person = await cast.hire(cast.ownerA, cast.placeA, "supervisor");
    expect((await me(person)).status).toBe(200);
    await cast.must(person, "POST", "/v1/auth/token:revoke", { refresh_token: person.reply.refresh_token });
    expect(problemOf(await me(person))).toBe("invalid_token");
    expect(problemOf(await refresh(person, person.reply.refresh_token))).toBe("invalid_grant");
  });

  test("a refresh token that comes again after its successor was used ends the whole sign-in", async () => {
    const person = await cast.hire(cast.ownerA, cast.placeA, "supervisor");
    const next = (await refresh(person, person.reply.refresh_token)).body;
    cast.secrets.add(next.access_token).add(next.refresh_token);
    const after = (await refresh(person, next.refresh_token)).body;
    cast.secrets.add(after.access_token).add(after.refresh_token);
    later();
    expect(problemOf(await refresh(person, person.reply.refresh_token))).toBe("invalid_grant");
    expect(problemOf(await me({ ...person, token: after.access_token }))).toBe("invalid_token");
  });

  test("an access token ends after ten minutes, and a refresh token is none", async () => {
    expect(problemOf(await me({ ...cast.ownerA, token: cast.ownerA.reply.refresh_token }))).toBe("invalid_token");
    later(601_000);
    expect(problemOf(await me(cast.ownerA))).toBe("invalid_token");
  });

  test("a machine's own credential is for its key and its id", async () => {
    const take = (as: Caller, device_id: string) =>
      cast.call(as, "POST", "/v1/auth/token", { body: { grant_type: "device", device_id } });
    const { station } = cast.deviceA;
    for (const as of [await thief(), cast.deviceB, cast.ownerA]) {
      const reply = await take({ name: as.name, ...(as.key ? { key: as.key } : {}) }, station.id);
      expect([reply.status, problemOf(reply)], as.name).toEqual([403, "device_not_enrolled"]);
    }
    expect(problemOf(await take(cast.deviceA, randomUUID()))).toBe("device_not_enrolled");
    expect(problemOf(await me(cast.deviceA))).toBe("forbidden");
  });
});
