import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { devicesPage, fingerprintOf, ownedDevice, waitingDevice } from "../contract/devices.ts";
import { newProofKey, type ProofKey } from "../contract/dpop.ts";
import { readInvitation } from "../contract/invitation-code.ts";
import type { TokenReply } from "../contract/people.ts";
import { Device, type Reply, Rig } from "../testing/central-rig.ts";

let rig: Rig;
let owner: TokenReply;
let checkpointId: string;
let machine: ProofKey;
let deviceId: string;

beforeEach(async () => {
  rig = await Rig.start();
  ({ owner, checkpointId } = await rig.checkpoint());
  machine = await newProofKey();
  deviceId = randomUUID();
});
afterEach(() => rig[Symbol.asyncDispose]());

const nameOf = (reply: Reply): string => String(reply.body?.type).replace("https://tram-qr.example/problems/", "");
const by = (path: string, body: unknown, token = owner.access_token) => rig.call("POST", path, { body, token });
const ask = (changes: object = {}, key = machine) =>
  rig.call("POST", "/v1/devices:enrol", {
    body: {
      device_id: deviceId,
      public_key: key.publicJwk,
      model: "Mini PC, cong-1",
      app_version: "0.1.0",
      os: "Linux 6.12 x64",
      ...changes,
    },
    key,
  });
const poll = (device_code: string, key = machine) =>
  rig.call("POST", "/v1/devices:token", { body: { device_code }, key });
const invite = async (place = checkpointId, token = owner.access_token): Promise<string> => {
  const reply = await by(`/v1/checkpoints/${place}/device-invitations`, undefined, token);
  expect(reply.status).toBe(201);
  const read = readInvitation(reply.body.text);
  if (read === null || read === "damaged") throw new Error(reply.text);
  expect(read.base).toBe(rig.url);
  return read.secret;
};
const approve = (user_code: string, changes: object = {}, token = owner.access_token) =>
  by(
    "/v1/devices:approve",
    {
      user_code,
      checkpoint_id: checkpointId,
      name: "Cổng chính",
      key_fingerprint: fingerprintOf(machine.thumbprint),
      ...changes,
    },
    token,
  );
/** Enrolled as a person does it, and the machine's own access token. */
const enrol = async (): Promise<string> => {
  const asked = await ask();
  expect((await approve(asked.body.user_code)).status).toBe(200);
  return deviceToken();
};
const deviceToken = async (key = machine): Promise<string> => {
  const reply = await rig.call("POST", "/v1/auth/token", { body: { grant_type: "device", device_id: deviceId }, key });
  expect(reply.status, reply.text).toBe(200);
  return reply.body.access_token;
};
const figures = {
  unsent: 3,
  oldest_unsent_s: 60,
  quarantined: 0,
  last_seq: 9,
  last_acknowledged_seq: 6,
  journal_state: "sound",
  disk_free_bytes: 5_000_000_000,
  wal_bytes: 4096,
  fsync_p99_ms: 1.4,
  app_version: "0.9.1",
  schema_version: 3,
  clock_offset_ms: -250,
  clock_state: "synced",
  key_backend: "file",
  boot_id: "boot-1",
  readers: [{ id: "serial:/dev/ttyACM0", name: "Cổng 1", kind: "serial", state: "ready" }],
};
const beat = (token: string, key = machine) =>
  rig.call("POST", `/v1/devices/${deviceId}/heartbeat`, { body: figures, token, key });
const devices = async (place = checkpointId) => {
  const reply = await rig.call("GET", `/v1/checkpoints/${place}/devices`, { token: owner.access_token });
  return devicesPage.parse(reply.body).items;
};
const secondPlace = async (token = owner.access_token): Promise<string> => {
  const id = randomUUID();
  const reply = await by(
    "/v1/checkpoints",
    {
      id,
      name: "Kho phía sau",
      kind: "factory",
      phone: "0900000001",
      address: { province_code: "01", commune_code: "00070", line: "Số 9 Phố Khác" },
      retention_days: 30,
    },
    token,
  );
  expect(reply.status, reply.text).toBe(201);
  return id;
};

describe("a machine without any place", () => {
  test("asks, is looked at, approved and told so; what it is told twice is the same", async () => {
    const asked = await ask();
    expect(asked.status).toBe(200);
    expect(asked.body).toMatchObject({ expires_in: 600, interval: 5, place_name: null });
    expect(asked.body.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect(asked.body.verification_uri_complete).toContain(`#`);
    expect(nameOf(await poll(asked.body.device_code))).toBe("authorization_pending");

    const typed = asked.body.user_code.toLowerCase().replace("-", " ");
    const seen = waitingDevice.parse((await by("/v1/devices:look-up", { user_code: typed })).body);
    expect(seen).toMatchObject({
      device_id: deviceId,
      model: "Mini PC, cong-1",
      os: "Linux 6.12 x64",
      key_fingerprint: asked.body.key_fingerprint,
      known: "new",
      known_as: null,
    });
    const approved = await approve(typed);
    expect(ownedDevice.parse(approved.body)).toMatchObject({ name: "Cổng chính", state: "enrolled", version: 1 });
    expect((await approve(typed)).body).toEqual(approved.body);

    rig.clock.advance(5_000);
    const told = await poll(asked.body.device_code);
    expect(told.body).toEqual({
      device_id: deviceId,
      name: "Cổng chính",
      checkpoint_id: checkpointId,
      place_name: "Cổng thử nghiệm",
    });
    // A machine without a network for half an hour learns it afterwards.
    rig.clock.advance(1_800_000);
    expect((await poll(asked.body.device_code)).body).toEqual(told.body);
    expect((await beat(await deviceToken())).status).toBe(200);
  });

  test("is told when it asks too often, when it was refused and when its code has ended", async () => {
    const first = (await ask()).body;
    expect(nameOf(await poll(first.device_code))).toBe("authorization_pending");
    rig.clock.advance(1_000);
    const early = await poll(first.device_code);
    expect([early.status, nameOf(early), early.headers.get("retry-after")]).toEqual([400, "slow_down", "10"]);
    rig.clock.advance(5_000);
    expect(nameOf(await poll(first.device_code))).toBe("slow_down");
    rig.clock.advance(15_000);
    expect(nameOf(await poll(first.device_code))).toBe("authorization_pending");
    expect((await by("/v1/devices:deny", { user_code: first.user_code })).status).toBe(204);
    rig.clock.advance(15_000);
    expect(nameOf(await poll(first.device_code))).toBe("access_denied");
    expect(nameOf(await approve(first.user_code))).toBe("already_decided");

    const second = (await ask()).body;
    rig.clock.advance(601_000);
    expect(nameOf(await poll(second.device_code))).toBe("expired_token");
    owner = await rig.signIn("0900000001", "owner");
    expect(nameOf(await approve(second.user_code))).toBe("not_found");
    expect(nameOf(await poll("no-such-code"))).toBe("expired_token");
  });

  test("is not enrolled by a code for another key, nor does another machine learn of it", async () => {
    const thief = await newProofKey();
    expect((await ask({ public_key: thief.publicJwk })).body.errors).toEqual([
      { pointer: "/public_key", code: "other_key" },
    ]);
    const asked = (await ask()).body;
    expect(nameOf(await poll(asked.device_code, thief))).toBe("expired_token");
    const wrong = await approve(asked.user_code, { key_fingerprint: fingerprintOf(thief.thumbprint) });
    expect(wrong.body.errors).toEqual([{ pointer: "/key_fingerprint", code: "other_machine" }]);
    expect((await approve(asked.user_code)).status).toBe(200);
    expect(nameOf(await poll(asked.device_code, thief))).toBe("expired_token");
    const stolen = await rig.call("POST", "/v1/auth/token", {
      body: { grant_type: "device", device_id: deviceId },
      key: thief,
    });
    expect([stolen.status, nameOf(stolen)]).toEqual([403, "device_not_enrolled"]);
  });

  test("is approved by an owner of the place only: not by staff, by another owner, or without a place at all", async () => {
    const asked = (await ask()).body;
    const guard = (await rig.staff(owner, checkpointId, "0900000002", "supervisor")).tokens;
    const stranger = await rig.signIn("0900000009", "owner");
    for (const token of [guard.access_token, stranger.access_token]) {
      expect((await approve(asked.user_code, {}, token)).status).toBe(403);
      expect((await by("/v1/devices:look-up", { user_code: asked.user_code }, token)).status).toBe(403);
      expect((await by("/v1/devices:deny", { user_code: asked.user_code }, token)).status).toBe(403);
      expect((await by(`/v1/checkpoints/${checkpointId}/device-invitations`, undefined, token)).status).toBe(403);
    }
    const other = await rig.checkpoint("0900000008");
    expect((await approve(asked.user_code, {}, other.owner.access_token)).status).toBe(403);
    expect(await devices()).toEqual([]);
  });

  test("guesses of user codes are throttled, and a right one does not help then", async () => {
    const asked = (await ask()).body;
    for (let guess = 0; guess < 10; guess++) {
      expect(nameOf(await by("/v1/devices:look-up", { user_code: "BBBB-BBBB" }))).toBe("not_found");
    }
    const shut = await approve(asked.user_code);
    expect([shut.status, nameOf(shut)]).toEqual([429, "rate_limited"]);
    expect(await devices()).toEqual([]);
  });
});

describe("machines behind one network", () => {
  test("are counted together, whatever address of it they take", async () => {
    await rig.stop();
    await rig.start({ trustedProxies: "127.0.0.1" });
    const from = async (index: number) => {
      const key = await newProofKey();
      return rig.call("POST", "/v1/devices:enrol", {
        body: { device_id: randomUUID(), public_key: key.publicJwk, model: "PC", app_version: "0.1.0", os: "Linux" },
        key,
        headers: { "x-forwarded-for": `2001:db8:1:2::${(index + 1).toString(16)}` },
      });
    };
    for (let index = 0; index < 60; index++) expect((await from(index)).status).toBe(200);
    expect((await from(60)).status).toBe(429);
  });
});

describe("an invitation", () => {
  test("names the place, works for one machine once, and for that one again when its answer was lost", async () => {
    const invitation = await invite();
    const first = await ask({ invitation });
    expect(first.body.place_name).toBe("Cổng thử nghiệm");
    const again = await ask({ invitation });
    expect(again.status).toBe(200);
    // Of the two codes of one machine only the newest counts.
    expect(nameOf(await by("/v1/devices:look-up", { user_code: first.body.user_code }))).toBe("not_found");
    const seen = await by("/v1/devices:look-up", { user_code: again.body.user_code });
    expect(seen.body.invited_checkpoint_id).toBe(checkpointId);

    const other = await newProofKey();
    const second = await ask({ invitation, device_id: randomUUID() }, other);
    expect([second.status, nameOf(second)]).toEqual([410, "invitation_ended"]);
    expect(nameOf(await ask({ invitation }, other))).toBe("invitation_ended");
  });

  test("two machines that show one at the same time: one of them is taken", async () => {
    const invitation = await invite();
    const keys = await Promise.all(Array.from({ length: 6 }, () => newProofKey()));
    const replies = await Promise.all(keys.map((key) => ask({ invitation, device_id: randomUUID() }, key)));
    expect(replies.map(({ status }) => String(status)).sort()).toEqual(["200", "410", "410", "410", "410", "410"]);
  });

  test("that has ended, is another centre's or was made up is refused; nothing of it lies in the file or the log", async () => {
    const invitation = await invite();
    const { user_code, device_code } = (await ask({ invitation })).body;
    const file = new Database(rig.databasePath, { readonly: true });
    const rows = ["device_request", "device_invitation"].flatMap((table) =>
      file.prepare(`SELECT * FROM ${table}`).all(),
    );
    file.close();
    for (const secret of [invitation, user_code, device_code]) {
      expect(JSON.stringify(rows)).not.toContain(secret);
      expect(rig.log).not.toContain(secret);
    }
    const late = await invite();
    rig.clock.advance(601_000);
    expect(nameOf(await ask({ invitation: late }))).toBe("invitation_ended");
    expect(nameOf(await ask({ invitation: "A".repeat(32) }))).toBe("invitation_ended");
    expect((await ask({ invitation: "short" })).status).toBe(422);
  });
});

describe("a machine that is known", () => {
  test("with another key is its owner's decision, and the old key ends with all sign-ins under it", async () => {
    const before = await enrol();
    expect((await beat(before)).status).toBe(200);
    await rig.staff(owner, checkpointId, "0900000002");
    rig.clock.advance(61_000);
    const own = rig.key;
    rig.key = Promise.resolve(machine);
    const guard = (await rig.signIn("0900000002", "staff")).access_token;
    rig.key = own;
    const places = (key: ProofKey) => rig.call("GET", "/v1/me/checkpoints", { token: guard, key });
    expect((await places(machine)).status).toBe(200);

    const old = machine;
    machine = await newProofKey();
    const asked = (await ask()).body;
    expect((await by("/v1/devices:look-up", { user_code: asked.user_code })).body).toMatchObject({
      known: "other-key",
      known_as: { name: "Cổng chính", checkpoint_id: checkpointId },
    });
    expect((await approve(asked.user_code)).body.errors).toEqual([{ pointer: "/replace_key", code: "other_key" }]);
    expect((await beat(before, old)).status).toBe(200);
    expect((await approve(asked.user_code, { replace_key: true })).body).toMatchObject({ version: 2 });
    expect((await beat(before, old)).status).toBe(401);
    expect((await places(old)).status).toBe(401);
    expect((await beat(await deviceToken())).status).toBe(200);
  });

  test("is not taken over by another owner, with or without its key, until it was removed and proves it", async () => {
    await enrol();
    const thief = await rig.checkpoint("0900000008");
    const place = { checkpoint_id: thief.checkpointId };
    const token = thief.owner.access_token;
    const old = machine;
    for (const key of [old, await newProofKey()]) {
      machine = key;
      const asked = (await ask()).body;
      const seen = (await by("/v1/devices:look-up", { user_code: asked.user_code }, token)).body;
      expect(seen).toMatchObject({ known: "elsewhere", known_as: null });
      const refused = await approve(asked.user_code, { ...place, replace_key: true }, token);
      expect([refused.status, refused.body.reason]).toEqual([403, "elsewhere"]);
    }
    machine = old;
    await rig.call("DELETE", `/v1/devices/${deviceId}`, { token: owner.access_token });
    const sold = (await ask()).body;
    expect((await approve(sold.user_code, place, token)).status).toBe(200);
    expect(await devices()).toEqual([]);
  });

  test("is renamed and set up by If-Match; of two owners at once one is asked to look again", async () => {
    await enrol();
    const change = (body: object, version: number) =>
      rig.call("PATCH", `/v1/devices/${deviceId}`, {
        body,
        token: owner.access_token,
        headers: { "if-match": `"${version}"` },
      });
    const both = await Promise.all([change({ name: "Cổng  A " }, 1), change({ name: "Cổng B" }, 1)]);
    expect(both.map(({ status }) => String(status)).sort()).toEqual(["200", "412"]);
    expect(both.find(({ status }) => status === 412)?.body).toMatchObject({ version: 2 });
    const set = await change({ settings: { camera: "off" } }, 2);
    expect(set.body.settings).toEqual({ camera: "off" });
    expect(set.headers.get("etag")).toBe('"3"');
    expect((await change({ settings: { camera: "always" } }, 3)).body.settings).toEqual({ camera: "always" });
    expect((await change({ name: "" }, 4)).status).toBe(422);
    expect((await change({ state: "revoked", enrolled_at: 0 }, 4)).body).toMatchObject({ state: "enrolled" });
  });

  test("is told its configuration by ETag, in the heartbeat too, and what it should be updated to", async () => {
    await rig.stop();
    await rig.start({ minVersion: "0.10.0" });
    owner = await rig.signIn("0900000001", "owner");
    const token = await enrol();
    const config = (etag?: string) =>
      rig.call("GET", `/v1/devices/${deviceId}/config`, {
        token,
        key: machine,
        headers: etag === undefined ? {} : { "if-none-match": etag },
      });
    const first = await config();
    expect(first.body).toMatchObject({
      device_id: deviceId,
      enrolled: true,
      place: { id: checkpointId, state: "active", policy: { rescan_s: 3, late_scans: "hold" } },
      min_version: "0.10.0",
    });
    const etag = String(first.headers.get("etag"));
    const told = (await beat(token)).body;
    expect(told).toMatchObject({ config_etag: etag, min_version: "0.10.0" });
    expect((await config(etag)).status).toBe(304);
    expect((await devices())[0]).toMatchObject({ version_current: false });
    await rig.call("PATCH", `/v1/devices/${deviceId}`, {
      body: { settings: { camera: "always" } },
      token: owner.access_token,
      headers: { "if-match": '"1"' },
    });
    expect((await config(etag)).body.settings.camera).toBe("always");
  });

  test("is seen by owners and supervisors with all it told, and called silent after some minutes", async () => {
    const token = await enrol();
    await beat(token);
    expect((await devices())[0]).toMatchObject({
      name: "Cổng chính",
      unsent: 3,
      oldest_unsent_s: 60,
      app_version: "0.9.1",
      clock_state: "synced",
      clock_offset_ms: -250,
      disk_free_bytes: 5_000_000_000,
      journal_state: "sound",
      key_backend: "file",
      readers: figures.readers,
      silent_for_s: null,
      last_contact: new Date(rig.clock.now()).toISOString(),
    });
    rig.clock.advance(400_000);
    expect((await devices())[0]?.silent_for_s).toBe(400);
    const guard = (await rig.staff(owner, checkpointId, "0900000002")).tokens.access_token;
    expect((await rig.call("GET", `/v1/checkpoints/${checkpointId}/devices`, { token: guard })).status).toBe(403);
    const stranger = (await rig.checkpoint("0900000008")).owner.access_token;
    expect((await rig.call("GET", `/v1/checkpoints/${checkpointId}/devices`, { token: stranger })).status).toBe(403);
    for (const [method, body] of [
      ["PATCH", { name: "x" }],
      ["DELETE", undefined],
    ] as const) {
      const reply = await rig.call(method, `/v1/devices/${deviceId}`, {
        body,
        token: stranger,
        headers: { "if-match": '"1"' },
      });
      expect(reply.status).toBe(403);
    }
    expect((await devices())[0]?.state).toBe("enrolled");
  });
});

describe("an owner's sign-in on a gate", () => {
  test("names no owner, removes none, moves and revokes no machine, decides about no held scan", async () => {
    await enrol();
    const { tokens } = await rig.staff(owner, checkpointId, "0900000003", "owner");
    const staffOf = `/v1/checkpoints/${checkpointId}/staff`;
    const { body } = await rig.call("GET", staffOf, { token: owner.access_token });
    const first = body.items.find(({ added_at }: { added_at: string }) => added_at !== undefined);
    const token = tokens.access_token;
    const add = (role: string) =>
      by(staffOf, { id: randomUUID(), phone: "0900000004", display_name: "Người Lạ", role }, token);
    expect([(await add("owner")).status, (await add("supervisor")).status]).toEqual([403, 403]);
    expect((await rig.call("DELETE", `${staffOf}/${first.staff_id}`, { token })).status).toBe(403);
    const changes = { body: { name: "Của tôi" }, token, headers: { "if-match": '"1"' } };
    expect((await rig.call("PATCH", `/v1/devices/${deviceId}`, changes)).status).toBe(403);
    expect((await rig.call("DELETE", `/v1/devices/${deviceId}`, { token })).status).toBe(403);
    const decision = { entry_ids: [randomUUID()], reason: "thử" };
    expect((await by(`/v1/checkpoints/${checkpointId}/held-scans:accept`, decision, token)).status).toBe(403);
    expect((await devices())[0]).toMatchObject({ name: "Cổng chính", state: "enrolled" });
    // What a supervisor does at a gate it may do as well.
    expect((await add("scanner")).status).toBe(201);
  });

  test("both places read of a machine that was moved", async () => {
    await enrol();
    const there = await secondPlace();
    const moved = await rig.call("PATCH", `/v1/devices/${deviceId}`, {
      body: { checkpoint_id: there },
      token: owner.access_token,
      headers: { "if-match": `"${(await devices())[0]?.version}"` },
    });
    expect(moved.status).toBe(200);
    for (const place of [checkpointId, there]) {
      const { body } = await rig.call("GET", `/v1/access-records?checkpoint_id=${place}`, {
        token: owner.access_token,
      });
      expect(body.items[0]).toMatchObject({ action: "device_changed", objects: [deviceId] });
    }
  });
});

describe("uploads and heartbeats", () => {
  const entries = (device: Device, changes: object[]) => changes.map((change) => device.entry(change));
  const upload = (device: Device, items: unknown[], token: string, key = machine) =>
    rig.call("POST", "/v1/entries:batch", { body: { ...device.batch(items), device_id: deviceId }, token, key });
  const statuses = (reply: Reply) => reply.body.results.map(({ status }: { status: string }) => status);
  const shown = async (place = checkpointId): Promise<number> => {
    owner = await rig.signIn("0900000001", "owner");
    const reply = await rig.call("GET", `/v1/checkpoints/${place}/entries`, { token: owner.access_token });
    return reply.body.items.length;
  };

  test("of a machine nobody enrolled are refused, whoever is signed in on it", async () => {
    const guard = (await rig.staff(owner, checkpointId, "0900000002")).tokens.access_token;
    const key = await rig.key;
    const device = new Device(checkpointId, rig.clock);
    const reply = await upload(device, [device.entry()], guard, key);
    expect([reply.status, nameOf(reply), reply.body.reason]).toEqual([403, "device_not_enrolled", "unknown"]);
    const heartbeat = await beat(guard, key);
    expect([heartbeat.status, nameOf(heartbeat)]).toEqual([403, "device_not_enrolled"]);
  });

  test("of a machine alone are taken, also of before it was enrolled; not in another machine's name or for another place", async () => {
    const device = new Device(checkpointId, rig.clock);
    const early = device.entry();
    rig.clock.advance(60_000);
    const token = await enrol();
    const elsewhere = await secondPlace();
    const reply = await upload(device, [early, device.entry(), device.entry({ checkpoint_id: elsewhere })], token);
    expect(statuses(reply)).toEqual(["stored", "stored", "rejected"]);
    const other = new Device(checkpointId, rig.clock);
    await rig.enrolled(other);
    const body = other.batch([other.entry()]);
    expect((await rig.call("POST", "/v1/entries:batch", { body, token, key: machine })).status).toBe(403);
    expect((await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries`, { token, key: machine })).status).toBe(
      403,
    );
  });

  test("after a revocation: rows of before are taken, later ones by the place's rule, and nothing else is allowed", async () => {
    const token = await enrol();
    const guard = await rig.staff(owner, checkpointId, "0900000002");
    const staff_ref = guard.tokens.person.ref;
    const device = new Device(checkpointId, rig.clock);
    const before = entries(device, [{ staff_ref }, {}]);
    rig.clock.advance(60_000);
    expect((await rig.call("DELETE", `/v1/devices/${deviceId}`, { token: owner.access_token })).status).toBe(204);
    rig.clock.advance(60_000);
    const later = entries(device, [{ staff_ref }, { clock_state: "unknown", boot_id: "other" }]);
    expect((await beat(token)).status).toBe(401);
    const told = await beat(await deviceToken());
    expect([told.status, nameOf(told), told.body.reason]).toEqual([403, "device_not_enrolled", "revoked"]);
    const again = await rig.call("POST", "/v1/auth/token", {
      body: { grant_type: "device", device_id: deviceId },
      key: machine,
    });
    expect(again.body.revoked).toBe(true);
    const reply = await upload(device, [...before, ...later], again.body.access_token);
    expect(statuses(reply)).toEqual(["stored", "stored", "stored", "stored"]);
    // Held is the one that is surely later; one whose time nobody knows is taken.
    expect(await shown()).toBe(3);
    const file = new Database(rig.databasePath, { readonly: true });
    const rows = file.prepare("SELECT staff_ref, review, late_because FROM entry ORDER BY seq").all();
    file.close();
    expect(rows).toEqual([
      { staff_ref, review: null, late_because: null },
      { staff_ref: null, review: null, late_because: null },
      { staff_ref, review: "held", late_because: "device" },
      { staff_ref: null, review: null, late_because: null },
    ]);
    expect((await devices())[0]).toMatchObject({ state: "revoked" });
  });

  test("after a move: what was recorded before goes up under its place, what came later there is late", async () => {
    const token = await enrol();
    const elsewhere = await secondPlace();
    const device = new Device(checkpointId, rig.clock);
    const before = device.entry();
    rig.clock.advance(60_000);
    const moved = await rig.call("PATCH", `/v1/devices/${deviceId}`, {
      body: { checkpoint_id: elsewhere },
      token: owner.access_token,
      headers: { "if-match": '"1"' },
    });
    expect([moved.status, moved.body.checkpoint_id]).toEqual([200, elsewhere]);
    rig.clock.advance(60_000);
    const reply = await upload(
      device,
      [before, device.entry(), device.entry({ checkpoint_id: elsewhere })],
      await deviceToken(),
    );
    expect(statuses(reply)).toEqual(["stored", "stored", "stored"]);
    expect([await shown(), await shown(elsewhere)]).toEqual([1, 1]);
    const foreign = (await rig.checkpoint("0900000008")).checkpointId;
    const refused = await rig.call("PATCH", `/v1/devices/${deviceId}`, {
      body: { checkpoint_id: foreign },
      token: owner.access_token,
      headers: { "if-match": '"2"' },
    });
    expect(refused.status).toBe(403);
    expect(token).not.toBe("");
  });

  test("somebody else who brings the rows of a machine needs a right at their place", async () => {
    await enrol();
    const device = new Device(checkpointId, rig.clock);
    const stranger = (await rig.checkpoint("0900000008")).owner.access_token;
    const key = await rig.key;
    const { last_contact } = (await devices())[0] ?? {};
    rig.clock.advance(5_000);
    const refused = await upload(device, [device.entry()], stranger, key);
    expect([refused.status, nameOf(refused)]).toEqual([403, "forbidden"]);
    // Nothing is told of the machine, and it did not call.
    expect(refused.body.high_water).toBeUndefined();
    expect((await devices())[0]?.last_contact).toBe(last_contact);
    expect(statuses(await upload(device, [device.entry({ seq: 1 })], owner.access_token, key))).toEqual(["stored"]);
    expect((await devices())[0]?.last_contact).toBe(last_contact);
  });

  test("a former member brings nothing, not in another's name and not of the time it served either", async () => {
    await enrol();
    const device = new Device(checkpointId, rig.clock);
    const { tokens, staffId } = await rig.staff(owner, checkpointId, "0900000002", "scanner");
    const theirs = device.entry({ staff_ref: owner.person.ref });
    const again = device.entry({ staff_ref: tokens.person.ref });
    expect(statuses(await upload(device, [device.entry()], tokens.access_token, await rig.key))).toEqual(["stored"]);
    rig.clock.advance(60_000);
    await rig.call("DELETE", `/v1/checkpoints/${checkpointId}/staff/${staffId}`, { token: owner.access_token });
    for (const entries of [[theirs], [again]]) {
      const refused = await upload(device, entries, tokens.access_token, await rig.key);
      expect([refused.status, nameOf(refused)]).toEqual([403, "forbidden"]);
    }
    // From the machine itself what was made before the end arrives.
    expect(statuses(await upload(device, [again], await deviceToken(), machine))).toEqual(["stored"]);
  });
});
