import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Device, Rig } from "../testing/central-rig.ts";
import { runTram } from "../testing/program.ts";

// Many programs one after another: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 180_000 });

let rig: Rig;
let database: string;
beforeEach(async () => {
  rig = await Rig.start();
  database = `sqlite:${rig.databasePath}`;
});
afterEach(() => rig[Symbol.asyncDispose]());

const json = (output: string) => JSON.parse(output.trim().split("\n").at(-1) ?? "null");

test("an official is made, listed masked, signs in, and is none any more after its removal", async () => {
  const phone = "0912345678";
  const added = await runTram([
    "central-official",
    "add",
    "--phone",
    phone,
    "--role",
    "health",
    "--units",
    "01, 00004",
    "--database",
    database,
    "--json",
  ]);
  expect([added.code, json(added.out)]).toMatchObject([0, { role: "health", units: ["01", "00004"] }]);
  const signedIn = await rig.signIn(phone, "official");
  expect(signedIn.official).toEqual([{ right: "health", unit_codes: ["01", "00004"] }]);
  const listed = await runTram(["central-official", "list", "--database", database]);
  expect(listed.out).toContain("091••••678  health  01, 00004");
  const removed = await runTram(["central-official", "remove", "--phone", phone, "--database", database]);
  expect(removed.out).toContain("no official any more");
  rig.clock.advance(61_000);
  await expect(rig.signIn(phone, "official")).rejects.toThrow("phone_not_authorised");
  for (const wrong of [
    ["--phone", "12", "--role", "counts", "--units", "01"],
    ["--phone", phone, "--role", "owner", "--units", "01"],
    ["--phone", phone, "--role", "counts", "--units", "99"],
    ["--phone", phone, "--role", "counts", "--units", ","],
  ]) {
    const refused = await runTram(["central-official", "add", ...wrong, "--database", database]);
    expect([refused.code, refused.err.split("\n").filter(Boolean).length]).toEqual([1, 1]);
  }
  const nowhere = await runTram(["central-official", "list", "--database", "sqlite:/nowhere/central.db"]);
  expect([nowhere.code, nowhere.err]).toMatchObject([1, expect.stringContaining("does not exist")]);
});

test("the operator hands out, corrects and erases over all places, with the service running", async () => {
  const number = "079099333444";
  const first = await rig.checkpoint("0900000001");
  const second = await rig.checkpoint("0900000021");
  for (const { owner, checkpointId } of [first, second]) {
    const device = new Device(checkpointId, rig.clock);
    await rig.upload(owner.access_token, device, [device.person(number, "Vũ Thị Thử")]);
  }
  const run = (kind: string, asked: object) =>
    runTram(["central-subject", kind, "--reason", "Đơn 7", "--database", database, "--json"], JSON.stringify(asked));
  const found = await run("export", { citizen_number: number });
  expect(json(found.out).data.entries).toHaveLength(2);
  expect((await run("correct", { citizen_number: number })).code).toBe(1);
  const corrected = await run("correct", { citizen_number: number, correction: { full_name: "Vũ Thị Thử Nghiệm" } });
  expect(json(corrected.out).entries).toBe(2);
  const erased = await run("erase", { citizen_number: number });
  expect(json(erased.out)).toMatchObject({ entries: 2, notes: [expect.stringContaining("Backups")] });
  expect(json((await run("access", { citizen_number: number })).out).entries).toBe(0);
  const nobody = await run("erase", { name: "Vũ" });
  expect([nobody.code, nobody.err]).toMatchObject([1, expect.stringContaining("citizen_number")]);
  for (const { err } of [found, corrected, erased, nobody]) expect(err).not.toContain(number);
  const file = new Database(rig.databasePath, { readonly: true });
  const records = file.prepare("SELECT action, actor FROM access_record ORDER BY seq").all();
  file.close();
  expect(records).toContainEqual({ action: "subject_erased", actor: "operator" });
});

test("the access log is checked beside the running service, against what its log file told", async () => {
  const { owner } = await rig.checkpoint();
  await rig.call("GET", "/v1/access-records", { token: owner.access_token });
  await rig.stop();
  const log = path.join(rig.folder, "central.log");
  writeFileSync(log, rig.log);
  await rig.start();
  const good = await runTram(["central-audit", "verify", "--database", database, "--log", log, "--json"]);
  expect([good.code, json(good.out)]).toMatchObject([0, { ok: true, faults: [] }]);
  expect(json(good.out).compared).toBeGreaterThan(0);
  const copy = path.join(rig.folder, "copy.db");
  await rig.stop();
  copyFileSync(rig.databasePath, copy);
  const tampered = new Database(copy);
  tampered.exec(
    "DROP TRIGGER access_record_stays; DELETE FROM access_record WHERE seq = (SELECT max(seq) FROM access_record)",
  );
  tampered.close();
  const cut = await runTram(["central-audit", "verify", "--database", `sqlite:${copy}`, "--log", log]);
  expect([cut.code, cut.out]).toMatchObject([1, expect.stringContaining("the end was cut off")]);
});
