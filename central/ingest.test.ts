import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Device, Rig } from "../testing/central-rig.ts";

let rig: Rig;
let token: string;
let device: Device;
let checkpointId: string;

beforeEach(async () => {
  rig = await Rig.start();
  const place = await rig.checkpoint();
  checkpointId = place.checkpointId;
  token = (await rig.staff(place.owner, checkpointId, "0900000002")).tokens.access_token;
  device = new Device(checkpointId, rig.clock);
  await rig.enrolled(device);
});
afterEach(() => rig[Symbol.asyncDispose]());

const statuses = (reply: { body: { results: { status: string }[] } }) => reply.body.results.map((item) => item.status);

describe("the upload", () => {
  test("stores entries, answers in request order and says how far it has the device's rows", async () => {
    const entries = [device.entry(), device.entry(), device.entry()];
    const reply = await rig.upload(token, device, entries);
    expect(reply.status).toBe(200);
    expect(reply.body.results).toEqual(entries.map((entry) => ({ id: entry.id, status: "stored" })));
    expect(reply.body.high_water).toEqual({ seq: 3 });
  });

  test("a repeated entry is a duplicate, for ever, also in the same batch and after a restart", async () => {
    const entry = device.entry();
    expect(statuses(await rig.upload(token, device, [entry, entry]))).toEqual(["stored", "duplicate"]);
    await rig.stop();
    await rig.start();
    rig.clock.advance(500 * 1000);
    expect(statuses(await rig.upload(token, device, [entry]))).toEqual(["duplicate"]);
  });

  test("the same id with other content, from another device, or a used sequence number is a conflict", async () => {
    const entry = device.entry();
    await rig.upload(token, device, [entry]);
    const changed = device.entry({ id: entry.id, seq: entry.seq, direction: "out" });
    const sameSeq = device.entry({ seq: entry.seq });
    const reply = await rig.upload(token, device, [changed, sameSeq]);
    expect(reply.body.results).toMatchObject([
      { id: changed.id, status: "rejected", type: "id_conflict" },
      { id: sameSeq.id, status: "rejected", type: "id_conflict" },
    ]);
    const other = new Device(checkpointId, rig.clock);
    expect((await rig.upload(token, other, [entry])).body.results).toMatchObject([
      { id: entry.id, status: "rejected", type: "id_conflict" },
    ]);
  });

  test("one poisoned item among 200 is refused alone", async () => {
    const entries: unknown[] = Array.from({ length: 200 }, () => device.entry());
    entries[57] = { ...(entries[57] as object), direction: "sideways" };
    entries[58] = null;
    entries[59] = { ...(entries[59] as object), sha256: "0".repeat(64) };
    entries[60] = device.entry({ fields: { fullName: "x".repeat(25_000) } });
    const reply = await rig.call("POST", "/v1/entries:batch", {
      body: gzipSync(JSON.stringify(device.batch(entries))),
      headers: { "content-encoding": "gzip" },
      token,
    });
    expect(reply.status).toBe(200);
    expect(statuses(reply).filter((status) => status === "stored")).toHaveLength(196);
    expect(reply.body.results.slice(57, 61)).toMatchObject([
      { status: "rejected", type: "validation" },
      { id: "", status: "rejected", type: "validation" },
      { status: "rejected", type: "validation" },
      { status: "rejected", type: "too_large" },
    ]);
  });

  test("an entry of another place is refused alone", async () => {
    const foreign = device.entry({ checkpoint_id: randomUUID() });
    const reply = await rig.upload(token, device, [foreign, device.entry()]);
    expect(reply.body.results).toMatchObject([
      { id: foreign.id, status: "rejected", type: "forbidden" },
      { status: "stored" },
    ]);
  });

  test("somebody else's staff_ref and marked entries are accepted", async () => {
    const entries = [
      device.entry({ staff_ref: randomUUID() }),
      device.entry({ staff_ref: null, marks: ["no-duty", "duty-expired"] }),
    ];
    expect(statuses(await rig.upload(token, device, entries))).toEqual(["stored", "stored"]);
  });

  test("a batch over 512 KiB is refused, also when it is small until it is unpacked", async () => {
    const large = JSON.stringify({ ...device.batch([device.entry()]), padding: "x".repeat(600 * 1024) });
    const plain = await rig.call("POST", "/v1/entries:batch", { body: large, token });
    const bomb = await rig.call("POST", "/v1/entries:batch", {
      body: gzipSync(Buffer.alloc(64 * 1024 * 1024, 32)),
      headers: { "content-encoding": "gzip" },
      token,
    });
    for (const reply of [plain, bomb]) {
      expect(reply.status).toBe(413);
      expect(reply.body.type).toMatch(/\/too_large$/);
    }
  });

  test("a number far above all before it is refused alone, and raises nothing", async () => {
    await rig.upload(token, device, [device.entry()]);
    const leap = device.entry({ seq: Number.MAX_SAFE_INTEGER });
    const far = device.entry({ seq: 1_000_000_001 });
    const farther = device.entry({ seq: 1_000_000_002 });
    const reply = await rig.upload(token, device, [leap, far, farther, device.entry({ seq: 2 })]);
    expect(reply.body.results).toMatchObject([
      { id: leap.id, status: "rejected", type: "validation" },
      { id: far.id, status: "stored" },
      { id: farther.id, status: "rejected", type: "validation" },
      { status: "stored" },
    ]);
    expect(reply.body.high_water).toEqual({ seq: 1_000_000_001 });
  });

  test("an id that is no text is refused alone", async () => {
    const entries = [{ ...device.entry(), id: { toString: 1 } }, device.entry()];
    const reply = await rig.call("POST", "/v1/entries:batch", { body: device.batch(entries), token });
    expect(reply.body.results).toMatchObject([{ id: "", status: "rejected" }, { status: "stored" }]);
  });

  test("a conflict of ids stands in the service's log with the device, and with no value of the entry", async () => {
    const entry = device.entry();
    await rig.upload(token, device, [entry]);
    const other = device.entry({ seq: entry.seq });
    await rig.upload(token, device, [other]);
    const line = rig.log.split("\n").find((text) => text.includes("id conflict"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({ level: 40, deviceId: device.id, entryId: other.id, seq: 1 });
    expect(rig.log).not.toContain(other.raw_b64);
  });

  test("devices that upload at once under the same ids or numbers store each once", async () => {
    const others = Array.from({ length: 8 }, () => new Device(checkpointId, rig.clock));
    for (const other of others) await rig.enrolled(other);
    const shared = Array.from({ length: 20 }, () => device.entry());
    const replies = await Promise.all(
      others.map((other) =>
        rig.call("POST", "/v1/entries:batch", { body: other.batch([...shared, other.entry({ seq: 99 })]), token }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(others.map(() => 200));
    const all = replies.map((reply) => statuses(reply));
    expect(all.flat().filter((status) => status === "stored")).toHaveLength(shared.length + others.length);
    expect(all.map((list) => list.at(-1))).toEqual(others.map(() => "stored"));
  });

  test("without a token nothing is read", async () => {
    const reply = await rig.call("POST", "/v1/entries:batch", { body: device.batch([device.entry()]) });
    expect(reply.status).toBe(401);
    expect(reply.body.type).toMatch(/\/invalid_token$/);
  });
});
