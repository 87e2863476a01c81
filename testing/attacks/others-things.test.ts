import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { newProofKey } from "../../contract/dpop.ts";
import { operations } from "../../contract/operations.ts";
import type { Reply } from "../central-rig.ts";
import { type Caller, Cast, nobody, problemOf } from "./cast.ts";
import { type Asked, addressOf, type Rule, rules, type Trier, triers } from "./rules.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Name = keyof typeof operations;
const names = Object.keys(operations) as Name[];
const ruleOf = (name: Name): Rule => rules[name];
const signedIn = names.filter((name) => operations[name].auth === "dpop");
const ofAPlace = names.filter((name) => ruleOf(name).kind === "of-a-place");
const ownThings = names.filter((name) => ruleOf(name).kind === "own-things");

let cast: Cast;
beforeAll(async () => {
  cast = await Cast.gather();
});
afterAll(() => cast?.[Symbol.asyncDispose]());

function asked(name: Name): Promise<Asked> | Asked {
  const rule = ruleOf(name);
  if (rule.kind === "of-a-place" || rule.kind === "own-things") return rule.ask(cast);
  throw new Error(`${name} names nothing of a place.`);
}

/** A stream that is opened is left at once; any other answer is read. */
function attempt(as: Caller, name: Name, request: Asked, headers: Record<string, string> = {}): Promise<Reply> {
  const { method } = operations[name];
  const where = addressOf(name, request);
  const options = {
    headers: { ...request.headers, ...headers },
    ...(request.body === undefined ? {} : { body: request.body }),
  };
  return name === "streamEntries" ? cast.glance(as, method, where, options) : cast.call(as, method, where, options);
}

/** A batch may hold rows of several places, so that it is refused row by row; of the machine nothing is told. */
function expectNothingTaken({ body }: Reply): void {
  for (const result of body.results) expect(result).toMatchObject({ status: "rejected", type: "forbidden" });
  expect(body.high_water.seq).toBe(0);
  expect(body.missing ?? []).toEqual([]);
}

test("every call of the contract has its rule, and every rule its call", () => {
  expect(Object.keys(rules).toSorted()).toEqual(names.toSorted());
  for (const name of names) {
    const { kind } = ruleOf(name);
    expect(kind === "of-a-place" || kind === "own-things", name).toBe(operations[name].auth === "dpop");
  }
});

describe.each(signedIn)("%s", (name) => {
  test("needs a token that is valid, not ended, and shown with its own key", async () => {
    const request = await asked(name);
    const made: Caller = { name: "a made-up token", token: "A".repeat(43), key: cast.ownerA.key };
    const stolen: Caller = {
      name: "a thief with a key of their own",
      token: cast.ownerA.token,
      key: await newProofKey(),
    };
    for (const as of [nobody, made, stolen]) {
      const reply = await attempt(as, name, request);
      expect(reply.status, as.name).toBe(401);
      expect(["invalid_token", "invalid_dpop_proof"], as.name).toContain(problemOf(reply));
      expect(reply.headers.get("www-authenticate")).toMatch(/^DPoP /);
    }
    const bearer = await attempt(nobody, name, request, { authorization: `Bearer ${cast.ownerA.token}` });
    expect(bearer.status).toBe(401);
  });
});

describe.each(ofAPlace)("%s", (name) => {
  const rule = ruleOf(name);
  if (rule.kind !== "of-a-place") throw new Error(name);
  const refusedTo = triers.filter((who) => !rule.may.includes(who));
  const problems = rule.problems ?? ["forbidden"];

  test.each(refusedTo)("is refused to %s", async (who) => {
    const reply = await attempt(cast[who], name, await asked(name));
    if (name === "uploadBatch" && reply.status === 200) return expectNothingTaken(reply);
    expect(reply.status, `${problemOf(reply)} ${reply.text.slice(0, 300)}`).toBeGreaterThanOrEqual(403);
    expect(problems).toContain(problemOf(reply));
    expect(reply.text).not.toContain("Chim Hoàng Yến");
  });

  test.each(rule.may)("is allowed to %s: the refused calls were good ones", async (who: Trier) => {
    const reply = await attempt(cast[who], name, await asked(name));
    expect([operations[name].success, 304], reply.text.slice(0, 300)).toContain(reply.status);
    cast.askedIsDone();
  });

  test("tells a stranger nothing of whether the thing exists", async () => {
    const real = await asked(name);
    if (real.path === undefined) return;
    const unknown = { ...real, path: Object.fromEntries(Object.keys(real.path).map((key) => [key, randomUUID()])) };
    const stranger = rule.may.includes("ownerB") ? cast.scannerB : cast.ownerB;
    const [ofReal, ofUnknown] = [await attempt(stranger, name, real), await attempt(stranger, name, unknown)];
    expect([ofUnknown.status, ofUnknown.text]).toEqual([ofReal.status, ofReal.text]);
  });

  test("takes no trick in the place of an id", async () => {
    const real = await asked(name);
    const [first] = Object.keys(real.path ?? {});
    if (first === undefined) return;
    for (const trick of [
      "..",
      "../..",
      "%00",
      "' OR 1=1 --",
      "*",
      "null",
      `${cast.placeA.toUpperCase()}x`,
      "0".repeat(300),
    ]) {
      const reply = await attempt(cast.ownerA, name, { ...real, path: { ...real.path, [first]: trick } });
      expect(reply.status, trick).toBeGreaterThanOrEqual(400);
      expect(reply.status, trick).toBeLessThan(500);
    }
  });
});

describe.each(ownThings)("%s", (name) => {
  const rule = ruleOf(name);
  if (rule.kind !== "own-things") throw new Error(name);
  test("answers with the caller's own things only", async () => {
    for (const who of triers.filter((each) => !(rule.refused ?? []).includes(each) && !each.endsWith("A"))) {
      const reply = await attempt(cast[who], name, await asked(name));
      expect([200, 201, 403], `${who}: ${reply.text.slice(0, 300)}`).toContain(reply.status);
      expect(reply.text, who).not.toContain(cast.placeA);
    }
    for (const who of rule.refused ?? []) {
      const reply = await attempt(cast[who], name, await asked(name));
      expect([403, problemOf(reply)], `${who}: ${reply.text.slice(0, 300)}`).toEqual([403, "forbidden"]);
    }
    const own = await attempt(cast.ownerA, name, await asked(name));
    expect(own.status, own.text.slice(0, 300)).toBe(operations[name].success);
  });
});

test("each attempt stands in the log with its status, and nothing leaked", () => cast.mustBeToldAndTight());
