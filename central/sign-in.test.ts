import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Rig } from "../testing/central-rig.ts";
import { addressGroup } from "./address-group.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig[Symbol.asyncDispose]());

const ask = (phone: string, audience = "staff") => rig.call("POST", "/v1/auth/otp", { body: { phone, audience } });
const verify = (challengeId: string, code: string) =>
  rig.call("POST", "/v1/auth/otp:verify", { body: { challenge_id: challengeId, code } });
const refresh = (token: string) =>
  rig.call("POST", "/v1/auth/token", { body: { grant_type: "refresh_token", refresh_token: token } });
const mine = (token: string) => rig.call("GET", "/v1/me/checkpoints", { token });
const wrongFor = (phone: string) => (rig.codes.get(phone) === "000000" ? "000001" : "000000");

describe("one-time codes", () => {
  test("an unknown phone gets the same answer; only a right code tells that it has no right", async () => {
    const { owner, checkpointId } = await rig.checkpoint();
    await rig.staff(owner, checkpointId, "0900000002");
    rig.clock.advance(61_000);
    const known = await ask("0900000002");
    const unknown = await ask("+84 90 000 0003");
    for (const reply of [known, unknown]) {
      expect(reply.status).toBe(202);
      expect({ ...reply.body, challenge_id: "" }).toEqual({ challenge_id: "", expires_in: 300, resend_after: 60 });
    }
    const wrong = await verify(unknown.body.challenge_id, wrongFor("0900000003"));
    expect(wrong.body).toMatchObject({ status: 400, attempts_left: 4, type: expect.stringMatching(/\/wrong_code$/) });
    const right = await verify(unknown.body.challenge_id, rig.codes.get("0900000003") ?? "");
    expect(right.body).toMatchObject({ status: 403, type: expect.stringMatching(/\/phone_not_authorised$/) });
  });

  test("a code works once", async () => {
    const { body } = await ask("0900000001", "owner");
    const code = rig.codes.get("0900000001") ?? "";
    expect((await verify(body.challenge_id, code)).status).toBe(200);
    expect((await verify(body.challenge_id, code)).body.type).toMatch(/\/challenge_expired$/);
  });

  test("a code ends after five minutes", async () => {
    const { body } = await ask("0900000001", "owner");
    rig.clock.advance(300_000);
    expect((await verify(body.challenge_id, rig.codes.get("0900000001") ?? "")).status).toBe(410);
  });

  test("five wrong tries end a code, and then even the right one does not help", async () => {
    const { body } = await ask("0900000001", "owner");
    const left: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      left.push((await verify(body.challenge_id, wrongFor("0900000001"))).body.attempts_left);
    }
    expect(left).toEqual([4, 3, 2, 1, 0]);
    expect((await verify(body.challenge_id, rig.codes.get("0900000001") ?? "")).status).toBe(410);
  });

  test("wrong codes in a row make a phone wait longer each time", async () => {
    const waits: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      rig.clock.advance(11 * 60_000);
      const { body } = await ask("0900000001", "owner");
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const reply = await verify(body.challenge_id, wrongFor("0900000001"));
        if (reply.status === 429) {
          expect(reply.body.type).toMatch(/\/locked$/);
          waits.push(Number(reply.headers.get("retry-after")));
          break;
        }
      }
    }
    expect(waits.length).toBeGreaterThanOrEqual(2);
    expect(waits).toEqual([...waits].sort((left, right) => left - right));
    expect(waits.at(-1)).toBeGreaterThan(waits[0] ?? 0);
  });

  test("three codes in ten minutes, one a minute", async () => {
    expect((await ask("0900000001")).status).toBe(202);
    const soon = await ask("0900000001");
    expect(soon.status).toBe(429);
    expect(Number(soon.headers.get("retry-after"))).toBe(60);
    for (let more = 0; more < 2; more += 1) {
      rig.clock.advance(60_000);
      expect((await ask("0900000001")).status).toBe(202);
    }
    rig.clock.advance(60_000);
    expect(Number((await ask("0900000001")).headers.get("retry-after"))).toBe(420);
    rig.clock.advance(420_000);
    expect((await ask("0900000001")).status).toBe(202);
    expect(rig.codesSent).toBe(4);
  });

  test("one address cannot have codes sent without end", async () => {
    const replies: number[] = [];
    for (let number = 0; number < 70; number += 1) {
      replies.push((await ask(`09${String(number).padStart(2, "0")}000001`)).status);
    }
    expect(replies[0]).toBe(202);
    expect(replies.at(-1)).toBe(429);
  });
});

describe("tokens", () => {
  test("a refresh gives a new pair, and the lost answer again within a minute", async () => {
    const first = await rig.signIn("0900000001", "owner");
    const second = await refresh(first.refresh_token);
    expect(second.status).toBe(200);
    expect(second.body.refresh_token).not.toBe(first.refresh_token);
    rig.clock.advance(59_000);
    expect((await refresh(first.refresh_token)).body).toEqual(second.body);
    expect((await mine(second.body.access_token)).status).toBe(200);
  });

  test("an answer lost at the start of a long outage is given again when the network is back", async () => {
    const first = await rig.signIn("0900000001", "owner");
    const lost = await refresh(first.refresh_token);
    rig.clock.advance(7 * 24 * 3_600_000);
    const again = await refresh(first.refresh_token);
    expect(again.body).toEqual(lost.body);
    expect((await mine(again.body.access_token)).status).toBe(200);
  });

  test("an old refresh token shown after its successor was used ends the whole sign-in", async () => {
    const first = await rig.signIn("0900000001", "owner");
    const second = await refresh(first.refresh_token);
    rig.clock.advance(61_000);
    const third = await refresh(second.body.refresh_token);
    expect((await refresh(first.refresh_token)).body.type).toMatch(/\/invalid_grant$/);
    expect((await refresh(third.body.refresh_token)).body.type).toMatch(/\/invalid_grant$/);
    expect((await mine(third.body.access_token)).body.type).toMatch(/\/invalid_token$/);
  });

  test("the answer is repeated across a restart", async () => {
    const first = await rig.signIn("0900000001", "owner");
    const second = await refresh(first.refresh_token);
    await rig.stop();
    await rig.start();
    expect((await refresh(first.refresh_token)).body).toEqual(second.body);
  });

  test("access ends after ten minutes, the refresh token after 180 unused days", async () => {
    const tokens = await rig.signIn("0900000001", "owner");
    rig.clock.advance(600_000);
    expect((await mine(tokens.access_token)).status).toBe(401);
    rig.clock.advance(179 * 24 * 3_600_000);
    const renewed = await refresh(tokens.refresh_token);
    expect(renewed.status).toBe(200);
    rig.clock.advance(181 * 24 * 3_600_000);
    expect((await refresh(renewed.body.refresh_token)).status).toBe(400);
  });

  test("signing out ends both tokens and may be repeated", async () => {
    const tokens = await rig.signIn("0900000001", "owner");
    const out = () => rig.call("POST", "/v1/auth/token:revoke", { body: { refresh_token: tokens.refresh_token } });
    expect((await out()).status).toBe(204);
    expect((await out()).status).toBe(204);
    expect((await mine(tokens.access_token)).status).toBe(401);
    expect((await refresh(tokens.refresh_token)).status).toBe(400);
  });

  test("made-up tokens are refused alike", async () => {
    for (const token of ["x".repeat(43), randomUUID(), "a b"]) {
      expect((await mine(token)).body.type).toMatch(/\/invalid_token$/);
    }
    expect((await refresh("x".repeat(43))).body.type).toMatch(/\/invalid_grant$/);
  });
});

test("addresses are counted as networks where one customer has many", () => {
  const groups = [
    "2001:db8:1:2::1",
    "2001:DB8:1:2:ffff:1:2:3",
    "2001:db8:1:3::",
    "::ffff:192.0.2.7",
    "192.0.2.7",
    "::1",
  ];
  expect(groups.map(addressGroup)).toEqual([
    "2001:db8:1:2",
    "2001:db8:1:2",
    "2001:db8:1:3",
    "192.0.2.7",
    "192.0.2.7",
    "0:0:0:0",
  ]);
});

describe("one-time codes under attack", () => {
  test("twenty who show the right code at once: one is signed in", async () => {
    const { body } = await ask("0900000001", "owner");
    const code = rig.codes.get("0900000001") ?? "";
    const replies = await Promise.all(Array.from({ length: 20 }, () => verify(body.challenge_id, code)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 410)).toHaveLength(19);
  });

  test("fifty guesses at once get five tries, then none", async () => {
    const { body } = await ask("0900000001", "owner");
    const wrong = wrongFor("0900000001");
    const replies = await Promise.all(Array.from({ length: 50 }, () => verify(body.challenge_id, wrong)));
    expect(replies.filter(({ status }) => status === 400)).toHaveLength(5);
    expect((await verify(body.challenge_id, rig.codes.get("0900000001") ?? "")).status).not.toBe(200);
  });

  test("waits and the limits of an address outlive a restart", async () => {
    for (let number = 0; number < 60; number += 1) {
      expect((await ask(`09${String(number).padStart(2, "0")}000001`)).status).toBe(202);
    }
    expect((await ask("0999000001")).status).toBe(429);
    await rig.stop();
    await rig.start();
    expect((await ask("0999000001")).status).toBe(429);
    rig.clock.advance(601_000);
    expect((await ask("0999000001")).status).toBe(202);
  });

  test("two refreshes at once get the same pair, and both of its tokens work", async () => {
    const first = await rig.signIn("0900000001", "owner");
    const [one, two] = await Promise.all([refresh(first.refresh_token), refresh(first.refresh_token)]);
    expect(one?.status).toBe(200);
    expect(two?.body).toEqual(one?.body);
    expect((await mine(one?.body.access_token)).status).toBe(200);
    expect((await refresh(one?.body.refresh_token)).status).toBe(200);
  });

  test("a code is no use without a key", async () => {
    const { body } = await ask("0900000001", "owner");
    const bare = await rig.call("POST", "/v1/auth/otp:verify", {
      body: { challenge_id: body.challenge_id, code: rig.codes.get("0900000001") },
      headers: { dpop: "" },
    });
    expect(bare.body.type).toMatch(/\/invalid_dpop_proof$/);
    expect((await verify(body.challenge_id, rig.codes.get("0900000001") ?? "")).status).toBe(200);
  });
});
