import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TokenReply } from "../contract/people.ts";
import { Device, newCheckpoint, type Reply, Rig } from "../testing/central-rig.ts";
import { PolicyPlaces } from "../testing/policy-places.ts";

const hourMs = 3_600_000;
let rig: Rig;
let owner: TokenReply;
let checkpointId: string;

beforeEach(async () => {
  rig = await Rig.start();
  ({ owner, checkpointId } = await rig.checkpoint());
});
afterEach(() => rig[Symbol.asyncDispose]());

const staffOf = (id: string) => `/v1/checkpoints/${id}/staff`;
const problem = (reply: Reply) => reply.body.type.split("/").at(-1);
const add = (phone: string, body: object = {}, token = owner.access_token, id = checkpointId) =>
  rig.call("POST", staffOf(id), {
    body: { id: randomUUID(), phone, display_name: "Trần Thị Thử", role: "scanner", ...body },
    token,
  });
const change = (staffId: string, version: number | null, body: object, token = owner.access_token, id = checkpointId) =>
  rig.call("PATCH", `${staffOf(id)}/${staffId}`, {
    body,
    token,
    headers: version === null ? {} : { "if-match": `"${version}"` },
  });
const remove = (staffId: string, token = owner.access_token) =>
  rig.call("DELETE", `${staffOf(checkpointId)}/${staffId}`, { token });
const ownGrant = async () =>
  (await rig.call("GET", staffOf(checkpointId), { token: owner.access_token })).body.items.find(
    ({ role }: { role: string }) => role === "owner",
  );
const list = (token: string, id = checkpointId, query = "") =>
  rig.call("GET", `/v1/checkpoints/${id}/entries${query}`, { token });
const at = (ms: number) => new Date(rig.clock.now() + ms).toISOString();

describe("changing a grant", () => {
  test("needs the version that was seen; of two at once one wins and the other is told", async () => {
    const { body: guard, headers } = await add("0900000002");
    expect([guard.version, headers.get("etag")]).toEqual([1, '"1"']);
    expect((await change(guard.staff_id, null, { role: "supervisor" })).status).toBe(428);
    const both = await Promise.all([
      change(guard.staff_id, 1, { role: "supervisor" }),
      change(guard.staff_id, 1, { valid_to: at(hourMs) }),
    ]);
    expect(both.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([200, 412]);
    const lost = both.find(({ status }) => status === 412) as Reply;
    expect([problem(lost), lost.body.version]).toEqual(["version_changed", 2]);
    const won = both.find(({ status }) => status === 200) as Reply;
    expect([won.body.version, won.headers.get("etag")]).toEqual([2, '"2"']);
  });

  test("supervisors change scanners only, and give nothing beyond; unknown and privileged fields change nothing", async () => {
    const { tokens } = await rig.staff(owner, checkpointId, "0900000002", "supervisor");
    const guard = (await add("0900000003", {}, tokens.access_token)).body;
    const mine = tokens.access_token;
    expect(problem(await change(guard.staff_id, 1, { role: "supervisor" }, mine))).toBe("role_too_high");
    expect(problem(await change(guard.staff_id, 1, { full_view: true }, mine))).toBe("role_too_high");
    expect(problem(await change(guard.staff_id, 1, { include_children: true }, mine))).toBe("role_too_high");
    expect(problem(await change((await ownGrant()).staff_id, 1, { role: "scanner" }, mine))).toBe("not_found");
    const odd = await change(guard.staff_id, 1, {
      checkpoint_id: randomUUID(),
      person_ref: "x",
      version: 99,
      valid_from: 0,
    });
    expect(odd.body).toMatchObject({ staff_id: guard.staff_id, role: "scanner", full_view: false, version: 2 });
  });

  test("another place's member is not found, and a stranger is refused before anything is looked up", async () => {
    const elsewhere = await rig.checkpoint("0900000021");
    const guard = (await add("0900000002")).body;
    const there = elsewhere.owner.access_token;
    expect(problem(await change(guard.staff_id, 1, { role: "owner" }, there, elsewhere.checkpointId))).toBe(
      "not_found",
    );
    expect(problem(await change(guard.staff_id, 1, { role: "owner" }, there))).toBe("forbidden");
    expect(problem(await change(randomUUID(), 1, { role: "owner" }, there))).toBe("forbidden");
  });

  test("the last owner stays: not removed, not made less, not given an end", async () => {
    const { staff_id } = await ownGrant();
    expect(problem(await change(staff_id, 1, { role: "supervisor" }))).toBe("last_owner");
    expect(problem(await change(staff_id, 1, { valid_to: at(hourMs) }))).toBe("last_owner");
    expect(problem(await remove(staff_id))).toBe("last_owner");
    // One that ends by itself is no other owner.
    await add("0900000002", { role: "owner", valid_to: at(hourMs) });
    expect(problem(await remove(staff_id))).toBe("last_owner");
    await add("0900000003", { role: "owner" });
    expect((await change(staff_id, 1, { role: "supervisor" })).status).toBe(200);
  });

  test("the full view is given where the kind allows it and is approved, and ends with either", async () => {
    const places = new PolicyPlaces(rig);
    expect(problem(await add("0900000002", { full_view: true }))).toBe("full_view_not_allowed");
    const hospital = await places.placeOf({ kind: "hospital", kindStatus: "approved" });
    const token = hospital.owner.access_token;
    const nurse = await add("0900000003", { full_view: true }, token, hospital.checkpointId);
    expect([nurse.status, nurse.body.full_view]).toEqual([201, true]);
    const official = await places.makeOfficial(places.newPhone(), ["01"]);
    await rig.call("POST", `/v1/checkpoints/${hospital.checkpointId}:approve-kind`, {
      body: { decision: "refuse", reference: "QĐ 2" },
      token: official.access_token,
    });
    const members = (await rig.call("GET", staffOf(hospital.checkpointId), { token })).body.items;
    expect(members.map(({ full_view }: { full_view: boolean }) => full_view)).toEqual([false, false]);
  });
});

describe("a right that ends by itself", () => {
  test("holds until its time: then no list, no sign-in, and scans made after it are held", async () => {
    const soon = at(hourMs);
    const guard = await add("0900000002", { valid_to: soon });
    expect(guard.body.valid_to).toBe(soon);
    const tokens = await rig.signIn("0900000002", "staff");
    expect((await list(tokens.access_token)).status).toBe(200);
    const device = new Device(checkpointId, rig.clock);
    const by = { staff_ref: tokens.person.ref };
    const before = device.entry(by);
    rig.clock.advance(hourMs - 1);
    const last = device.entry(by);
    rig.clock.advance(1);
    const after = device.entry(by);
    const again = await rig.signIn("0900000001", "owner");
    await rig.upload(again.access_token, device, [before, last, after]);
    const shown = (await list(again.access_token)).body.items.map(({ entry_id }: { entry_id: string }) => entry_id);
    expect(shown.toSorted()).toEqual([before.id, last.id].toSorted());
    await expect(rig.signIn("0900000002", "staff")).rejects.toThrow("phone_not_authorised");
    // The phone can be added again, and the list does not show the old right.
    expect((await add("0900000002", {}, again.access_token)).status).toBe(201);
    expect((await rig.call("GET", staffOf(checkpointId), { token: again.access_token })).body.items).toHaveLength(2);
  });

  test("a time that has passed is refused at its field", async () => {
    const reply = await add("0900000002", { valid_to: at(-1) });
    expect(reply.body).toMatchObject({ status: 422, errors: [{ pointer: "/valid_to", code: "in_the_past" }] });
  });
});

describe("places below", () => {
  /** A floor of the rig's place. */
  async function floor(): Promise<string> {
    const id = randomUUID();
    const made = await rig.call("POST", "/v1/checkpoints", {
      body: { ...newCheckpoint(id), name: "Tầng 2", parent_id: checkpointId, part: { type: "floor", label: "2" } },
      token: owner.access_token,
    });
    expect(made.status).toBe(201);
    return id;
  }

  test("a right that holds below reaches them, one that does not stays above; the list joins what the caller may see", async () => {
    const below = await floor();
    const wide = (await add("0900000002", { role: "supervisor", include_children: true })).body;
    await add("0900000003", { role: "supervisor" });
    const reach = (await rig.signIn("0900000002", "staff")).access_token;
    const narrow = (await rig.signIn("0900000003", "staff")).access_token;
    const [above, under] = [new Device(checkpointId, rig.clock), new Device(below, rig.clock)];
    const entries = [above.person("079099000001", "Lê Văn Trên"), under.person("079099000002", "Lê Văn Dưới")];
    await rig.upload(owner.access_token, above, entries.slice(0, 1));
    expect((await rig.upload(reach, under, entries.slice(1))).body.results).toMatchObject([{ status: "stored" }]);
    expect([(await list(reach, below)).status, (await list(narrow, below)).status]).toEqual([200, 403]);
    const mine = async (token: string) =>
      (await rig.call("GET", "/v1/me/checkpoints", { token })).body.items.map(({ id }: { id: string }) => id);
    expect([await mine(reach), await mine(narrow)]).toEqual([[checkpointId, below], [checkpointId]]);
    const joined = await list(reach, checkpointId, "?include_children=true");
    expect(joined.body.items).toHaveLength(2);
    expect(joined.body.inside_now).toBe(2);
    expect((await list(narrow, checkpointId, "?include_children=true")).body.items).toHaveLength(1);
    expect((await list(reach)).body.items).toHaveLength(1);
    expect((await change(wide.staff_id, 1, { include_children: false })).status).toBe(200);
    expect((await list(reach, below)).status).toBe(403);
  });
});

describe("adding people", () => {
  test("tells the same of a phone that serves elsewhere and of one nobody knows", async () => {
    const elsewhere = await rig.checkpoint("0900000021");
    await add("0900000002", { display_name: "Tên Ở Nơi Khác" }, elsewhere.owner.access_token, elsewhere.checkpointId);
    await rig.signIn("0900000002", "staff");
    const known = await add("0900000002");
    const unknown = await add("0900000003");
    const shape = ({ status, body }: Reply) => ({ status, ...body, staff_id: null, phone_masked: null });
    expect(shape(known)).toEqual(shape(unknown));
    // One phone serves several places, each with its own right.
    const { roles } = await rig.signIn("0900000002", "staff").catch(async () => {
      rig.clock.advance(61_000);
      return rig.signIn("0900000002", "staff");
    });
    expect(roles.map(({ checkpoint_id }) => checkpoint_id).toSorted()).toEqual(
      [checkpointId, elsewhere.checkpointId].toSorted(),
    );
  });

  test("two hundred an hour and no more", async () => {
    for (let count = 0; count < 200; count++) expect((await add(`09${String(10_000_000 + count)}`)).status).toBe(201);
    const refused = await add("0999999999");
    expect([refused.status, problem(refused)]).toEqual([429, "rate_limited"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    rig.clock.advance(hourMs);
    expect((await add("0999999999", {}, (await rig.signIn("0900000001", "owner")).access_token)).status).toBe(201);
  });

  test("each change is an access record that names ids and no phone", async () => {
    const guard = (await add("0900000002")).body;
    await change(guard.staff_id, 1, { role: "supervisor" });
    await remove(guard.staff_id);
    const log = await rig.call("GET", "/v1/access-records", { token: owner.access_token });
    expect(log.body.items.slice(0, 3)).toMatchObject([
      { action: "staff_removed" },
      { action: "staff_changed", reason: "supervisor" },
      { action: "staff_added", actor: owner.person.ref, checkpoint_id: checkpointId },
    ]);
    expect(log.body.items[0].objects[0]).toBe(guard.staff_id);
    expect(log.text).not.toContain("0900000002");
  });
});
