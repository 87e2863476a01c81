import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";
import Database from "better-sqlite3";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newProofKey } from "../contract/dpop.ts";
import type { SequenceRange } from "../contract/entries.ts";
import { heartbeatResponse } from "../contract/heartbeat.ts";
import { maxMissingRanges } from "../contract/limits.ts";
import { Device, Rig } from "../testing/central-rig.ts";
import { backToVersion } from "../testing/older-central.ts";
import { until } from "../testing/until.ts";
import { openStore, type Store } from "./store/store.ts";

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
  await rig.enrolled(device, await rig.key);
});
afterEach(() => rig[Symbol.asyncDispose]());

const figures = (changes: object = {}) => ({
  unsent: 3,
  oldest_unsent_s: 12.5,
  quarantined: 1,
  id_conflicts: 1,
  last_seq: 9,
  last_acknowledged_seq: 0,
  journal_state: "sound",
  disk_free_bytes: 5_000_000_000,
  wal_bytes: 4096,
  fsync_p99_ms: 1.4,
  app_version: "0.1.0",
  schema_version: 1,
  clock_offset_ms: -250,
  clock_state: "synced",
  key_backend: "file",
  owner_key: true,
  boot_id: randomUUID(),
  ...changes,
});

const beat = (changes: object = {}, as = token) =>
  rig.call("POST", `/v1/devices/${device.id}/heartbeat`, { body: figures(changes), token: as });

/** The device's entries with these numbers, uploaded in this order. */
const upload = async (...seqs: number[]) => {
  const reply = await rig.upload(
    token,
    device,
    seqs.map((seq) => device.entry({ seq })),
  );
  expect(reply.status).toBe(200);
  return reply.body;
};

const database = <T>(work: (open: Database.Database) => T): T => {
  const open = new Database(rig.databasePath);
  try {
    return work(open);
  } finally {
    open.close();
  }
};

describe("a heartbeat", () => {
  test("of a new device is kept with its figures and answered with time and an empty journal", async () => {
    const reply = await beat();
    expect(reply.status).toBe(200);
    expect(heartbeatResponse.parse(reply.body)).toEqual({
      server_time: "2026-03-02T03:00:00.000Z",
      high_water: { seq: 0 },
      missing: [],
      config_etag: expect.any(String),
    });
    const row = database((open) => open.prepare("SELECT * FROM device").get());
    expect(row).toMatchObject({
      id: device.id,
      unsent: 3,
      id_conflicts: 1,
      oldest_unsent_s: 12.5,
      fsync_p99_ms: 1.4,
      wal_bytes: 4096,
    });
    expect(row).toMatchObject({ heartbeat_at: rig.clock.now(), journal_state: "sound", clock_offset_ms: -250 });
  });

  test("names the numbers that never came, as the answer to a batch does", async () => {
    expect(await upload(2, 3, 7)).toMatchObject({
      high_water: { seq: 7 },
      missing: [
        { from: 1, to: 1 },
        { from: 4, to: 6 },
      ],
    });
    expect(await upload(5, 1)).toMatchObject({
      high_water: { seq: 7 },
      missing: [
        { from: 4, to: 4 },
        { from: 6, to: 6 },
      ],
    });
    expect((await beat()).body.missing).toEqual([
      { from: 4, to: 4 },
      { from: 6, to: 6 },
    ]);
    expect(await upload(6, 4, 8)).toMatchObject({ high_water: { seq: 8 }, missing: [] });
  });

  test("of a device that was acknowledged more than the centre has, as after a restored backup, names the rest", async () => {
    await upload(1, 2, 3);
    expect((await beat({ last_seq: 12, last_acknowledged_seq: 10 })).body).toMatchObject({
      high_water: { seq: 3 },
      missing: [{ from: 4, to: 10 }],
    });
  });

  test("a refused entry leaves its number missing; a repeated one does not", async () => {
    const foreign = device.entry({ seq: 1, checkpoint_id: randomUUID() });
    const good = device.entry({ seq: 2 });
    expect((await rig.upload(token, device, [foreign, good, good])).body).toMatchObject({
      high_water: { seq: 2 },
      missing: [{ from: 1, to: 1 }],
    });
  });

  test("more gaps than one answer holds are asked for in parts", async () => {
    const odd = Array.from({ length: 200 }, (_, index) => 2 * index + 2);
    expect((await upload(...odd)).missing).toHaveLength(maxMissingRanges);
    const seen: number[] = [];
    let after = 0;
    for (let part = 0; part < 5; part += 1) {
      const { missing } = (await beat({ missing_after: after })).body as { missing: SequenceRange[] };
      seen.push(...missing.map(({ from }) => from));
      after = missing.length === maxMissingRanges ? (missing.at(-1)?.to ?? 0) : 0;
      if (after === 0) break;
    }
    expect(seen).toEqual(odd.map((seq) => seq - 1));
  });

  test("a repeated entry is no gap, whatever was known of its number", async () => {
    await upload(1);
    const two = device.entry({ seq: 2 });
    await rig.upload(token, device, [two]);
    await upload(3);
    database((open) => open.exec("DELETE FROM seq_run; INSERT INTO seq_run SELECT id, 1, 1 FROM device"));
    expect((await beat({ last_acknowledged_seq: 3 })).body.missing).toEqual([{ from: 2, to: 3 }]);
    expect((await rig.upload(token, device, [two])).body.results).toMatchObject([{ status: "duplicate" }]);
    expect((await beat({ last_acknowledged_seq: 3 })).body.missing).toEqual([{ from: 3, to: 3 }]);
  });

  test("erasing old entries makes no gap and lowers nothing", async () => {
    await upload(1, 2, 3, 4, 6);
    database((open) => open.exec("DELETE FROM entry WHERE seq IN (2, 3, 6)"));
    expect((await beat()).body).toMatchObject({ high_water: { seq: 6 }, missing: [{ from: 5, to: 5 }] });
  });

  test("says the same after a restart, and of a database made before there were runs", async () => {
    await upload(2, 3, 7, 9, 10);
    const other = new Device(checkpointId, rig.clock);
    await rig.upload(token, other, [other.entry(), other.entry()]);
    const before = (await beat()).body;
    await rig.stop();
    backToVersion(rig.databasePath, 1);
    await rig.start();
    // Sign-ins of that time had no key and ended with it.
    token = (await rig.signIn("0900000002", "staff")).access_token;
    await rig.enrolled(device, await rig.key);
    expect((await beat()).body).toMatchObject({ high_water: before.high_water, missing: before.missing });
    expect(before.missing).toEqual([
      { from: 1, to: 1 },
      { from: 4, to: 6 },
      { from: 8, to: 8 },
    ]);
    const runs = database((open) => open.prepare("SELECT * FROM seq_run WHERE device_id = ?").all(other.id));
    expect(runs).toEqual([{ device_id: other.id, from_seq: 1, to_seq: 2 }]);
  });

  test("is taken from the machine itself only, in the agreed form only, and repeats nothing it was sent", async () => {
    expect((await rig.call("POST", `/v1/devices/${device.id}/heartbeat`, { body: figures() })).status).toBe(401);
    const own = rig.key;
    rig.key = newProofKey();
    const elsewhere = await rig.signIn("0900000009", "owner");
    const refused = await beat({}, elsewhere.access_token);
    rig.key = own;
    // Whoever has nothing to do with the machine is not told that it is known.
    expect([refused.status, refused.body.type]).toEqual([403, "https://tram-qr.example/problems/device_not_enrolled"]);
    for (const wrong of [
      { app_version: "Nguyễn Thị Mẫu" },
      { unsent: -1 },
      { journal_state: "fine" },
      { last_seq: 1.5 },
      { boot_id: "" },
    ]) {
      const reply = await beat(wrong);
      expect([reply.status, reply.body.type]).toEqual([422, "https://tram-qr.example/problems/validation"]);
      expect(reply.text).not.toContain("Mẫu");
    }
    const reply = await rig.call("POST", "/v1/devices/gate-1/heartbeat", { body: figures(), token });
    expect(reply.status).toBe(422);
  });
});

describe("the numbers that arrived", () => {
  let store: Store;
  let deviceId: string;
  let fresh: () => Promise<void>;
  beforeEach(async () => {
    const place = checkpointId;
    await rig.stop();
    const { publicJwk, thumbprint } = await newProofKey();
    fresh = async () => {
      deviceId = randomUUID();
      await store.devices.enrol(
        {
          id: deviceId,
          checkpointId: place,
          publicKey: publicJwk,
          jkt: thumbprint,
          name: "Gate",
          model: "test",
          os: "test",
          enrolledBy: (await store.staff.knownPerson("0900000001")) ?? "",
        },
        0,
      );
    };
    store = openStore(`sqlite:${rig.databasePath}`, rig.clock).store;
  });
  afterEach(() => store.close());
  /** Every number by itself, as nobody would do it in a service. */
  const oracle = (arrived: ReadonlySet<number>, after: number, acknowledged: number, limit: number) => {
    const gaps: SequenceRange[] = [];
    for (let seq = after + 1; seq <= Math.max(acknowledged, ...arrived); seq += 1) {
      const last = gaps.at(-1);
      if (arrived.has(seq)) continue;
      if (last?.to === seq - 1) last.to = seq;
      else gaps.push({ from: seq, to: seq });
    }
    return gaps.slice(0, limit);
  };

  test("give the gaps a count of every single number gives", async () => {
    const seq = fc.integer({ min: 1, max: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(seq, { maxLength: 15 }), { maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(70), fc.nat(70), fc.integer({ min: 1, max: 8 })), { maxLength: 4 }),
        async (batches, questions) => {
          await fresh();
          const arrived = new Set<number>([0]);
          for (const batch of batches) {
            await store.devices.addReceived(deviceId, batch);
            for (const number of batch) arrived.add(number);
            expect(await store.devices.highWater(deviceId)).toBe(Math.max(...arrived));
            for (const [after, acknowledged, limit] of [[0, 0, 100] as const, ...questions]) {
              const found = await store.devices.missing(deviceId, { after, acknowledged, limit });
              // Above a full list the numbers are asked for again, so that only what is in it must be right.
              expect(found).toEqual(oracle(arrived, after, acknowledged, limit));
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("cost the same when there are a million", async () => {
    await fresh();
    const took = async (): Promise<number> => {
      const from = performance.now();
      for (let round = 0; round < 200; round += 1) {
        await store.devices.missing(deviceId, { after: 0, acknowledged: 0, limit: maxMissingRanges });
        await store.devices.highWater(deviceId);
      }
      return performance.now() - from;
    };
    await store.devices.addReceived(deviceId, [1, 2, 4]);
    const few = await took();
    const rows = () => database((open) => open.prepare("SELECT count(*) AS rows FROM seq_run").get());
    const run = (from: number) => Array.from({ length: 10_000 }, (_, index) => from + index);
    for (let from = 6; from < 1_000_000; from += 10_000) await store.devices.addReceived(deviceId, run(from));
    expect(await store.devices.missing(deviceId, { after: 0, acknowledged: 0, limit: 100 })).toEqual([
      { from: 3, to: 3 },
      { from: 5, to: 5 },
    ]);
    expect(rows()).toEqual({ rows: 3 });
    expect(await took()).toBeLessThan(20 * few + 200);
  });
});

describe("too many uploads at once", () => {
  const open: Socket[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
  });
  /** An upload that stops in the middle of its body. */
  const half = (head: string): { text: () => string; finish: () => void; socket: Socket } => {
    const { hostname, port } = new URL(rig.url);
    const socket = connect(Number(port), hostname);
    open.push(socket);
    const body = JSON.stringify(device.batch([device.entry()]));
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
    });
    socket.on("error", () => undefined);
    socket.write(
      `${head}Content-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body.slice(0, 20)}`,
    );
    return { text: () => text, finish: () => void socket.write(body.slice(20)), socket };
  };

  const halves = (count: number) =>
    Promise.all(Array.from({ length: count }, async () => half(await rig.rawHead("POST", "/v1/entries:batch", token))));

  test("are asked to wait before their body is read, and there is room again when others end or hang up", async () => {
    const waiting = await halves(40);
    const refused = () => waiting.filter(({ text }) => text().includes("HTTP/1.1 429"));
    await until("eight are refused", () => refused().length === 8);
    expect(refused()[0]?.text()).toMatch(/retry-after: [1-5]\r\n/i);
    expect(refused()[0]?.text()).toContain("/rate_limited");
    expect((await rig.upload(token, device, [device.entry()])).status).toBe(429);
    const [first, ...rest] = waiting.filter((upload) => !refused().includes(upload));
    first?.finish();
    await until("the first is stored", () => first?.text().includes('"stored"'));
    expect((await rig.upload(token, device, [device.entry()])).status).toBe(200);
    for (const { socket } of rest) socket.destroy();
    await until("thirty-two at once find room again", async () => {
      const again = await halves(32);
      for (const { finish } of again) finish();
      await until("each is answered", () => again.every(({ text }) => text().includes("HTTP/1.1")));
      return again.every(({ text }) => !text().includes("HTTP/1.1 429"));
    });
  });
});
