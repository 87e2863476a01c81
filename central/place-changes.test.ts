import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TokenReply } from "../contract/people.ts";
import { maxPlacesOwned } from "../contract/places.ts";
import { Device, newCheckpoint, type Reply, Rig } from "../testing/central-rig.ts";
import { backToVersion } from "../testing/older-central.ts";
import { sqliteMigrations } from "./store/migrations.ts";
import { openStore } from "./store/store.ts";

let rig: Rig;
let owner: TokenReply;
let placeId: string;

beforeEach(async () => {
  rig = await Rig.start();
  ({ owner, checkpointId: placeId } = await rig.checkpoint());
});
afterEach(() => rig[Symbol.asyncDispose]());

const type = (reply: Reply) => reply.body.type?.split("/").at(-1);
const create = (change: object, token = owner.access_token) =>
  rig.call("POST", "/v1/checkpoints", { body: { ...newCheckpoint(randomUUID()), ...change }, token });
const read = (id = placeId, token = owner.access_token, headers: Record<string, string> = {}) =>
  rig.call("GET", `/v1/checkpoints/${id}`, { token, headers });
const edit = (body: object, version: number, id = placeId, token = owner.access_token) =>
  rig.call("PATCH", `/v1/checkpoints/${id}`, { body, token, headers: { "if-match": `"${version}"` } });
const act = (action: string, body: object, id = placeId, token = owner.access_token) =>
  rig.call("POST", `/v1/checkpoints/${id}:${action}`, { body, token });
const child = async (parent: string, label: string): Promise<string> => {
  const reply = await create({
    parent_id: parent,
    part: { type: "floor", label },
    name: label,
    address: undefined,
    retention_days: undefined,
  });
  if (reply.status !== 201) throw new Error(reply.text);
  return reply.body.id;
};

describe("what is written", () => {
  test.each([
    ["every Vietnamese letter", "Ấn Ậm Ẵng Ỷ Ỹ Đường ỡ ự ặ ễ"],
    ["emoji", "Trạm 👩‍⚕️ 🇻🇳"],
    ["markup", '<script>alert("1")</script>'],
    ["a formula", '=HYPERLINK("http://evil.example","x")'],
    ["quotes of SQL", "'; DROP TABLE checkpoint; --"],
  ])("%s stays as it is, in name and address", async (_, text) => {
    const made = await create({
      name: text.normalize("NFD"),
      address: { ...newCheckpoint("").address, line: text },
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: text, address: { line: text, commune_name: "Phường Ba Đình" } });
    expect((await read(made.body.id)).body.name).toBe(text);
  });

  test("300 characters, controls alone and a wrong phone are refused at their fields", async () => {
    const long = "ệ".repeat(300);
    const wrong = await create({
      name: long,
      address: { ...newCheckpoint("").address, line: long },
      retention_days: 0,
    });
    const pointers = wrong.body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers.toSorted()).toEqual(["/address/line", "/name", "/retention_days"]);
    expect(wrong.text).not.toContain("ệ");
    expect((await create({ name: "\u202e\u0000\n" })).body.errors).toMatchObject([{ pointer: "/name" }]);
    expect((await create({ phone: "1234567890" })).body.errors).toMatchObject([{ pointer: "/phone" }]);
    expect((await create({ name: "Cổng\u202e A\u200b\n B" })).body.name).toBe("Cổng A B");
  });

  test.each([
    ["+84 90 000 0009", "0900000009"],
    ["0084900000009", "0900000009"],
    ["(+84-24) 3825.0000", "02438250000"],
    ["+84 (0) 24 3825 0000", "02438250000"],
    ["０９００００００９９", "0900000099"],
  ])("the phone %s is a phone", async (phone, normal) => {
    const made = await create({ phone });
    expect((await read(made.body.id)).body.phone).toBe(normal);
  });

  test("fields nobody may set are not set", async () => {
    const made = await create({
      kind: "hospital",
      kind_status: "approved",
      full_view: true,
      state: "closed",
      version: 9,
      role: "scanner",
      policy: { full_view: true, rescan_s: 5 },
      created_by: "x",
    });
    expect(made.body).toMatchObject({
      kind_status: "declared",
      full_view: false,
      state: "active",
      version: 1,
      role: "owner",
      policy: { full_view: false, rescan_s: 5, late_scans: "hold", record_when_expired: true },
    });
  });
});

describe("units", () => {
  const at = (address: object) => create({ address: { line: "Số 1", ...address } });

  test("units of no list, of another province or of a list that is gone are refused, with what they could be", async () => {
    expect((await at({ province_code: "99", commune_code: "00004" })).body).toMatchObject({
      status: 422,
      errors: [{ pointer: "/address/province_code", code: "unknown" }],
    });
    const elsewhere = await at({ province_code: "96", commune_code: "00004" });
    expect(type(elsewhere)).toBe("unknown_unit");
    expect(elsewhere.body).toMatchObject({
      errors: [{ pointer: "/address/commune_code", code: "not_in_province" }],
      candidates: [{ code: "00004", detail: "Thành phố Hà Nội" }],
    });
    const gone = await at({ province_code: "01", commune_code: "00001" });
    expect(gone.body.candidates).toEqual([{ code: "00097", name: "Phường Hồng Hà", detail: "Thành phố Hà Nội" }]);
    expect((await at({ province_code: "60", commune_code: "00004" })).body.candidates).toMatchObject([{ code: "68" }]);
    const version = { units_version: "2019", province_code: "01", commune_code: "00004" };
    expect((await at(version)).body.errors).toMatchObject([{ pointer: "/address/units_version" }]);
    expect((await at({ province_code: "01" })).body.errors).toMatchObject([{ pointer: "/address/commune_code" }]);
    expect((await at({})).body.status).toBe(422);
  });

  test("a former address alone is mapped where that is clear, else its candidates are told", async () => {
    const former = { province_code: "01", district_code: "001", commune_code: "00001" };
    const made = await at({ former });
    expect(made.body.address).toMatchObject({
      units_version: "2025-07-01",
      province_code: "01",
      commune_code: "00097",
      former,
    });
    const unclear = await at({ former: { province_code: "01", district_code: "005", commune_code: "00166" } });
    expect(type(unclear)).toBe("unknown_unit");
    expect(unclear.body).toMatchObject({
      errors: [{ pointer: "/address/former/commune_code", code: "ambiguous" }],
      candidates: [{ code: "00160" }, { code: "00166" }],
    });
    const lost = await at({ former: { province_code: "10", district_code: "085", commune_code: "02872" } });
    expect(lost.body.errors).toMatchObject([{ code: "not_mapped" }]);
    expect(lost.body.candidates.length).toBeGreaterThan(0);
    const chosen = { province_code: "01", commune_code: "00166", former: { ...former, district_code: "005" } };
    expect((await at(chosen)).body.errors).toMatchObject([
      { pointer: "/address/former/commune_code", code: "not_in_district" },
    ]);
    expect((await at({ former: { ...former, province_code: "02" } })).body.errors).toMatchObject([
      { pointer: "/address/former/district_code", code: "not_in_province" },
    ]);
  });
});

describe("registering", () => {
  test("a place that looks like one is asked about; strangers learn no id and no house number", async () => {
    const second = { name: "CỔNG  thử-nghiệm", confirm: false };
    const asked = await create(second);
    expect(type(asked)).toBe("looks_like_existing");
    expect(asked.body.candidates).toEqual([
      { id: placeId, name: "Cổng thử nghiệm", detail: "S• • P•• T••, Phường Ba Đình, Thành phố Hà Nội" },
    ]);
    const stranger = await rig.signIn("0900000007", "owner");
    const told = await create(second, stranger.access_token);
    expect(told.body.candidates).toEqual([{ name: "Cổng thử nghiệm", detail: asked.body.candidates[0].detail }]);
    expect((await create({ ...second, confirm: true })).status).toBe(201);
    const elsewhere = { ...newCheckpoint("").address, commune_code: "00070" };
    expect((await create({ ...second, address: elsewhere })).status).toBe(201);
  });

  test("the answer to a lost reply is the same place, confirmed or not", async () => {
    const body = { ...newCheckpoint(randomUUID()), name: "Cổng sau", confirm: false };
    const send = (confirm: boolean) =>
      rig.call("POST", "/v1/checkpoints", { body: { ...body, confirm }, token: owner.access_token });
    const [first, second] = await Promise.all([send(false), send(true)]);
    expect(first.status).toBe(201);
    expect(second.body).toEqual(first.body);
  });

  test("one owner has a bounded number of open places; a closed one makes room", async () => {
    for (let count = 1; count < maxPlacesOwned; count += 1) expect((await create({})).status).toBe(201);
    expect(type(await create({}))).toBe("owner_limit");
    expect((await act("close", { reason: "dọn đi" })).status).toBe(200);
    expect((await create({})).status).toBe(201);
  });
});

describe("changing", () => {
  test("only what is named changes, the version is raised and the change is in the access log", async () => {
    const before = (await read()).body;
    const reply = await edit({ name: "Cổng chính", policy: { late_scans: "refuse" }, legal_basis: "state_duty" }, 1);
    expect(reply.status).toBe(200);
    expect(reply.headers.get("etag")).toBe('"2"');
    expect(reply.body).toMatchObject({
      version: 2,
      name: "Cổng chính",
      policy: { ...before.policy, late_scans: "refuse" },
      legal_basis: "state_duty",
      address: before.address,
      notice: before.notice,
    });
    expect(rig.log).not.toContain("Cổng chính");
    await act("suspend", { reason: "sửa cửa" });
    await act("close", { reason: "dọn đi" });
    await edit({ kind: "factory" }, 4);
    const database = new Database(rig.databasePath, { readonly: true });
    const rows = database.prepare("SELECT action, actor, checkpoint_id FROM access_record ORDER BY seq").all();
    database.close();
    const by = { actor: owner.person.ref, checkpoint_id: placeId };
    expect(rows).toEqual(
      ["place_registered", "place_changed", "place_changed", "place_closed"].map((action) => ({ action, ...by })),
    );
  });

  test("without a version, with an old one, by another role or a stranger nothing changes", async () => {
    const patch = (headers: Record<string, string>) =>
      rig.call("PATCH", `/v1/checkpoints/${placeId}`, { body: { name: "X" }, token: owner.access_token, headers });
    expect(type(await patch({}))).toBe("precondition_required");
    expect(type(await patch({ "if-match": "*" }))).toBe("precondition_required");
    expect((await edit({ name: "A" }, 1)).status).toBe(200);
    const late = await edit({ name: "B" }, 1);
    expect(late.body).toMatchObject({ status: 412, version: 2 });
    expect(type(late)).toBe("version_changed");
    const { tokens } = await rig.staff(owner, placeId, "0900000002", "supervisor");
    const stranger = await rig.signIn("0900000007", "owner");
    for (const token of [tokens.access_token, stranger.access_token]) {
      expect(type(await edit({ name: "C" }, 2, placeId, token))).toBe("forbidden");
      expect(type(await act("close", { reason: "x" }, placeId, token))).toBe("forbidden");
    }
    expect((await read()).body).toMatchObject({ name: "A", version: 2 });
  });

  test("of two owners who edit at once one wins, and the other is told the version", async () => {
    const { tokens } = await rig.staff(owner, placeId, "0900000002", "owner");
    const second = await rig.signIn("0900000002", "owner");
    expect(tokens.roles).toHaveLength(1);
    for (let round = 1; round <= 5; round += 1) {
      const replies = await Promise.all([
        edit({ name: `Một ${round}` }, round),
        edit({ legal_basis: "contract", name: `Hai ${round}` }, round, placeId, second.access_token),
      ]);
      expect(replies.map(({ status }) => status).sort((left, right) => left - right)).toEqual([200, 412]);
      const won = replies.find(({ status }) => status === 200);
      const lost = replies.find(({ status }) => status === 412);
      expect(lost?.body.version).toBe(round + 1);
      expect((await read()).body.name).toBe(won?.body.name);
    }
  });

  test("the notice has the next version when its text changes, and only then", async () => {
    const text = { vi: "Ghi tên để chống dịch.", en: "Names are recorded." };
    expect((await edit({ notice: text }, 1)).body.notice).toEqual({ version: 2, ...text });
    expect((await edit({ notice: text }, 2)).body.notice.version).toBe(2);
    expect((await edit({ notice: { vi: "Khác", en: "" } }, 3)).body.notice).toEqual({ version: 3, vi: "Khác", en: "" });
  });

  test("a place is read with an ETag; a supervisor sees no phone, a scanner no reason", async () => {
    const first = await read();
    const etag = first.headers.get("etag") ?? "";
    expect((await read(placeId, owner.access_token, { "if-none-match": etag })).status).toBe(304);
    // What was read is what is changed: the tag of the detail names its version.
    const byTag = await rig.call("PATCH", `/v1/checkpoints/${placeId}`, {
      body: { name: "Cổng B" },
      token: owner.access_token,
      headers: { "if-match": etag },
    });
    expect(byTag.status).toBe(200);
    expect((await read(placeId, owner.access_token, { "if-none-match": etag })).status).toBe(200);
    const { tokens } = await rig.staff(owner, placeId, "0900000002");
    await act("suspend", { reason: "sửa cửa" });
    expect((await read()).body).toMatchObject({ phone: "0900000001", state_reason: "sửa cửa" });
    expect((await read(placeId, tokens.access_token)).body).toMatchObject({ phone: null, state_reason: null });
  });

  test("the list of one's places has an ETag that changes with them", async () => {
    const list = (headers: Record<string, string> = {}) =>
      rig.call("GET", "/v1/me/checkpoints", { token: owner.access_token, headers });
    const etag = (await list()).headers.get("etag") ?? "";
    expect((await list({ "if-none-match": etag })).status).toBe(304);
    await act("suspend", { reason: "nghỉ" });
    const changed = await list({ "if-none-match": etag });
    expect(changed.body.items).toMatchObject([{ id: placeId, state: "suspended", version: 2 }]);
  });
});

describe("sub-places", () => {
  test("have the parent's address and retention until they set their own, also when those change", async () => {
    const floor = await child(placeId, "Tầng 1");
    const room = await child(floor, "Phòng 101");
    expect((await read(room)).body).toMatchObject({
      part: { type: "floor", label: "Phòng 101" },
      parents: [{ id: floor }, { id: placeId }],
      retention_days: 30,
      inherits: { address: true, retention: true },
    });
    await edit({ retention_days: 7, address: { ...newCheckpoint("").address, line: "Số 2" } }, 1);
    expect((await read(room)).body).toMatchObject({ retention_days: 7, address: { line: "Số 2" } });
    const own = (await read(floor)).body.version;
    await edit({ retention_days: 14 }, own, floor);
    await edit({ retention_days: 9 }, 2);
    expect((await read(floor)).body.retention_days).toBe(14);
    expect((await read(room)).body.retention_days).toBe(14);
    await edit({ retention_days: null }, (await read(floor)).body.version, floor);
    expect((await read(room)).body.retention_days).toBe(9);
    expect((await read()).body.children).toMatchObject([{ id: floor, name: "Tầng 1" }]);
  });

  test("lie four levels deep at most, in no circle, and in no stranger's place", async () => {
    const two = await child(placeId, "Hai");
    const three = await child(two, "Ba");
    const four = await child(three, "Bốn");
    const wrong = (reply: Reply) => reply.body.errors?.[0];
    expect(wrong(await create({ parent_id: four }))).toEqual({ pointer: "/parent_id", code: "parent_depth" });
    expect(wrong(await edit({ parent_id: four }, 1))).toEqual({ pointer: "/parent_id", code: "parent_cycle" });
    expect(wrong(await edit({ parent_id: placeId }, 1))).toEqual({ pointer: "/parent_id", code: "parent_cycle" });
    const other = (await create({})).body.id;
    expect(wrong(await edit({ parent_id: other }, 1))).toEqual({ pointer: "/parent_id", code: "parent_depth" });
    expect((await edit({ parent_id: other }, 1, two)).body).toMatchObject({ parent_id: other });
    expect((await read(four)).body.parents.map(({ id }: { id: string }) => id)).toEqual([three, two, other]);
    const stranger = await rig.signIn("0900000007", "owner");
    for (const parent_id of [placeId, randomUUID()]) {
      expect(wrong(await create({ parent_id }, stranger.access_token))?.code).toBe("parent_not_yours");
    }
    expect((await edit({ parent_id: null, address: null }, 2, two)).body.errors).toMatchObject([
      { pointer: "/address" },
    ]);
  });

  test("two moves at once make no circle", async () => {
    const [a, b] = [await child(placeId, "A"), await child(placeId, "B")];
    const replies = await Promise.all([edit({ parent_id: b }, 1, a), edit({ parent_id: a }, 1, b)]);
    expect(replies.map(({ status }) => status).sort((left, right) => left - right)).toEqual([200, 422]);
  });
});

test("a place of an earlier version has the usual values of what came later", async () => {
  const before = (await read()).body;
  await rig.stop();
  // To before the step that brought states, parts and notices.
  const step = sqliteMigrations.findIndex((text) => text.includes("checkpoint ADD COLUMN state "));
  backToVersion(rig.databasePath, step);
  await rig.start();
  owner = await rig.signIn("0900000001", "owner");
  const { state_since, place_code, ...after } = (await read()).body;
  expect({ ...after, place_code: before.place_code, state_since: before.state_since }).toEqual(before);
  const signed = (text: string) => text.slice(text.indexOf("/TQP/"));
  expect([state_since, signed(place_code.text)]).toEqual([null, signed(before.place_code.text)]);
  expect((await edit({ name: "Cổng mới" }, 1)).body).toMatchObject({ name: "Cổng mới", version: 2 });
});

describe("the end of a place", () => {
  test("suspended and resumed; what is so already stays as it is", async () => {
    expect((await act("suspend", { reason: "sửa cửa" })).body).toMatchObject({ state: "suspended", version: 2 });
    expect((await act("suspend", { reason: "sửa cửa" })).body.version).toBe(2);
    expect((await act("resume", { reason: "xong" })).body).toMatchObject({ state: "active", state_reason: null });
    expect((await act("suspend", {})).status).toBe(422);
  });

  test("a place with open sub-places is not closed; a closed one is closed for good", async () => {
    const floor = await child(placeId, "Tầng 1");
    const refused = await act("close", { reason: "chuyển đi" });
    expect(refused.body).toMatchObject({ status: 409, candidates: [{ id: floor, name: "Tầng 1" }] });
    expect(type(refused)).toBe("open_children");
    await act("close", { reason: "bỏ tầng" }, floor);
    expect((await act("close", { reason: "chuyển đi" })).body).toMatchObject({ state: "closed" });
    for (const reply of [await act("resume", { reason: "x" }), await edit({ name: "X" }, 2)]) {
      expect([reply.status, type(reply)]).toEqual([410, "closed"]);
    }
    expect((await read()).body.state).toBe("closed");
  });

  test("rows made before a place was closed are taken afterwards, and its list is still there", async () => {
    const device = new Device(placeId, rig.clock);
    const row = device.entry();
    await act("close", { reason: "chuyển đi" });
    const reply = await rig.upload(owner.access_token, device, [row]);
    expect(reply.body.results).toMatchObject([{ status: "stored" }]);
    const list = await rig.call("GET", `/v1/checkpoints/${placeId}/entries`, { token: owner.access_token });
    expect(list.body.items).toHaveLength(1);
  });

  test("merged into another place of the same owner only, once, and not into itself", async () => {
    const target = (await create({ name: "Cổng chung" })).body.id;
    const stranger = await rig.signIn("0900000007", "owner");
    const foreign = (await create({}, stranger.access_token)).body.id;
    const wrong = (reply: Reply) => reply.body.errors?.[0];
    expect(wrong(await act("merge", { into: foreign, reason: "x" }))).toEqual({ pointer: "/into", code: "not_yours" });
    expect(wrong(await act("merge", { into: placeId, reason: "x" }))).toEqual({ pointer: "/into", code: "itself" });
    expect((await act("merge", { into: target, reason: "gộp" })).body).toMatchObject({
      state: "merged",
      successor_id: target,
    });
    expect((await act("merge", { into: target, reason: "gộp" })).status).toBe(200);
    expect(type(await act("merge", { into: placeId, reason: "ngược" }, target))).toBe("validation");
    expect((await read(target)).body.merged_from).toMatchObject([{ id: placeId, name: "Cổng thử nghiệm" }]);
  });
});

describe("the kind of a place", () => {
  const official = async (): Promise<TokenReply> => {
    const { store } = openStore(`sqlite:${rig.databasePath}`, rig.clock);
    await store.officials.add(await store.staff.personOf("0930000001", rig.clock.now()), "counts", ["01"]);
    await store.close();
    return rig.signIn("0930000001", "official");
  };

  test("officials page through the places of their units that wait for a decision; nobody else does", async () => {
    const names = Array.from({ length: 5 }, (_, index) => `Bệnh viện ${index}`);
    for (const name of names) expect((await create({ name, kind: "hospital" })).status).toBe(201);
    const elsewhere = { ...newCheckpoint("").address, province_code: "96", commune_code: "32248" };
    expect((await create({ name: "Bệnh viện xa", kind: "hospital", address: elsewhere })).status).toBe(201);
    const { access_token } = await official();
    const list = (query: string, token = access_token) => rig.call("GET", `/v1/checkpoints${query}`, { token });
    const seen: string[] = [];
    for (let after = ""; ; ) {
      const page = await list(`?kind=hospital&kind_status=declared&limit=2${after}`);
      expect(page.status).toBe(200);
      seen.push(...page.body.items.map(({ name }: { name: string }) => name));
      expect(page.text).not.toContain("0900000001");
      if (page.body.cursor === null) break;
      after = `&after=${page.body.cursor}`;
    }
    expect(seen).toEqual(names);
    expect((await list("?kind_status=approved")).body).toEqual({ items: [], cursor: null });
    expect(type(await list("?after=AAAA"))).toBe("cursor_expired");
    expect(type(await list("", owner.access_token))).toBe("forbidden");
  });

  test("is decided once by an official; changing it takes approval and full view back", async () => {
    const hospital = (await create({ kind: "hospital" })).body.id;
    const { access_token } = await official();
    const decide = (decision: string, reference: string) =>
      act("approve-kind", { decision, reference }, hospital, access_token);
    expect((await decide("approve", "QĐ 12/SYT")).body).toEqual({
      id: hospital,
      version: 2,
      kind: "hospital",
      kind_status: "approved",
      kind_decision: { decision: "approve", reference: "QĐ 12/SYT", at: "2026-03-02T03:00:00.000Z" },
    });
    expect((await decide("approve", "QĐ 12/SYT")).body.version).toBe(2);
    expect(type(await decide("approve", "QĐ 13/SYT"))).toBe("already_decided");
    expect((await read(hospital)).body.policy.full_view).toBe(true);
    const doctor = await rig.call("POST", `/v1/checkpoints/${hospital}/staff`, {
      body: { id: randomUUID(), phone: "0920000001", display_name: "Bác sĩ", role: "supervisor", full_view: true },
      token: owner.access_token,
    });
    expect(doctor.body).toMatchObject({ full_view: true });
    const staff = async () =>
      (await rig.call("GET", `/v1/checkpoints/${hospital}/staff`, { token: owner.access_token })).body.items.find(
        ({ role }: { role: string }) => role === "supervisor",
      );
    expect((await edit({ name: "Bệnh viện B" }, 2, hospital)).body.kind_status).toBe("approved");
    expect((await staff()).full_view).toBe(true);
    const changed = await edit({ kind: "quarantine_post" }, 3, hospital);
    expect(changed.body).toMatchObject({ kind_status: "declared", kind_decision: null, policy: { full_view: false } });
    expect((await staff()).full_view).toBe(false);
    await decide("approve", "QĐ 14/SYT");
    expect((await staff()).full_view).toBe(false);
  });
});
