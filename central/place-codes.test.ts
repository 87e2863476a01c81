import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TokenReply } from "../contract/people.ts";
import { placeCodeText, placeMessage, readPlaceCode } from "../contract/signed-code.ts";
import { Device, newCheckpoint, OpenStream, type Reply, Rig } from "../testing/central-rig.ts";
import { until } from "../testing/until.ts";

let rig: Rig;
let owner: TokenReply;
let placeId: string;
let text: string;

beforeEach(async () => {
  rig = await Rig.start();
  ({ owner, checkpointId: placeId } = await rig.checkpoint());
  text = (await place()).place_code.text;
});
afterEach(() => rig[Symbol.asyncDispose]());

const check = (scanned: string) => rig.call("POST", "/v1/place-codes:check", { body: { text: scanned } });
const place = async (id = placeId) =>
  (await rig.call("GET", `/v1/checkpoints/${id}`, { token: owner.access_token })).body;
const act = (action: string, body: object, id = placeId) =>
  rig.call("POST", `/v1/checkpoints/${id}:${action}`, { body, token: owner.access_token });
const verdict = async (scanned: string) => (await check(scanned)).body.verdict;
/** The code with the letter at `at` of its signed part changed. */
const changed = (code: string, at: number) => {
  const from = code.indexOf("/TQP/") + 5 + at;
  return code.slice(0, from) + (code[from] === "A" ? "B" : "A") + code.slice(from + 1);
};

test("a code is genuine until a new one is issued; then its poster is outdated, and the new one is of the next number", async () => {
  expect((await check(` ${text}\n`)).body).toEqual({
    verdict: "genuine",
    place: {
      name: "Cổng thử nghiệm",
      part: null,
      address_line: "S• • P•• T••, Phường Ba Đình, Thành phố Hà Nội",
      state: "active",
      merged: false,
    },
    code: { number: 1, current_number: 1, issued_on: "2026-03-02" },
  });
  rig.clock.advance(3 * 86_400_000);
  owner = await rig.signIn("0900000001", "owner");
  const renewed = await act("reissue-code", { reason: "áp phích bị xé" });
  expect(renewed.body.place_code).toMatchObject({ number: 2, issued_on: "2026-03-05" });
  expect((await check(text)).body).toMatchObject({
    verdict: "outdated",
    code: { number: 1, current_number: 2, issued_on: "2026-03-02" },
  });
  expect(await verdict(renewed.body.place_code.text)).toBe("genuine");
  expect((await place()).place_code.text).toBe(renewed.body.place_code.text);
});

test("forged: any letter changed, another's signature, or a key this centre does not have", async () => {
  await act("reissue-code", { reason: "thử" });
  const second = (await place()).place_code.text;
  for (const code of [text, second]) {
    for (const at of [10, 20, 34, 40, 60, 120])
      expect(await verdict(changed(code, at)), `letter ${at}`).not.toBe("genuine");
    // Past the version and the key.
    for (const at of [12, 30, 60, 120]) expect(await verdict(changed(code, at)), `letter ${at}`).toBe("forged");
  }
  const { privateKey } = generateKeyPairSync("ed25519");
  const read = readPlaceCode(text);
  if (read === null || read === "damaged") throw new Error("it is a place code");
  for (const kid of [read.kid, "00ab12ff"]) {
    const message = placeMessage({ ...read, kid, number: 7 });
    expect(await verdict(placeCodeText(rig.url, message, sign(null, message, privateKey)))).toBe("forged");
    const elsewhere = placeCodeText("https://qr.example.vn", message, sign(null, message, privateKey));
    expect(await verdict(elsewhere)).toBe(kid === read.kid ? "forged" : "foreign");
  }
});

test("foreign and unknown texts of every kind; nothing throws and nothing is told", async () => {
  for (const scanned of ["", "https://qr.tokhaiyte.vn/qr/1", "079099000001|x", "🇻🇳", "=1+1", "x".repeat(2000)]) {
    expect((await check(scanned)).body).toEqual({ verdict: "foreign", place: null, code: null });
  }
  expect(await verdict(text.slice(0, -3))).toBe("unknown");
  expect((await check("x".repeat(2001))).status).toBe(422);
  expect((await rig.call("POST", "/v1/place-codes:check", { body: [] })).status).toBe(400);
  const other = await Rig.start();
  const { owner: stranger } = await other.checkpoint();
  const [theirs] = (await other.call("GET", "/v1/me/checkpoints", { token: stranger.access_token })).body.items;
  expect(await verdict(theirs.place_code.text)).toBe("foreign");
  await other[Symbol.asyncDispose]();
});

test("a suspended or closed place says so; a merged one answers with the place that goes on", async () => {
  await act("suspend", { reason: "sửa cửa" });
  expect((await check(text)).body).toMatchObject({ verdict: "genuine", place: { state: "suspended" } });
  const make = async (name: string) =>
    (
      await rig.call("POST", "/v1/checkpoints", {
        body: { ...newCheckpoint(randomUUID()), name },
        token: owner.access_token,
      })
    ).body.id;
  const [second, third] = [await make("Cổng hai"), await make("Cổng ba")];
  await act("merge", { into: second, reason: "gộp" });
  await act("merge", { into: third, reason: "gộp nữa" }, second);
  expect((await check(text)).body).toMatchObject({
    verdict: "genuine",
    place: { name: "Cổng ba", state: "active", merged: true },
  });
  await act("close", { reason: "hết" }, third);
  expect((await check(text)).body.place).toMatchObject({ state: "closed" });
});

test("entries of a merged place are in the list and the counts of the one that goes on", async () => {
  const device = new Device(placeId, rig.clock);
  await rig.upload(owner.access_token, device, [device.person("079099000001", "Nguyễn Văn Giả")]);
  const into = (
    await rig.call("POST", "/v1/checkpoints", {
      body: { ...newCheckpoint(randomUUID()), name: "Cổng hai" },
      token: owner.access_token,
    })
  ).body.id;
  await act("merge", { into, reason: "gộp" });
  const list = (id: string): Promise<Reply> =>
    rig.call("GET", `/v1/checkpoints/${id}/entries`, { token: owner.access_token });
  expect((await list(into)).body).toMatchObject({ inside_now: 1, items: [{ direction: "in" }] });
  // The gate that has not heard of it goes on, and its rows are seen there too.
  await rig.upload(owner.access_token, device, [device.person("079099000002", "Lê Văn Giả")]);
  expect((await list(into)).body.inside_now).toBe(2);
  expect((await list(placeId)).body.items).toHaveLength(2);
});

test("an open live list of the place that goes on is told, and follows the merged one from then on", async () => {
  const into = (
    await rig.call("POST", "/v1/checkpoints", {
      body: { ...newCheckpoint(randomUUID()), name: "Cổng hai" },
      token: owner.access_token,
    })
  ).body.id;
  await using stream = await OpenStream.open(rig, into, owner.access_token);
  await until("the counts", () => stream.named("count").length > 0);
  await act("merge", { into, reason: "gộp" });
  await until("the reset", () => stream.named("reset").length > 0);
  const device = new Device(placeId, rig.clock);
  await rig.upload(owner.access_token, device, [device.person("079099000001", "Nguyễn Văn Giả")]);
  await until("the entry", () => stream.named("entry").length > 0);
  await until("its count", () => stream.named("count").at(-1)?.data.inside_now === 1);
});

test("asking is bounded per address", async () => {
  const replies = await Promise.all(Array.from({ length: 130 }, () => check(text)));
  const limited = replies.filter(({ status }) => status === 429);
  expect(limited).toHaveLength(10);
  expect(Number(limited[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
});
