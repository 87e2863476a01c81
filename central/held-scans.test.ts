import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TokenReply } from "../contract/people.ts";
import { Device, OpenStream, Rig } from "../testing/central-rig.ts";
import { until } from "../testing/until.ts";

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

const held = (token: string, query = "") =>
  rig.call("GET", `/v1/checkpoints/${checkpointId}/held-scans${query}`, { token });
const decide = (verb: "accept" | "discard", ids: readonly string[], token = owner.access_token) =>
  rig.call("POST", `/v1/checkpoints/${checkpointId}/held-scans:${verb}`, {
    body: { entry_ids: ids, reason: "Bảo vệ đã nghỉ, khách có thật" },
    token,
  });
const list = async () =>
  (await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries`, { token: owner.access_token })).body;
const ids = (items: { entry_id: string }[]) => items.map(({ entry_id }) => entry_id);

/** A guard scans, is removed, scans on offline; then everything arrives under the owner's sign-in. */
async function removedGuard(count = 1) {
  const { tokens, staffId } = await rig.staff(owner, checkpointId, "0900000002");
  const by = { staff_ref: tokens.person.ref };
  const before = device.person("079099000011", "Lê Văn Trước", by);
  rig.clock.advance(60_000);
  await rig.call("DELETE", `/v1/checkpoints/${checkpointId}/staff/${staffId}`, { token: owner.access_token });
  rig.clock.advance(60_000);
  const after = Array.from({ length: count }, (_, index) =>
    device.person(`0790990001${String(index).padStart(2, "0")}`, "Lê Văn Sau", by),
  );
  const reply = await rig.upload(owner.access_token, device, [before, ...after]);
  expect(reply.body.results.map(({ status }: { status: string }) => status)).toEqual(Array(count + 1).fill("stored"));
  return { before, after };
}

describe("scans made after a revocation", () => {
  test("are kept, in no list and no count, and shown to the owner masked with who made them", async () => {
    const { before, after } = await removedGuard();
    const page = await list();
    expect(ids(page.items)).toEqual([before.id]);
    expect(page.inside_now).toBe(1);
    const { body, text } = await held(owner.access_token);
    expect(body.total).toBe(1);
    expect(body.items).toMatchObject([
      { entry_id: after[0]?.id, because: "staff", staff_name: "Trần Thị Thử", subject: { name_masked: "L• V•• Sau" } },
    ]);
    for (const secret of ["079099000100", "Lê Văn"]) expect(text).not.toContain(secret);
  });

  test("accepted ones count, are marked, come in a running stream, and are decided once", async () => {
    const { before, after } = await removedGuard();
    await using stream = await OpenStream.open(rig, checkpointId, owner.access_token);
    await until("the stream counts", () => stream.named("count").length > 0);
    const id = after[0]?.id ?? "";
    expect((await decide("accept", [id, before.id, randomUUID()])).body).toEqual({ changed: 1 });
    expect((await decide("discard", [id])).body).toEqual({ changed: 0 });
    const page = await list();
    expect(ids(page.items).toSorted()).toEqual([before.id, id].toSorted());
    expect(page.inside_now).toBe(2);
    expect(page.items.find((item: { entry_id: string }) => item.entry_id === id).after_revocation).toBe(true);
    await until("the stream has it", () => stream.named("entry").some(({ data }) => data.entry_id === id));
    expect((await held(owner.access_token)).body).toEqual({ items: [], cursor: null, total: 0 });
    // The row is the one that was uploaded: sent again it is a duplicate.
    expect((await rig.upload(owner.access_token, device, after)).body.results).toMatchObject([{ status: "duplicate" }]);
  });

  test("discarded ones stay in the database, marked, and are in no list", async () => {
    const { before, after } = await removedGuard();
    expect((await decide("discard", [after[0]?.id ?? ""])).body).toEqual({ changed: 1 });
    expect(ids((await list()).items)).toEqual([before.id]);
    expect((await list()).inside_now).toBe(1);
    using database = {
      open: new Database(rig.databasePath, { readonly: true }),
      [Symbol.dispose]() {
        this.open.close();
      },
    };
    expect(database.open.prepare("SELECT review FROM entry WHERE id = ?").pluck().get(after[0]?.id)).toBe("discarded");
  });

  test("each decision is an access record with its reason", async () => {
    const { after } = await removedGuard(2);
    await decide("accept", [after[0]?.id ?? ""]);
    await decide("discard", [after[1]?.id ?? ""]);
    const records = await rig.call("GET", "/v1/access-records", { token: owner.access_token });
    expect(records.body.items.slice(0, 2)).toMatchObject([
      { action: "held_discarded", objects: [after[1]?.id], reason: "Bảo vệ đã nghỉ, khách có thật" },
      { action: "held_accepted", objects: [after[0]?.id], actor: owner.person.ref },
    ]);
  });

  test("are listed in pages, and for owners of this place only", async () => {
    const { after } = await removedGuard(5);
    const first = (await held(owner.access_token, "?limit=3")).body;
    const second = (await held(owner.access_token, `?limit=3&after=${first.cursor}`)).body;
    expect([...ids(first.items), ...ids(second.items)]).toEqual(after.map(({ id }) => id));
    expect([first.total, second.cursor]).toEqual([5, null]);
    const { tokens } = await rig.staff(owner, checkpointId, "0900000003", "supervisor");
    const stranger = await rig.signIn("0900000009", "owner");
    for (const token of [tokens.access_token, stranger.access_token]) {
      expect((await held(token)).status).toBe(403);
      expect((await decide("accept", [after[0]?.id ?? ""], token)).status).toBe(403);
    }
    expect((await held(owner.access_token)).body.total).toBe(5);
  });

  test("a member nobody knows here is held too; a scan whose time nobody knows is taken", async () => {
    const unknown = device.entry({ staff_ref: randomUUID() });
    await rig.upload(owner.access_token, device, [unknown]);
    expect(ids((await held(owner.access_token)).body.items)).toEqual([unknown.id]);
  });

  test.each([
    ["accept", "stored"],
    ["refuse", "rejected"],
  ])("a place whose rule is %s: such a scan is %s", async (late_scans, status) => {
    const { version } = (await rig.call("GET", "/v1/me/checkpoints", { token: owner.access_token })).body.items[0];
    const changed = await rig.call("PATCH", `/v1/checkpoints/${checkpointId}`, {
      body: { policy: { late_scans } },
      token: owner.access_token,
      headers: { "if-match": `"${version}"` },
    });
    expect(changed.status).toBe(200);
    const late = device.entry({ staff_ref: randomUUID() });
    expect((await rig.upload(owner.access_token, device, [late])).body.results).toMatchObject([
      { id: late.id, status },
    ]);
    const shown = (await list()).items;
    if (status === "stored") expect(shown).toMatchObject([{ entry_id: late.id, after_revocation: true }]);
    else expect(shown).toEqual([]);
    expect((await held(owner.access_token)).body.total).toBe(0);
  });
});
