import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TokenReply } from "../contract/people.ts";
import { Device, newCheckpoint, Rig } from "../testing/central-rig.ts";
import { readCsv, readSheet } from "../testing/read-tables.ts";
import { until } from "../testing/until.ts";
import { openStore } from "./store/store.ts";

const day = { from: "2026-03-02T00:00:00+07:00", to: "2026-03-03T00:00:00+07:00" };
const letters = "Ăắằẳẵặ Âấầẩẫậ Đđ Êếềểễệ Ôốồổỗộ Ơớờởỡợ Ưứừửữự ÁàảãạÉèẻẽẹÍìỉĩịÓòỏõọÚùủũụÝỳỷỹỵ";
const hostile = [
  '=HYPERLINK("http://x.example","A")',
  "+84900000001",
  "-2+3",
  "@SUM(A1)",
  "\t=1+1",
  "\r=1+1",
  " =1+1",
  "＝1+1",
  "＠SUM(A1)",
  'Trần "Mẫu", Thử; một',
  "dòng một\r\ndòng hai\n",
  "\u202eẩn ngược\u2066\u200f",
  "<b>&amp;</b>]]>_x0041_",
  "00123",
  letters,
  "ỆỮ".repeat(150),
  "\ud800 🍜",
];

async function exported(rig: Rig, id: string, token: string, body: object): Promise<Response> {
  return rig.request("POST", `/v1/checkpoints/${id}/exports`, {
    token,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...day, ...body }),
  });
}

/** A hospital that may show people in full, by its owner; approval is not what is tested here. */
async function openHospital(rig: Rig): Promise<{ owner: TokenReply; checkpointId: string }> {
  const made = await rig.checkpoint();
  const database = new Database(rig.databasePath);
  database.exec(
    "UPDATE checkpoint SET kind = 'hospital', kind_status = 'approved'; UPDATE staff_grant SET full_view = 1",
  );
  database.close();
  return made;
}

const full = { view: "full", purpose: "care" };

describe("texts of people", () => {
  test("a CSV holds each as it was, in its cell, and none as a formula", async () => {
    await using rig = await Rig.start();
    const { owner, checkpointId } = await openHospital(rig);
    const device = new Device(checkpointId, rig.clock);
    for (const name of hostile) {
      rig.clock.advance(1000);
      const entry = device.person("012345678901", name, { reader_label: name.toWellFormed().slice(0, 120) });
      const sent = await rig.upload(owner.access_token, device, [entry]);
      expect(sent.body.results).toMatchObject([{ status: "stored" }]);
    }
    const reply = await exported(rig, checkpointId, owner.access_token, { format: "csv", ...full });
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    expect(reply.headers.get("content-disposition")).toBe(
      `attachment; filename="vao-ra_Cong-thu-nghiem_2026-03-02_2026-03-02.csv"; ` +
        "filename*=UTF-8''vao-ra_C%E1%BB%95ng-th%E1%BB%AD-nghi%E1%BB%87m_2026-03-02_2026-03-02.csv",
    );
    const bytes = new Uint8Array(await reply.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    const [head = [], ...rows] = readCsv(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    expect(rows.pop()).toEqual([`HẾT TỆP (end of file): ${hostile.length} lượt (entries)`]);
    expect(rows).toHaveLength(hostile.length);
    const column = (title: string) => head.findIndex((cell) => cell.includes(title));
    for (const [index, row] of rows.entries()) {
      expect(row).toHaveLength(head.length);
      for (const cell of row) {
        expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠]/u);
        expect(cell).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }
      const plain = (hostile[index] ?? "")
        .toWellFormed()
        .replace(/[\r\n\t]+/g, " ")
        .replace(/\p{Cf}/gu, "")
        .trim();
      expect(row[column("name")]?.replace(/^'(?=[=+\-@＝＋－＠])/u, "")).toBe(plain);
      expect(row[column("number")]).toBe("012345678901");
    }
    expect(rows[0]?.[column("time")]).toBe("2026-03-02T10:00:01+07:00");
    expect(rows[0]?.[column("local time")]).toBe("02/03/2026 10:00:01");
  });

  test("a spreadsheet holds each as a text, with its zeros", async () => {
    await using rig = await Rig.start();
    const { owner, checkpointId } = await openHospital(rig);
    const device = new Device(checkpointId, rig.clock);
    await rig.upload(
      owner.access_token,
      device,
      hostile.map((name) => device.person("012345678901", name)),
    );
    const reply = await exported(rig, checkpointId, owner.access_token, { format: "xlsx", ...full });
    const [head = [], ...rows] = readSheet(new Uint8Array(await reply.arrayBuffer()));
    const [name, number] = ["name", "number"].map((title) => head.findIndex((cell) => cell.includes(`(${title})`)));
    expect(rows.pop()).toEqual([`HẾT TỆP (end of file): ${hostile.length} lượt (entries)`]);
    expect(rows.map((row) => row[number ?? 0])).toEqual(hostile.map(() => "012345678901"));
    expect(rows.map((row) => row[name ?? 0])).toEqual(
      hostile.map((text) =>
        text
          .toWellFormed()
          .replace(/[\r\n\t]+/g, " ")
          .replace(/\p{Cf}/gu, "")
          .trim(),
      ),
    );
  });

  test("JSON holds each exactly as it was scanned", async () => {
    await using rig = await Rig.start();
    const { owner, checkpointId } = await openHospital(rig);
    const device = new Device(checkpointId, rig.clock);
    await rig.upload(
      owner.access_token,
      device,
      hostile.map((name) => device.person("012345678901", name)),
    );
    const reply = await exported(rig, checkpointId, owner.access_token, { format: "json", ...full });
    const file = (await reply.json()) as { masked: boolean; rows: number; items: { subject: { name: string } }[] };
    expect([file.masked, file.rows, file.items.length]).toEqual([false, hostile.length, hostile.length]);
    expect(file.items.map(({ subject }) => subject.name.toWellFormed())).toEqual(
      hostile.map((text) => text.toWellFormed()),
    );
  });
});

test("a period takes its first moment and not its last, one direction where asked, oldest first", async () => {
  await using rig = await Rig.start();
  const { checkpointId } = await rig.checkpoint();
  const device = new Device(checkpointId, rig.clock);
  const at = (time: string, direction: "in" | "out" = "in") => {
    const wall_ms = Date.parse(time);
    return device.entry({ wall_ms, mono_ms: wall_ms, direction });
  };
  const made = [
    at("2026-03-01T12:00:00+07:00"),
    at("2026-03-01T08:00:00+07:00"),
    at("2026-03-01T08:00:00+07:00", "out"),
    at("2026-02-28T23:59:59.999+07:00"),
    at("2026-03-02T00:00:00+07:00"),
    at("2026-03-01T00:00:00+07:00"),
  ];
  rig.clock.advance(24 * 3_600_000);
  await rig.upload((await rig.signIn("0900000001", "owner")).access_token, device, made);
  const period = { from: "2026-03-01T00:00:00+07:00", to: "2026-02-28T17:00:00Z", format: "json" };
  const token = (await rig.signIn("0900000001", "owner")).access_token;
  const ids = async (more: object) => {
    const reply = await exported(rig, checkpointId, token, { ...period, to: "2026-03-01T17:00:00Z", ...more });
    return ((await reply.json()) as { items: { entry_id: string }[] }).items.map(({ entry_id }) => entry_id);
  };
  const idOf = (index: number) => made[index]?.id;
  expect(await ids({})).toEqual([5, 1, 2, 0].map(idOf));
  expect(await ids({ direction: "out" })).toEqual([idOf(2)]);
  const wrong = async (more: object) => (await exported(rig, checkpointId, token, { ...period, ...more })).status;
  expect(await wrong({})).toBe(422);
  expect(await wrong({ from: "2024-01-01T00:00:00Z" })).toBe(422);
  expect(await wrong({ to: "2026-03-02" })).toBe(422);
  expect(await wrong({ to: "2026-03-02T00:00:00Z", format: "exe" })).toBe(422);
});

test("the usual file is masked; more needs the right that lists need; each stands in the access log", async () => {
  await using rig = await Rig.start();
  const { owner, checkpointId } = await rig.checkpoint();
  const device = new Device(checkpointId, rig.clock);
  const entry = device.person("079099123456", "Hoàng Thị Chim");
  await rig.upload(owner.access_token, device, [entry]);
  const { tokens: scanner } = await rig.staff(owner, checkpointId, "0900000002");
  const { tokens: supervisor } = await rig.staff(owner, checkpointId, "0900000003", "supervisor");
  const stranger = await rig.checkpoint("0900000004").then(({ owner }) => owner);
  for (const format of ["csv", "json", "xlsx"]) {
    const reply = await exported(rig, checkpointId, supervisor.access_token, { format });
    const bytes = Buffer.from(await reply.arrayBuffer());
    const text = format === "xlsx" ? JSON.stringify(readSheet(bytes)) : bytes.toString("utf8");
    expect(text).toContain("H•••• T•• Chim");
    for (const secret of ["079099123456", "99123", "Hoàng", entry.raw_b64]) expect(text).not.toContain(secret);
    for (const { access_token } of [scanner, stranger]) {
      expect((await exported(rig, checkpointId, access_token, { format })).status).toBe(403);
    }
    const refused = await exported(rig, checkpointId, owner.access_token, { format, ...full });
    expect([refused.status, ((await refused.json()) as { reason: string }).reason]).toEqual([403, "kind"]);
  }
  const records = await rig.call("GET", `/v1/access-records?checkpoint_id=${checkpointId}`, {
    token: owner.access_token,
  });
  const exports = records.body.items.filter(({ action }: { action: string }) => action === "export");
  expect(exports).toMatchObject(
    ["xlsx", "json", "csv"].map((format) => ({
      actor: supervisor.person.ref,
      objects: [checkpointId],
      reason: `${format} ${day.from}/${day.to}`,
    })),
  );
  expect(rig.log).not.toMatch(/Chim|079099123456/);
});

test("in full, every entry that leaves is written down, with why", async () => {
  await using rig = await Rig.start();
  const { owner, checkpointId } = await openHospital(rig);
  const device = new Device(checkpointId, rig.clock);
  const entries = [device.person("079099123456", "Hoàng Thị Chim"), device.entry()];
  await rig.upload(owner.access_token, device, entries);
  const reply = await exported(rig, checkpointId, owner.access_token, { format: "csv", ...full });
  expect(await reply.text()).toContain("Hoàng Thị Chim");
  const records = await rig.call("GET", `/v1/access-records?checkpoint_id=${checkpointId}`, {
    token: owner.access_token,
  });
  expect(records.body.items.slice(0, 2)).toMatchObject([
    { action: "export", purpose: "care", objects: entries.map(({ id }) => id) },
    { action: "export", purpose: "care", objects: [checkpointId] },
  ]);
});

test("sub-places come with their names, in the order of time, as far as the caller has a right there", async () => {
  await using rig = await Rig.start();
  const { owner, checkpointId } = await rig.checkpoint();
  const floors: string[] = [];
  for (const label of ["Tầng 1", "Tầng 2"]) {
    const id = randomUUID();
    const part = { type: "floor", label };
    const body = { ...newCheckpoint(id), name: label, parent_id: checkpointId, part, confirm: true };
    expect((await rig.call("POST", "/v1/checkpoints", { body, token: owner.access_token })).status).toBe(201);
    floors.push(id);
  }
  const all = [checkpointId, ...floors].map((id) => new Device(id, rig.clock));
  for (let step = 0; step < 90; step++) {
    rig.clock.advance(1000);
    const device = all[(step * 7) % 3] as Device;
    await rig.upload(owner.access_token, device, [device.entry()]);
  }
  const read = async (token: string, more: object) => {
    const reply = await exported(rig, checkpointId, token, { format: "json", ...more });
    return ((await reply.json()) as { items: { at: string; place: string }[] }).items;
  };
  const items = await read(owner.access_token, { include_children: true });
  expect(items).toHaveLength(90);
  expect(items.map(({ at }) => at)).toEqual(items.map(({ at }) => at).toSorted());
  expect(new Set(items.map(({ place }) => place))).toEqual(new Set(["Cổng thử nghiệm", "Tầng 1", "Tầng 2"]));
  expect(await read(owner.access_token, {})).toHaveLength(30);
  const { tokens } = await rig.staff(owner, checkpointId, "0900000002", "supervisor");
  expect(await read(tokens.access_token, { include_children: true })).toHaveLength(30);
});

/** With long labels more than the buffers between two programs of one machine take (tcp(7): 4 and 6 MiB). */
const many = 20_000;
const longLabel = "ệ".repeat(120);

async function busyPlace(rig: Rig): Promise<{ owner: TokenReply; checkpointId: string }> {
  const made = await rig.checkpoint();
  const device = new Device(made.checkpointId, rig.clock);
  await rig.upload(made.owner.access_token, device, [device.entry()]);
  const { store } = openStore(`sqlite:${rig.databasePath}`, rig.clock);
  await store.transaction(async (within) => {
    for (let index = 0; index < many; index++) {
      const wire = device.person(String(index).padStart(12, "0"), "Nguyễn Thị Mẫu", { reader_label: longLabel });
      const at = rig.clock.now() - index;
      const known = { contentTag: `c${index}`, personTag: `p${index}`, correctedAt: at, receivedAt: at, late: null };
      await within.entries.add({
        deviceId: device.id,
        wire,
        uploadedBy: made.owner.person.ref,
        otherTags: [],
        ...known,
      });
    }
  });
  await store.close();
  return made;
}

async function readUntilItEnds(reply: Response): Promise<{ bytes: Buffer; whole: boolean }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of reply.body ?? []) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), whole: true };
  } catch {
    return { bytes: Buffer.concat(chunks), whole: false };
  }
}

describe("of a busy place", () => {
  let rig: Rig;
  let place: Awaited<ReturnType<typeof busyPlace>>;
  beforeAll(async () => {
    rig = await Rig.start();
    place = await busyPlace(rig);
  }, 120_000);
  afterAll(() => rig[Symbol.asyncDispose]());

  test("a file whose right ends on the way is cut off, and every format shows that it is a part", {
    timeout: 120_000,
  }, async () => {
    const { owner, checkpointId } = place;
    let phone = 900_000_010;
    for (const format of ["csv", "json"]) {
      const { tokens, staffId } = await rig.staff(owner, checkpointId, `0${phone++}`, "supervisor");
      const reply = await exported(rig, checkpointId, tokens.access_token, { format });
      expect(reply.status).toBe(200);
      const removed = await rig.call("DELETE", `/v1/checkpoints/${checkpointId}/staff/${staffId}`, {
        token: owner.access_token,
      });
      expect(removed.status).toBe(204);
      const { bytes, whole } = await readUntilItEnds(reply);
      expect([whole, bytes.length > 0]).toEqual([false, true]);
      if (format === "csv") expect(bytes.toString("utf8")).not.toContain("HẾT TỆP");
      else expect(() => JSON.parse(bytes.toString("utf8"))).toThrow();
    }
    const reply = await exported(rig, checkpointId, owner.access_token, { format: "xlsx" });
    const file = new Uint8Array(await reply.arrayBuffer());
    expect(readSheet(file).at(-1)).toEqual([`HẾT TỆP (end of file): ${many + 1} lượt (entries)`]);
    expect(() => unzipSync(file.subarray(0, file.length - 1000))).toThrow();
  });

  test("one export at a time: the next waits until the first has ended or its reader has gone", {
    timeout: 120_000,
  }, async () => {
    const { owner, checkpointId } = place;
    const first = await exported(rig, checkpointId, owner.access_token, { format: "json" });
    const second = await exported(rig, checkpointId, owner.access_token, { format: "csv" });
    expect([second.status, second.headers.get("retry-after")]).toEqual([429, "10"]);
    await first.body?.cancel();
    await until(
      "the place of the first is free",
      async () => {
        const again = await exported(rig, checkpointId, owner.access_token, { format: "csv" });
        const text = await again.text();
        return again.status === 200 && text.includes(`${many + 1} lượt`);
      },
      60_000,
    );
  });
});
