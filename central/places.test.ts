import { createPublicKey, randomUUID, verify } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TokenReply } from "../contract/people.ts";
import { readPlaceCode } from "../contract/signed-code.ts";
import { Device, newCheckpoint, Rig } from "../testing/central-rig.ts";

let rig: Rig;
let owner: TokenReply;
let checkpointId: string;
let device: Device;

beforeEach(async () => {
  rig = await Rig.start();
  ({ owner, checkpointId } = await rig.checkpoint());
  device = new Device(checkpointId, rig.clock);
});
afterEach(() => rig[Symbol.asyncDispose]());

const add = (token: string, phone: string, role = "scanner", id = randomUUID()) =>
  rig.call("POST", `/v1/checkpoints/${checkpointId}/staff`, {
    body: { id, phone, display_name: "Trần Thị Thử", role },
    token,
  });
const remove = (token: string, staffId: string) =>
  rig.call("DELETE", `/v1/checkpoints/${checkpointId}/staff/${staffId}`, { token });
const staffList = (token: string) => rig.call("GET", `/v1/checkpoints/${checkpointId}/staff`, { token });
const list = (token: string, query = "") =>
  rig.call("GET", `/v1/checkpoints/${checkpointId}/entries${query}`, { token });
const type = (reply: { body: { type: string } }) => reply.body.type.split("/").at(-1);

describe("checkpoints", () => {
  test("the same place again is the same place; other content under its id is refused", async () => {
    const create = (body: unknown, token = owner.access_token) => rig.call("POST", "/v1/checkpoints", { body, token });
    const again = await create(newCheckpoint(checkpointId));
    expect(again.status).toBe(201);
    expect(again.body).toMatchObject({
      id: checkpointId,
      role: "owner",
      kind_status: "declared",
      policy: { record_when_expired: true, rescan_s: 3 },
    });
    expect(type(await create({ ...newCheckpoint(checkpointId), name: "Khác" }))).toBe("id_conflict");
    const other = await rig.signIn("0900000007", "owner");
    expect(type(await create(newCheckpoint(checkpointId), other.access_token))).toBe("id_conflict");
    expect((await rig.call("GET", "/v1/me/checkpoints", { token: owner.access_token })).body.items).toHaveLength(1);
  });

  test("staff may not register places, and a wrong form is answered field by field", async () => {
    const { tokens } = await rig.staff(owner, checkpointId, "0900000002");
    const body = newCheckpoint(randomUUID());
    expect(type(await rig.call("POST", "/v1/checkpoints", { body, token: tokens.access_token }))).toBe("forbidden");
    const wrong = await rig.call("POST", "/v1/checkpoints", {
      body: { ...body, address: { ...body.address, province_code: "1" } },
      token: owner.access_token,
    });
    expect(wrong.body).toMatchObject({ status: 422, errors: [{ pointer: "/address/province_code" }] });
  });
});

test("a place code is signed by a key the centre publishes, and is the same text each time", async () => {
  const [place] = (await rig.call("GET", "/v1/me/checkpoints", { token: owner.access_token })).body.items;
  const published = await rig.call("GET", "/v1/keys");
  const code = readPlaceCode(place.place_code.text);
  if (code === null || code === "damaged") throw new Error("it is a place code");
  expect(code).toMatchObject({ checkpointId, kid: published.body.keys[0].kid });
  const key = createPublicKey({ key: published.body.keys[0], format: "jwk" });
  expect(verify(null, code.message, key, code.signature)).toBe(true);
  expect(place.place_code.text.startsWith(`${rig.url.toUpperCase()}/TQP/`)).toBe(true);
  const etag = published.headers.get("etag") ?? "";
  expect((await rig.call("GET", "/v1/keys", { headers: { "if-none-match": etag } })).status).toBe(304);

  await rig.stop();
  await rig.start({ publicUrl: "https://qr.example.vn" });
  const { access_token } = await rig.signIn("0900000001", "owner");
  const [again] = (await rig.call("GET", "/v1/me/checkpoints", { token: access_token })).body.items;
  const signed = place.place_code.text.slice(place.place_code.text.indexOf("/TQP/"));
  expect(again.place_code.text).toBe(`HTTPS://QR.EXAMPLE.VN${signed}`);
});

describe("staff", () => {
  test("a supervisor sees, adds and removes scanners only", async () => {
    const { tokens } = await rig.staff(owner, checkpointId, "0900000002", "supervisor");
    const added = await add(tokens.access_token, "0900000003");
    expect(added.body).toMatchObject({ role: "scanner", phone_masked: "090••••003", last_seen: null });
    expect(type(await add(tokens.access_token, "0900000004", "supervisor"))).toBe("role_too_high");
    expect((await staffList(tokens.access_token)).body.items).toHaveLength(1);
    const all = (await staffList(owner.access_token)).body.items;
    expect(all).toHaveLength(3);
    const ownGrant = all.find(({ role }: { role: string }) => role === "owner").staff_id;
    expect(type(await remove(tokens.access_token, ownGrant))).toBe("role_too_high");
    expect(type(await remove(owner.access_token, ownGrant))).toBe("last_owner");
    expect((await remove(tokens.access_token, added.body.staff_id)).status).toBe(204);
    expect((await remove(tokens.access_token, added.body.staff_id)).status).toBe(204);
  });

  test("a phone is staff once; adding is idempotent by content", async () => {
    const id = randomUUID();
    const first = await add(owner.access_token, "0900000002", "scanner", id);
    expect((await add(owner.access_token, "+84900000002", "scanner", id)).body).toEqual(first.body);
    expect(type(await add(owner.access_token, "0900000005", "scanner", id))).toBe("id_conflict");
    const twice = await add(owner.access_token, "0900000002");
    expect(twice.body).toMatchObject({ status: 409, staff_id: id });
  });

  test("strangers and scanners are refused, and cannot tell a foreign place from none", async () => {
    const stranger = await rig.signIn("0900000008", "owner");
    const { tokens } = await rig.staff(owner, checkpointId, "0900000002");
    for (const token of [stranger.access_token, tokens.access_token]) {
      expect(type(await staffList(token))).toBe("forbidden");
      expect(type(await add(token, "0900000009"))).toBe("forbidden");
    }
    const foreign = await list(stranger.access_token);
    const none = await rig.call("GET", `/v1/checkpoints/${randomUUID()}/entries`, { token: stranger.access_token });
    expect(foreign.body).toEqual(none.body);
  });

  test("removed staff loses the place at once; what was scanned before is still taken", async () => {
    const { tokens, staffId } = await rig.staff(owner, checkpointId, "0900000002");
    // It is signed in on the machine itself.
    await rig.enrolled(device, await rig.key);
    const by = { staff_ref: tokens.person.ref };
    const before = device.entry(by);
    rig.clock.advance(60_000);
    await remove(owner.access_token, staffId);
    rig.clock.advance(60_000);
    const after = device.entry(by);
    const uncertain = device.entry({ ...by, clock_state: "unknown", boot_id: "an earlier boot" });
    expect((await list(tokens.access_token)).status).toBe(403);
    const reply = await rig.upload(tokens.access_token, device, [before, after, uncertain]);
    expect(reply.body.results).toMatchObject([{ status: "stored" }, { status: "stored" }, { status: "stored" }]);
    const shown = (await list(owner.access_token)).body.items.map(({ entry_id }: { entry_id: string }) => entry_id);
    expect(shown.toSorted()).toEqual([before.id, uncertain.id].toSorted());
    const renewed = await rig.call("POST", "/v1/auth/token", {
      body: { grant_type: "refresh_token", refresh_token: tokens.refresh_token },
    });
    expect(renewed.body.roles ?? []).toEqual([]);
  });
});

describe("the masked list", () => {
  test("shows what happened by corrected time, and pages by arrival", async () => {
    const late = device.entry({ mono_ms: rig.clock.now() - 3_600_000 });
    await rig.upload(owner.access_token, device, [device.person("079099000002", "Lê Văn Giả"), late]);
    const page = (await list(owner.access_token)).body;
    expect(page.items.map(({ entry_id }: { entry_id: string }) => entry_id).at(-1)).toBe(late.id);
    expect(page).toMatchObject({ masked: true, inside_now: 2 });
    expect(page.items[1].at).toBe(new Date(rig.clock.now() - 3_600_000).toISOString());
    const next = [device.entry({ direction: "out" }), device.entry(), device.entry()];
    await rig.upload(owner.access_token, device, next);
    const ids: string[] = [];
    let cursor = page.cursor;
    for (let pages = 0; pages < 2; pages += 1) {
      const more = (await list(owner.access_token, `?limit=2&after=${cursor}`)).body;
      ids.push(...more.items.map(({ entry_id }: { entry_id: string }) => entry_id));
      cursor = more.cursor;
    }
    expect(ids).toEqual(next.map(({ id }) => id));
    expect(type(await list(owner.access_token, "?after=made-up"))).toBe("cursor_expired");
    expect((await list(owner.access_token, "?direction=out")).body.items).toHaveLength(1);
    expect((await list(owner.access_token, "?limit=0")).status).toBe(422);
  });

  test("holds nothing of the person but the masked name and number", async () => {
    await rig.upload(owner.access_token, device, [device.entry()]);
    const { text } = await list(owner.access_token);
    for (const secret of ["079099000001", "Nguyễn", "99000", "1990", "raw", "sha256"])
      expect(text).not.toContain(secret);
  });

  test("a scanner sees the last 20 of 15 minutes, whatever it asks", async () => {
    const { tokens } = await rig.staff(owner, checkpointId, "0900000002");
    await rig.upload(tokens.access_token, device, [device.entry()]);
    rig.clock.advance(14 * 60_000);
    const renewed = await rig.call("POST", "/v1/auth/token", {
      body: { grant_type: "refresh_token", refresh_token: tokens.refresh_token },
    });
    const token = renewed.body.access_token;
    expect((await list(token)).body.items).toHaveLength(1);
    rig.clock.advance(61_000);
    expect((await list(token)).body.items).toHaveLength(0);
    await rig.upload(
      token,
      device,
      Array.from({ length: 30 }, () => device.entry()),
    );
    expect((await list(token, "?limit=100")).body.items).toHaveLength(20);
  });
});
