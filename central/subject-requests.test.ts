import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TokenReply } from "../contract/people.ts";
import { Device, Rig } from "../testing/central-rig.ts";
import { until } from "../testing/until.ts";
import { workingDaysAfter } from "./subject-requests.ts";

const dayMs = 24 * 3_600_000;
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

const number = "079099555111";
const fullName = "Đặng Thị Hoàng Yến";
const ask = (kind: string, subject: object, token = owner.access_token, id: string = randomUUID()) =>
  rig.call("POST", "/v1/subject-requests", {
    body: { id, kind, subject, reason: "Đơn số 12, đã xem thẻ căn cước" },
    token,
  });
const act = (id: string, verb: string, body: object | undefined = {}, token = owner.access_token) =>
  rig.call("POST", `/v1/subject-requests/${id}:${verb}`, { body, token });
const problem = (reply: { body: { type: string } }) => reply.body.type.split("/").at(-1);

/** Asked and carried out at once. */
async function done(kind: string, subject: object, body = {}) {
  const asked = await ask(kind, subject);
  expect(asked.status).toBe(201);
  const reply = await act(asked.body.id, "carry-out", body);
  expect(reply.status).toBe(200);
  return reply;
}

/** What stands in the files of the database, byte by byte. */
const filesHold = (bytes: Buffer) =>
  ["", "-wal"].some(
    (end) => existsSync(rig.databasePath + end) && readFileSync(rig.databasePath + end).includes(bytes),
  );

/** The sealed bytes and the keyed name of an entry: nothing else of a person is in the file. */
function traceOf(id: string): { sealed: Buffer; tag: string } {
  const database = new Database(rig.databasePath, { readonly: true });
  const row = database.prepare("SELECT body_sealed AS sealed, person_tag AS tag FROM entry WHERE id = ?").get(id);
  database.close();
  return row as { sealed: Buffer; tag: string };
}

describe("a request about one's own data", () => {
  test("has the terms of the law, counted from when it was taken down", async () => {
    await rig.upload(owner.access_token, device, [device.person(number, fullName)]);
    // The rig's Monday.
    for (const [kind, days] of [
      ["access", 10],
      ["export", 10],
      ["correct", 10],
      ["erase", 20],
    ] as const) {
      const { body, text } = await ask(kind, { citizen_number: number });
      expect(body).toMatchObject({
        state: "received",
        found: 1,
        acknowledge_by: new Date(rig.clock.now() + 2 * dayMs).toISOString(),
        due_by: new Date(rig.clock.now() + days * dayMs).toISOString(),
        subject_masked: "079•••••5111",
        checkpoint_ids: [checkpointId],
      });
      expect(text).not.toContain(number);
    }
    const friday = Date.parse("2026-03-06T03:00:00Z");
    expect(new Date(workingDaysAfter(friday, 2)).toISOString()).toBe("2026-03-10T03:00:00.000Z");
    // Half past midnight on Saturday in Vietnam is still Friday in UTC.
    expect(new Date(workingDaysAfter(Date.parse("2026-03-06T17:30:00Z"), 1)).toISOString()).toBe(
      "2026-03-08T17:30:00.000Z",
    );
  });

  test("hands out everything kept of the person, and nothing of anybody else", async () => {
    const card = device.person(number, fullName);
    const insurance = device.entry({ kind: "bhyt", fields: { cardCode: "GD4797912345678", fullName } });
    const declared = device.entry({
      kind: "personal",
      fields: { documentNumber: "C1234567", fullName, qid: "Q9", phone: "+84911222333", insuranceNumber: null },
    });
    const other = device.person("079099000777", "Người Khác");
    await rig.upload(owner.access_token, device, [card, insurance, declared, other]);
    const reply = await done("export", {
      citizen_number: number,
      insurance_number: "7912345678",
      phone: "0911 222 333",
    });
    const ids = reply.body.data.entries.map(({ entry_id }: { entry_id: string }) => entry_id);
    expect(ids.toSorted()).toEqual([card.id, insurance.id, declared.id].toSorted());
    expect(reply.body.data.entries[0]).toMatchObject({ place_name: "Cổng thử nghiệm", fields: { fullName } });
    expect(reply.text).not.toContain("Người Khác");
    expect(reply.text).not.toContain(card.raw_b64);
  });

  test("corrects what people read; what was scanned stays", async () => {
    const card = device.person(number, "Dang Thi Hoang Yen");
    await rig.upload(owner.access_token, device, [card]);
    const asked = await ask("correct", { citizen_number: number });
    expect(problem(await act(asked.body.id, "carry-out"))).toBe("validation");
    const reply = await act(asked.body.id, "carry-out", { correction: { full_name: fullName } });
    expect(reply.body).toMatchObject({ entries: 1, request: { state: "done" } });
    const { body } = await done("access", { citizen_number: number });
    expect(body.data.entries[0].fields).toMatchObject({ fullName, citizenNumber: number });
    expect((await rig.upload(owner.access_token, device, [card])).body.results).toMatchObject([
      { status: "duplicate" },
    ]);
  });

  test("erased is erased: no list, no count, not one byte in the database's files", async () => {
    const cards = [
      device.person(number, fullName),
      device.person(number, fullName, { direction: "out" }),
      device.person(number, fullName),
    ];
    const kept = device.person("079099000778", "Người Ở Lại");
    await rig.upload(owner.access_token, device, [...cards, kept]);
    const traces = cards.map(({ id }) => traceOf(id));
    for (const { sealed, tag } of traces)
      expect([filesHold(sealed), filesHold(Buffer.from(tag))]).toEqual([true, true]);
    const reply = await done("erase", { citizen_number: number });
    expect(reply.body).toMatchObject({ entries: 3, request: { state: "done", subject_masked: "•••••" } });
    expect(reply.body.notes.join()).toMatch(/Backups/);
    for (const { sealed } of traces) expect(filesHold(sealed)).toBe(false);
    const page = await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries`, { token: owner.access_token });
    expect(page.body.items.map(({ entry_id }: { entry_id: string }) => entry_id)).toEqual([kept.id]);
    expect(page.body.inside_now).toBe(1);
    expect((await done("access", { citizen_number: number })).body.entries).toBe(0);
    // Sent again they are what they were: here already, and they do not come back.
    expect(
      (await rig.upload(owner.access_token, device, cards)).body.results.map(
        ({ status }: { status: string }) => status,
      ),
    ).toEqual(cards.map(() => "duplicate"));
    expect((await done("access", { citizen_number: number })).body.entries).toBe(0);
    const changed = device.person(number, fullName, { id: cards[0]?.id ?? "", seq: 99 });
    expect((await rig.upload(owner.access_token, device, [changed])).body.results).toMatchObject([
      { type: "id_conflict" },
    ]);
  });

  test("rows that wait on stations are acknowledged and erased on arrival; a visit after it is a new one", async () => {
    const waiting = device.person(number, fullName);
    const declared = device.entry({ kind: "personal", fields: { documentNumber: number, fullName, qid: "Q1" } });
    const uncertain = device.person(number, fullName, {
      clock_state: "unknown",
      boot_id: "an earlier boot",
      wall_ms: rig.clock.now() + 30 * dayMs,
    });
    rig.clock.advance(60_000);
    await done("erase", { citizen_number: number });
    rig.clock.advance(60_000);
    const later = device.person(number, fullName);
    const other = device.person("079099000779", "Người Khác");
    await rig.stop();
    await rig.start();
    rig.clock.advance(400_000);
    const reply = await rig.upload(owner.access_token, device, [waiting, declared, uncertain, later, other]);
    expect(reply.body.results.map(({ status }: { status: string }) => status)).toEqual(Array(5).fill("stored"));
    expect(reply.body).toMatchObject({ high_water: { seq: 5 }, missing: [] });
    const page = await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries`, { token: owner.access_token });
    expect(page.body.items.map(({ entry_id }: { entry_id: string }) => entry_id).toSorted()).toEqual(
      [later.id, other.id].toSorted(),
    );
    const again = await rig.upload(owner.access_token, device, [waiting]);
    expect(again.body.results).toMatchObject([{ status: "duplicate" }]);
  });

  test("reaches the places of its owner only, and nobody else may carry it out", async () => {
    const elsewhere = await rig.checkpoint("0900000021");
    const there = new Device(elsewhere.checkpointId, rig.clock);
    await rig.upload(owner.access_token, device, [device.person(number, fullName)]);
    await rig.upload(elsewhere.owner.access_token, there, [there.person(number, fullName)]);
    const asked = await ask("erase", { citizen_number: number });
    expect(asked.body.found).toBe(1);
    expect(problem(await act(asked.body.id, "carry-out", {}, elsewhere.owner.access_token))).toBe("not_found");
    expect((await act(asked.body.id, "carry-out")).body.entries).toBe(1);
    expect(problem(await act(asked.body.id, "carry-out"))).toBe("already_decided");
    // What comes later to the other place is not erased either.
    const late = there.person(number, fullName);
    await rig.upload(elsewhere.owner.access_token, there, [late]);
    const page = await rig.call("GET", `/v1/checkpoints/${elsewhere.checkpointId}/entries`, {
      token: elsewhere.owner.access_token,
    });
    expect(page.body.items).toHaveLength(2);
    const { tokens } = await rig.staff(owner, checkpointId, "0900000002", "supervisor");
    for (const token of [tokens.access_token, (await rig.signIn("0900000029", "owner")).access_token]) {
      expect(problem(await ask("access", { citizen_number: number }, token))).toBe("forbidden");
    }
  });

  test("is taken down once, acknowledged, refused with a reason, and all of it recorded", async () => {
    const id = randomUUID();
    const first = await ask("access", { phone: "0911222333" }, owner.access_token, id);
    expect((await ask("access", { phone: "+84911222333" }, owner.access_token, id)).body).toEqual(first.body);
    expect(problem(await ask("erase", { phone: "0911222333" }, owner.access_token, id))).toBe("id_conflict");
    expect((await act(id, "acknowledge")).body.state).toBe("acknowledged");
    expect((await act(id, "refuse", { reason: "Không đúng người" })).body.state).toBe("refused");
    expect(problem(await act(id, "carry-out"))).toBe("already_decided");
    const list = (await rig.call("GET", "/v1/subject-requests", { token: owner.access_token })).body.items;
    expect(list).toMatchObject([{ id, state: "refused" }]);
    const log = await rig.call("GET", "/v1/access-records", { token: owner.access_token });
    const actions = log.body.items.map(({ action }: { action: string }) => action);
    expect(actions.slice(0, 3)).toEqual(["subject_refused", "subject_acknowledged", "subject_request"]);
    for (const secret of ["0911222333", "911222333"]) {
      expect(log.text).not.toContain(secret);
      expect(rig.log).not.toContain(secret);
    }
    for (const wrong of [{}, { citizen_number: "12" }, { phone: "123456789" }, { insurance_number: "x" }]) {
      expect(problem(await ask("access", wrong))).toBe("validation");
    }
  });

  test("thirty a day and no more from one owner", async () => {
    for (let count = 0; count < 30; count++) expect((await ask("access", { citizen_number: number })).status).toBe(201);
    expect(problem(await ask("access", { citizen_number: number }))).toBe("rate_limited");
  });
});

describe("retention", () => {
  test("erases at each place what is older than it keeps, in whatever state, and no byte of it is left", async () => {
    const old = Array.from({ length: 1200 }, (_, index) =>
      device.person(String(79_099_000_000 + index).padStart(12, "0"), "Khách Cũ"),
    );
    for (let at = 0; at < old.length; at += 200) await rig.upload(owner.access_token, device, old.slice(at, at + 200));
    const held = device.entry({ staff_ref: randomUUID() });
    await rig.upload(owner.access_token, device, [held]);
    const traces = [old[0], old[700], held].map((entry) => traceOf(entry?.id ?? ""));
    rig.clock.advance(29 * dayMs);
    const young = device.person("079099111222", "Khách Mới");
    // From a machine whose clock stands at 1970, and one that was without a network for longer than the place keeps.
    const timeless = device.person("079099111333", "Khách Một", {
      boot_id: "boot-0",
      wall_ms: 0,
      clock_state: "unknown",
    });
    const sixtyDaysAgo = { boot_id: "boot-0", wall_ms: rig.clock.now() - 60 * dayMs };
    const late = device.person("079099111444", "Khách Hai", sixtyDaysAgo);
    await rig.upload((await rig.signIn("0900000001", "owner")).access_token, device, [young, timeless, late]);
    await rig.stop();
    await rig.start();
    for (const { sealed } of traces) expect(filesHold(sealed)).toBe(true);
    rig.clock.advance(2 * dayMs);
    await rig.stop();
    await rig.start();
    const { access_token: token } = await rig.signIn("0900000001", "owner");
    await until("the old ones are gone", async () => {
      const log = await rig.call("GET", "/v1/access-records", { token });
      return log.body.items.some(({ action }: { action: string }) => action === "retention_erased");
    });
    await until("the log is empty", () =>
      traces.every(({ sealed, tag }) => !filesHold(sealed) && !filesHold(Buffer.from(tag))),
    );
    const log = await rig.call("GET", "/v1/access-records", { token });
    expect(log.body.items[0]).toMatchObject({
      action: "retention_erased",
      actor: "system",
      reason: "1201 entries older than 30 days",
    });
    const page = (await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries?limit=100`, { token })).body;
    expect(page.items.map(({ entry_id }: { entry_id: string }) => entry_id).toSorted()).toEqual(
      [young.id, timeless.id, late.id].toSorted(),
    );
    // A station that sends one again does not bring it back, and sees no gap.
    const again = await rig.upload(token, device, old.slice(0, 3));
    expect(again.body.results.map(({ status }: { status: string }) => status)).toEqual([
      "duplicate",
      "duplicate",
      "duplicate",
    ]);
    expect(again.body.missing).toEqual([]);
  });
});
