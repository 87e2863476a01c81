import { afterEach, beforeEach, expect, test } from "vitest";
import type { CodeKeys } from "../contract/code-keys.ts";
import { newProofKey } from "../contract/dpop.ts";
import { type FakeCentre, startFakeCentre } from "../testing/fake-centre.ts";
import { until } from "../testing/until.ts";
import { systemClock } from "./clock.ts";
import { CodeKeyKeeper, type KeptCodeKeys } from "./code-keys.ts";
import { CentralApi } from "./sync/central-api.ts";

let centre: FakeCentre;
let keeper: CodeKeyKeeper | null;
let kept: KeptCodeKeys[];
let events: string[];
let mono: number;
let belongsTo: string | null;

const set = (set_version: number, ...kids: string[]): CodeKeys => ({
  set_version,
  keys: kids.map((kid) => ({
    kid,
    kty: "OKP",
    crv: "Ed25519",
    x: "a".repeat(43),
    use: "place_code",
    state: "active",
  })),
});

beforeEach(async () => {
  centre = await startFakeCentre();
  kept = [];
  events = [];
  mono = 0;
  belongsTo = centre.url;
  keeper = null;
});
afterEach(async () => {
  await keeper?.stop();
  await centre[Symbol.asyncDispose]();
});

const key = await newProofKey();

function begin(known: KeptCodeKeys | null = null): CodeKeyKeeper {
  keeper = new CodeKeyKeeper({
    api: new CentralApi(centre.url, systemClock(), key, () => {}),
    central: () => belongsTo,
    clock: { monoMs: () => mono },
    kept: known,
    keep: (set) => kept.push(set),
    log: (event) => events.push(event),
  });
  keeper.start();
  return keeper;
}

const asked = (times: number) =>
  until(
    `the centre to be asked ${times} times`,
    () => centre.otherPaths.filter((path) => path === "/v1/keys").length >= times,
  );
const answer = (body: unknown) => {
  centre.other = (_path, _body, reply) => reply.json(200, body);
};

test("the first set is kept, and known again without a network", async () => {
  answer(set(1, "00ab12ff"));
  const first = begin();
  expect(first.keys).toBeNull();
  await until("the set", () => first.keys?.[0]?.kid === "00ab12ff");
  expect(kept).toEqual([{ central: centre.url, set: set(1, "00ab12ff") }]);
  await first.stop();
  await centre.down();
  const again = begin(kept[0]);
  expect(again.keys).toHaveLength(1);
  await until("the failure", () => events.includes("code-keys.not-fetched"));
  expect(again.keys).toHaveLength(1);
  await centre.up();
});

test.each([
  ["an earlier set", set(4, "00000004")],
  ["other keys under the same version", set(5, "00000004")],
  ["an empty set", set(6)],
])("%s is refused aloud, and the known one stays", async (_, offered) => {
  answer(offered);
  const running = begin({ central: centre.url, set: set(5, "00ab12ff") });
  await until("the refusal", () => events.includes("security.code-keys-refused"));
  expect(running.keys?.map(({ kid }) => kid)).toEqual(["00ab12ff"]);
  expect(kept).toEqual([]);
});

test.each([
  [
    "a captive portal",
    (reply: Parameters<FakeCentre["other"]>[2]) => reply.raw(200, { "content-type": "text/html" }, "<html>"),
  ],
  ["a fault", (reply: Parameters<FakeCentre["other"]>[2]) => reply.problem(503, "unavailable")],
  ["an answer of no form", (reply: Parameters<FakeCentre["other"]>[2]) => reply.json(200, { keys: [{ kid: "x" }] })],
  ["a cut", (reply: Parameters<FakeCentre["other"]>[2]) => reply.cut()],
])("%s empties nothing", async (_, script) => {
  centre.other = (_path, _body, reply) => script(reply);
  const running = begin({ central: centre.url, set: set(5, "00ab12ff") });
  await until("the failure", () => events.includes("code-keys.not-fetched"));
  expect(running.keys).toHaveLength(1);
});

test("a later set replaces; the set of another centre counts for nothing", async () => {
  answer(set(2, "00000002", "00000003"));
  const running = begin({ central: "https://elsewhere.example", set: set(9, "00ab12ff") });
  expect(running.keys).toBeNull();
  await until("the set", () => running.keys?.length === 2);
  expect(events).toEqual(["code-keys.kept"]);
});

test("an unknown key asks the centre once in ten minutes", async () => {
  answer(set(1, "00ab12ff"));
  const running = begin();
  await until("the set", () => running.keys !== null);
  answer(set(2, "00ab12ff", "00000002"));
  for (let scan = 0; scan < 5; scan += 1) running.unknownKey();
  await until("the later set", () => running.keys?.length === 2);
  running.unknownKey();
  mono += 11 * 60_000;
  running.unknownKey();
  await asked(3);
  expect(centre.otherPaths.filter((path) => path === "/v1/keys")).toHaveLength(3);
});

test("a machine that comes to a centre after its start has its keys at once, whatever it kept of another", async () => {
  answer(set(2, "00ab12ff"));
  belongsTo = null;
  const running = begin({ central: "https://elsewhere.example", set: set(9, "11ab12ff") });
  expect(running.keys).toBeNull();
  belongsTo = centre.url;
  running.moved();
  await until("the set", () => running.keys?.[0]?.kid === "00ab12ff");
  expect(kept).toEqual([{ central: centre.url, set: set(2, "00ab12ff") }]);
  belongsTo = "https://elsewhere.example";
  expect(running.keys).toBeNull();
});
