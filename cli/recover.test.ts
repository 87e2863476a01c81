import { randomUUID } from "node:crypto";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CarryFile } from "../agent/carry/carry-file.ts";
import { dataKeysFile } from "../agent/journal/data-keys.ts";
import { JournalStore } from "../agent/journal/store.ts";
import type { OwnerKey } from "../provisioning/owner-key.ts";
import { loadStationKeys } from "../provisioning/secrets.ts";
import { draft } from "../testing/drafts.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { makeOwner, passphrase, type TestOwner } from "../testing/owner.ts";
import { jsonLines, type Line, runTram } from "../testing/program.ts";

// Many programs one after another: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 180_000 });

let folder: ReturnType<typeof temporaryFolder>;
let owner: TestOwner;
let stranger: TestOwner;
beforeAll(async () => {
  folder = temporaryFolder();
  owner = await makeOwner(folder.path);
  stranger = await makeOwner(folder.path, "stranger");
}, 60_000);
afterAll(() => folder[Symbol.dispose]());

interface Dead {
  readonly data: string;
  readonly ids: readonly string[];
  readonly deviceId: string;
}

/** A machine that died while it ran: 60 rows, 10 of them stored, 5 quarantined; its log was never folded in. */
function deadMachine(name: string, ownerKey: OwnerKey | null = owner.publicKey): Dead {
  const live = path.join(folder.path, `${name}-live`);
  const data = path.join(folder.path, name);
  mkdirSync(live);
  const keys = loadStationKeys(path.join(live, "station.key"), true, ownerKey);
  const journal = new JournalStore(path.join(live, "journal.db"), keys);
  const deviceId = randomUUID();
  journal.setFact("device-id", deviceId);
  const ids: string[] = [];
  for (let index = 1; index <= 60; index++) {
    const long = { ...draft(index).body, fields: { fullName: "Nguyễn Văn Mẫu".repeat(600) } };
    ids.push(journal.append(draft(index, index % 7 === 0 ? { body: long } : {})).id);
    if (index === 30) journal.checkpoint();
  }
  journal.acknowledge(
    ids.slice(0, 10).map((id) => ({ id, state: "stored" })),
    1,
  );
  for (const id of ids.slice(10, 15)) journal.quarantine({ id }, "validation", 1);
  cpSync(live, data, { recursive: true });
  rmSync(path.join(data, "station.key"));
  journal.close();
  return { data, ids, deviceId };
}

async function recovered(
  data: string,
  ...more: string[]
): Promise<{ code: number | null; err: string; line: Line; file: string }> {
  const file = path.join(folder.path, `${randomUUID()}.carry`);
  const args = ["--data", data, "--owner-key", owner.privateFile, "--out", file, "--json", ...more];
  const { code, err, out } = await runTram(["journal", "recover", ...args], `${passphrase}\n`);
  return { code, err, line: jsonLines(out)[0] ?? {}, file };
}

function carriedIds(file: string): string[] {
  using carried = new CarryFile(file, owner.privateKey);
  return [...carried.batches()].flat().map(({ id }) => id);
}

const snapshot = (data: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(data, { withFileTypes: true, recursive: true })
      .filter((item) => item.isFile())
      .map((item) => path.join(item.parentPath, item.name))
      .map((name) => [name, readFileSync(name).toString("base64")]),
  );

test("without station.key, with the owner's key: every row that was not delivered, and the folder stays as it was", async () => {
  const { data, ids, deviceId } = deadMachine("whole");
  const before = snapshot(data);
  const { code, line, file, err } = await recovered(data);
  expect(code, err).toBe(0);
  expect(line).toMatchObject({
    entries: 50,
    rows: { unsent: 45, quarantined: 5, stored: 10, duplicate: 0 },
    damaged: 0,
    missing: 0,
    keysNotOpened: [],
  });
  expect(carriedIds(file)).toEqual(ids.slice(10));
  using carried = new CarryFile(file, owner.privateKey);
  expect(carried.manifest).toMatchObject({ deviceId, made: null });
  expect(snapshot(data)).toEqual(before);
  expect(readdirSync(folder.path).filter((name) => name.startsWith(".tram-recover"))).toEqual([]);
});

const damages: Record<string, (data: string) => void> = {
  "the first page of the journal gone": (data) => overwrite(path.join(data, "journal.db"), 0, 4096),
  "the journal gone, its log there": (data) => rmSync(path.join(data, "journal.db")),
  "a flipped bit in the log, which hides all later commits from SQLite": (data) => {
    overwrite(path.join(data, "journal.db-wal"), 32 + 24 + 200, 1);
  },
  "the set was put aside and a new journal begun": (data) => {
    const aside = path.join(data, "journal.set-aside", "2026-01-01");
    mkdirSync(aside, { recursive: true });
    for (const name of ["journal.db", "journal.db-wal", "journal.db-shm", dataKeysFile]) {
      if (existsSync(path.join(data, name))) copyFileSync(path.join(data, name), path.join(aside, name));
      rmSync(path.join(data, name), { force: true });
    }
  },
  "the table of the keys gone": (data) => {
    const database = new Database(path.join(data, "journal.db"));
    database.exec("DROP TABLE data_key");
    database.close();
  },
  "the copy of the keys gone": (data) => rmSync(path.join(data, dataKeysFile)),
};

function overwrite(file: string, at: number, length: number): void {
  const bytes = readFileSync(file);
  for (let index = at; index < at + length; index++) bytes[index] = (bytes[index] ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
}

test.each(Object.keys(damages))("%s: what was not delivered is still recovered, or counted", async (what) => {
  const { data, ids, deviceId } = deadMachine(`damaged-${Object.keys(damages).indexOf(what)}`);
  damages[what]?.(data);
  const { code, line, file, err } = await recovered(data, "--device-id", deviceId);
  const got = new Set(carriedIds(file));
  const lost = ids.slice(10).filter((id) => !got.has(id)).length;
  // What is not there is told.
  expect(Number(line.damaged) + Number(line.missing), err).toBeGreaterThanOrEqual(lost);
  if (what.startsWith("the journal gone")) expect(got.size).toBeGreaterThan(20);
  else expect(lost).toBe(0);
  expect(code).toBe(Number(line.damaged) + Number(line.missing) > 0 ? 1 : 0);
});

test("a flipped bit costs exactly its row, and is told", async () => {
  const { data, ids } = deadMachine("one-row");
  const database = new Database(path.join(data, "journal.db"));
  database.exec(
    "UPDATE entry SET body = CAST(substr(body, 1, 40) || iif(substr(body, 41, 1) = x'00', x'01', x'00') || substr(body, 42) AS BLOB) WHERE seq = 40",
  );
  database.exec("VACUUM");
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
  const { code, line, file, err } = await recovered(data);
  expect(code).toBe(1);
  expect(err).toMatch(/1 rows do not open.*keep the folder/);
  expect(line).toMatchObject({ entries: 49, damaged: 1, missing: 0 });
  expect(carriedIds(file)).toEqual(ids.slice(10).filter((_, index) => index !== 29));
});

test("the wrong owner's key, none at all, and rows of a station without one are each told apart", async () => {
  const { data } = deadMachine("of-a-stranger", stranger.publicKey);
  const wrong = await recovered(data);
  expect(wrong).toMatchObject({ code: 1, line: {} });
  expect(wrong.err).toMatch(new RegExp(`sealed for the owner key ${stranger.publicKey.fingerprint}`));
  expect(existsSync(wrong.file)).toBe(false);
  const { data: none } = deadMachine("of-nobody", null);
  const never = await recovered(none);
  expect(never.err).toMatch(/had no owner key.*station\.key/);
  copyFileSync(path.join(folder.path, "of-nobody-live", "station.key"), path.join(none, "station.key"));
  expect((await recovered(none)).line).toMatchObject({ entries: 50 });
});

test("in clear on demand: JSON lines of every row; and the passphrase and the cards are in no message", async () => {
  const { data, ids } = deadMachine("clear");
  const { code, file, line, err } = await recovered(data, "--clear");
  expect(code, err).toBe(0);
  expect(line.entries).toBe(60);
  const rows = jsonLines(readFileSync(file, "utf8"));
  expect(rows.map(({ id }) => id)).toEqual(ids);
  expect(rows[0]).toMatchObject({ state: "stored", fields: { citizenNumber: "079098000001" } });
  expect(err + JSON.stringify(line)).not.toMatch(/079098000001|Nguyễn|một câu/);
});

test("a fact that is no longer one keeps no row back", async () => {
  const { data, ids } = deadMachine("spoilt-fact");
  const database = new Database(path.join(data, "journal.db"));
  database.exec("INSERT OR REPLACE INTO fact (name, value) VALUES ('clock-offset', '{\"offsetMs\": 36')");
  database.close();
  const { code, file, err } = await recovered(data);
  expect(code, err).toBe(0);
  expect(carriedIds(file)).toEqual(ids.slice(10));
});

test("each fault is one sentence", async () => {
  const empty = path.join(folder.path, "empty");
  mkdirSync(empty);
  expect((await recovered(empty)).err).toMatch(/no journal in .*--data/);
  expect((await recovered(path.join(folder.path, "nowhere"))).err).toMatch(/no folder/);
});
