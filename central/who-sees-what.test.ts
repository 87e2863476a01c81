import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Device, newCheckpoint, OpenStream, type Reply, Rig } from "../testing/central-rig.ts";
import { PolicyPlaces, visitor } from "../testing/policy-places.ts";
import { type PolicyRow, policyTable } from "../testing/policy-table.ts";
import { until } from "../testing/until.ts";

let rig: Rig;
let places: PolicyPlaces;
beforeAll(async () => {
  rig = await Rig.start();
  places = new PolicyPlaces(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());

const { number, fullName } = visitor;
const secrets = [number, "99123", fullName, "Thị", "1991-02-03", "Phố Chim", "0911222333", "raw", "sha256"];

const queryOf = ({ wanted, purpose }: PolicyRow) => `?view=${wanted}${purpose === null ? "" : `&purpose=${purpose}`}`;

const problemOf = (reply: Reply) => [reply.status, reply.body.type.split("/").at(-1), reply.body.reason];

function expectDecision(reply: Reply, row: PolicyRow): void {
  switch (row.expected) {
    case "masked":
      expect([reply.status, reply.body.masked]).toEqual([200, true]);
      for (const secret of secrets) expect(reply.text).not.toContain(secret);
      break;
    case "full":
      expect([reply.status, reply.body.masked]).toEqual([200, false]);
      expect(reply.body.items[0]?.subject ?? { name: fullName, number }).toMatchObject({ name: fullName, number });
      for (const secret of ["raw", "sha256", "person_tag"]) expect(reply.text).not.toContain(secret);
      break;
    case "refused":
      expect(problemOf(reply)).toEqual([403, "forbidden", undefined]);
      break;
    default:
      expect(problemOf(reply)).toEqual([403, "masked_only", row.expected]);
  }
  if (row.expected !== "full") expect(reply.text).not.toContain(fullName);
}

describe("every row of the policy table over HTTP", () => {
  test.each(policyTable.filter(({ audience }) => audience !== "device"))("$title", async (row) => {
    const place = await places.placeOf(row);
    const token = await places.tokenFor(place, row);
    const path = `/v1/checkpoints/${place.checkpointId}/entries`;
    const list = await rig.call("GET", path + queryOf(row), { token });
    expectDecision(list, row);
    if (row.expected !== "masked" && row.expected !== "full") {
      const stream = await rig.call("GET", `${path}:stream${queryOf(row)}`, { token });
      expect(problemOf(stream)).toEqual(problemOf(list));
    }
    const owner = await rig.signIn(place.phone, "owner").catch(() => null);
    const log = await rig.call("GET", `/v1/access-records?checkpoint_id=${place.checkpointId}`, {
      token: (owner ?? place.owner).access_token,
    });
    const looks = (log.body.items ?? []).filter(({ action }: { action: string }) => action === "full_view");
    expect(looks).toHaveLength(row.expected === "full" ? 1 : 0);
    if (row.expected === "full") {
      expect(looks[0]).toMatchObject({
        purpose: row.purpose,
        objects: list.body.items.map((item: { entry_id: string }) => item.entry_id),
      });
    }
  });
});

describe("the full view", () => {
  const hospital = { kind: "hospital", kindStatus: "approved" } as const;
  const full = policyTable.find(({ expected, audience }) => expected === "full" && audience === "owner") as PolicyRow;

  test("what cannot be written down is not shown: 503, and nothing left", async () => {
    const place = await places.placeOf(hospital);
    const token = await places.tokenFor(place, { ...full, signInAgeMs: 0 });
    const path = `/v1/checkpoints/${place.checkpointId}/entries?view=full&purpose=care`;
    const database = new Database(rig.databasePath);
    database.exec("CREATE TRIGGER broken BEFORE INSERT ON access_record BEGIN SELECT RAISE(ABORT, 'disk'); END");
    const refused = await rig.call("GET", path, { token });
    await using stream = await OpenStream.open(rig, place.checkpointId, token, undefined, "?view=full&purpose=care");
    const device = new Device(place.checkpointId, rig.clock);
    await rig.upload(token, device, [device.person(number, fullName)]);
    await until("the stream ends", () => stream.named("bye").length > 0);
    database.exec("DROP TRIGGER broken");
    database.close();
    expect([refused.status, refused.body.type.split("/").at(-1)]).toEqual([503, "unavailable"]);
    expect(refused.text).not.toContain(fullName);
    expect(stream.named("entry")).toEqual([]);
    expect((await rig.call("GET", path, { token })).status).toBe(200);
  });

  test("a stream writes its record before each entry, and ends when the right does", async () => {
    const place = await places.placeOf(hospital);
    const token = await places.tokenFor(place, { ...full, signInAgeMs: 0 });
    await using stream = await OpenStream.open(
      rig,
      place.checkpointId,
      token,
      undefined,
      "?view=full&purpose=incident",
    );
    await until("the stream counts", () => stream.named("count").length > 0);
    const device = new Device(place.checkpointId, rig.clock);
    const visit = device.person(number, fullName);
    await rig.upload(token, device, [visit]);
    await until("the entry is there", () => stream.named("entry").length > 0);
    expect(stream.named("entry")[0]?.data.subject).toMatchObject({ name: fullName, number });
    const log = await rig.call("GET", "/v1/access-records", { token });
    expect(log.body.items).toContainEqual(
      expect.objectContaining({ action: "full_stream", objects: [visit.id], purpose: "incident" }),
    );
    const official = await places.makeOfficial(places.newPhone(), ["01"]);
    await rig.call("POST", `/v1/checkpoints/${place.checkpointId}:approve-kind`, {
      body: { decision: "refuse", reference: "QĐ 13/SYT" },
      token: official.access_token,
    });
    await until("the stream ends", () => stream.named("bye").length > 0);
    expect(stream.named("bye")[0]?.data).toEqual({ reason: "rights" });
  });

  test("reaches below only where that place allows it by itself", async () => {
    const place = await places.placeOf(hospital);
    const token = await places.tokenFor(place, { ...full, signInAgeMs: 0 });
    const below = randomUUID();
    const made = await rig.call("POST", "/v1/checkpoints", {
      body: {
        ...newCheckpoint(below),
        name: "Nhà ăn",
        parent_id: place.checkpointId,
        part: { type: "other", label: "Nhà ăn" },
      },
      token,
    });
    expect(made.status).toBe(201);
    const canteen = new Device(below, rig.clock);
    await rig.upload(token, canteen, [canteen.person("079099000555", "Khách Nhà Ăn")]);
    const path = `/v1/checkpoints/${place.checkpointId}/entries?include_children=true`;
    const masked = await rig.call("GET", path, { token });
    const inFull = await rig.call("GET", `${path}&view=full&purpose=care`, { token });
    expect([masked.body.items.length, inFull.body.items.length]).toEqual([2, 1]);
    expect(inFull.text).not.toContain("Khách Nhà Ăn");
  });

  test("records name ids only, and the log of the service no person", async () => {
    const place = await places.placeOf(hospital);
    const token = await places.tokenFor(place, { ...full, signInAgeMs: 0 });
    await rig.call("GET", `/v1/checkpoints/${place.checkpointId}/entries?view=full&purpose=care`, { token });
    const log = await rig.call("GET", "/v1/access-records", { token });
    for (const secret of [number, fullName, place.phone]) {
      expect(log.text).not.toContain(secret);
      expect(rig.log).not.toContain(secret);
    }
  });
});

describe("officials", () => {
  test("approve only in their units, and nothing else anywhere lets them in", async () => {
    const place = await places.placeOf({ kind: "hospital", kindStatus: "declared" });
    const elsewhere = await places.makeOfficial(places.newPhone(), ["79"]);
    const here = await places.makeOfficial(places.newPhone(), ["00004", "01"]);
    expect([here.roles, here.official]).toEqual([[], [{ right: "counts", unit_codes: ["00004", "01"] }]]);
    const approve = (token: string) =>
      rig.call("POST", `/v1/checkpoints/${place.checkpointId}:approve-kind`, {
        body: { decision: "approve", reference: "QĐ 1" },
        token,
      });
    expect((await approve(elsewhere.access_token)).status).toBe(403);
    expect((await approve(place.owner.access_token)).status).toBe(403);
    expect((await approve(here.access_token)).status).toBe(200);
    const id = place.checkpointId;
    for (const [method, path, body] of [
      ["GET", `/v1/checkpoints/${id}/entries`],
      ["GET", `/v1/checkpoints/${id}/entries:stream`],
      ["GET", `/v1/checkpoints/${id}/staff`],
      ["GET", `/v1/checkpoints/${id}/held-scans`],
      [
        "POST",
        `/v1/checkpoints/${id}/exports`,
        { format: "csv", from: "2026-01-01T00:00:00Z", to: "2026-12-01T00:00:00Z" },
      ],
      ["GET", "/v1/access-records"],
      ["GET", "/v1/subject-requests"],
      ["GET", "/v1/me/checkpoints"],
    ] as const) {
      const reply = await rig.call(method, path, { token: here.access_token, ...(body === undefined ? {} : { body }) });
      if (reply.status !== 404) expect([path, reply.status]).toEqual([path, 403]);
    }
  });

  test("a phone without an office gets the same answer as any, and is refused after the right code only", async () => {
    rig.clock.advance(11 * 60_000);
    await expect(rig.signIn(places.newPhone(), "official")).rejects.toThrow("phone_not_authorised");
  });
});
