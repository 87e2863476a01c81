import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { dataKeysFile } from "../agent/journal/data-keys.ts";
import { JournalStore } from "../agent/journal/store.ts";
import { Witness, witnessFile } from "../agent/journal/witness.ts";
import { loadStationKeys } from "../provisioning/secrets.ts";
import { draft } from "../testing/drafts.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { makeOwner, type TestOwner } from "../testing/owner.ts";
import { jsonLines, type Line, runTram, startTram } from "../testing/program.ts";

// Many programs one after another: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 180_000 });

let folder: ReturnType<typeof temporaryFolder>;
let owner: TestOwner;
beforeAll(async () => {
  folder = temporaryFolder();
  owner = await makeOwner(folder.path);
}, 60_000);
afterAll(() => folder[Symbol.dispose]());

/** A station's folder with 40 rows: 5 stored, 2 of those erased, 1 quarantined. */
function station(withOwner = true): string {
  const data = path.join(folder.path, randomUUID());
  mkdirSync(data);
  const keys = loadStationKeys(path.join(data, "station.key"), true, withOwner ? owner.publicKey : null);
  const journal = new JournalStore(path.join(data, "journal.db"), keys);
  journal.setFact("device-id", randomUUID());
  const ids = Array.from({ length: 40 }, (_, index) => journal.append(draft(index + 1)).id);
  journal.acknowledge(
    ids.slice(0, 2).map((id) => ({ id, state: "stored" })),
    1,
  );
  journal.eraseDelivered(0, 100);
  journal.acknowledge(
    ids.slice(2, 5).map((id) => ({ id, state: "stored" })),
    1,
  );
  journal.quarantine({ id: ids[5] ?? "" }, "validation", 1);
  journal.close();
  witnessed(data, 40, 5);
  return data;
}

function witnessed(data: string, lastSeq: number, highWater: number): void {
  const witness = new Witness(path.join(data, witnessFile));
  witness.note(lastSeq);
  witness.noteHighWater(highWater);
  witness.save();
  witness.close();
}

async function verified(
  data: string,
): Promise<{ code: number | null; err: string; line: Line & { faults: string[] } }> {
  const { code, err, out } = await runTram(["journal", "verify", "--data", data, "--json"]);
  return { code, err, line: jsonLines(out)[0] as Line & { faults: string[] } };
}

function tamper(data: string, sql: string): void {
  const database = new Database(path.join(data, "journal.db"));
  database.exec(sql);
  database.close();
}

test("a sound journal is called sound, with what was erased, and with whether an owner can read it", async () => {
  const { code, line, err } = await verified(station());
  expect(code, err).toBe(0);
  expect(line).toMatchObject({
    ok: true,
    rows: 38,
    unsent: 34,
    stored: 3,
    quarantined: 1,
    erased: 2,
    faults: [],
    keyBackend: "file",
  });
  const text = await runTram(["journal", "verify", "--data", station()]);
  expect(text.out).toContain(`1 data keys; station.key guarded by: file; owner key ${owner.publicKey.fingerprint}.`);
  const without = await runTram(["journal", "verify", "--data", station(false)]);
  expect(without.code).toBe(0);
  expect(without.out).toMatch(/NO owner key: .*tram journal owner-key/);
});

const faults: Record<string, { break: (data: string) => void; says: RegExp[] }> = {
  "a flipped bit in a row": {
    break: (data) =>
      tamper(
        data,
        "UPDATE entry SET body = CAST(substr(body, 1, 40) || iif(substr(body, 41, 1) = x'00', x'01', x'00') || substr(body, 42) AS BLOB) WHERE seq = 17",
      ),
    says: [/^Row 17 was changed: its seal does not verify\.$/],
  },
  "a changed clear column": {
    break: (data) => tamper(data, "UPDATE entry SET direction = 'out' WHERE seq = 18"),
    says: [/^Row 18 was changed/],
  },
  "missing rows, one of them at the end": {
    break: (data) => tamper(data, "DELETE FROM entry WHERE seq IN (11, 12, 13, 20, 40)"),
    says: [/^Rows 11 to 13 are missing\.$/, /^Row 20 is missing\.$/, /^Row 40 is missing\.$/],
  },
  "a tombstone taken away": {
    break: (data) => tamper(data, "DELETE FROM erased WHERE seq = 2"),
    says: [/^Row 2 is missing\.$/],
  },
  "a file of yesterday": {
    break: (data) => witnessed(data, 75, 60),
    says: [/holds numbers up to 40, this machine has given up to 75 and the centre has acknowledged up to 60\.$/],
  },
  "a station.key of another machine": {
    break: (data) => {
      rmSync(path.join(data, "station.key"));
      loadStationKeys(path.join(data, "station.key"), true);
    },
    says: [/^38 rows under the data key [0-9a-f]{16} do not open: it was wrapped by another station\.key\.$/],
  },
  "no station.key": {
    break: (data) => rmSync(path.join(data, "station.key")),
    says: [/^The key .*station\.key is missing.*tram journal recover/],
  },
  "a damaged wrapped key in one place": {
    break: (data) => tamper(data, "UPDATE data_key SET owner_wrap = zeroblob(384)"),
    says: [/^The copy of the data key [0-9a-f]{16} in the journal is damaged; the next start/],
  },
  "a copy of the keys gone": {
    break: (data) => rmSync(path.join(data, dataKeysFile)),
    says: [/^The copy of the data key [0-9a-f]{16} in data-keys\.json is missing/],
  },
  "a damaged wrapped key in both places": {
    break: (data) => {
      tamper(data, "UPDATE data_key SET device_wrap = zeroblob(60)");
      rmSync(path.join(data, dataKeysFile));
    },
    says: [/^38 rows under the data key [0-9a-f]{16} do not open: the wrapped key is damaged\.$/],
  },
  "no wrapped key at all": {
    break: (data) => {
      tamper(data, "DELETE FROM data_key");
      rmSync(path.join(data, dataKeysFile));
    },
    says: [/^38 rows under the data key [0-9a-f]{16} do not open: the wrapped key is gone\.$/],
  },
};
test.each(Object.keys(faults))("%s is named exactly, and nothing else is", async (what) => {
  const fault = faults[what];
  if (!fault) throw new Error(what);
  const data = station();
  fault.break(data);
  const { code, line, err } = await verified(data);
  expect(code).toBe(1);
  expect(err).toMatch(/^tram: The journal is not sound \(\d+ faults\); keep the whole folder/);
  expect(line.faults).toHaveLength(fault.says.length);
  for (const [index, says] of fault.says.entries()) expect(line.faults[index]).toMatch(says);
});

test("a file beyond SQLite says so, and how much can still be read out of it", async () => {
  const data = station();
  const file = path.join(data, "journal.db");
  const bytes = readFileSync(file);
  bytes.fill(0xff, 0, 4096);
  writeFileSync(file, bytes);
  const { code, err, line } = await verified(data);
  expect(code).toBe(1);
  expect(err).toMatch(/damaged or not a journal.*35 rows that were not sent can still be read/);
  expect(line).toMatchObject({ ok: false, readable: 35 });
});

test("beside an agent that is recording, and on a copied folder", async () => {
  const data = station();
  const copy = path.join(folder.path, "copied");
  cpSync(data, copy, { recursive: true });
  expect((await verified(copy)).line).toMatchObject({ ok: true, rows: 38 });
  const config = path.join(folder.path, "agent.json");
  const checkpointId = randomUUID();
  writeFileSync(
    config,
    JSON.stringify({ dataDir: data, central: "http://127.0.0.1:9", kioskPort: 0, readers: [], checkpointId }),
  );
  await using agent = startTram("agent", "--config", config, "--json");
  await agent.line("ready");
  for (let index = 0; index < 5; index++) {
    const card = `07909812345${index}||Trần Thị Sau|01011990|Nữ|Số 1 Phố Thử|01012021`;
    const [scan, { line, err }] = await Promise.all([
      runTram(["scan", card, "--data", data, "--json"]),
      verified(data),
    ]);
    expect(scan.code, scan.err).toBe(0);
    expect(line, err).toMatchObject({ ok: true, faults: [] });
  }
  expect((await verified(data)).line).toMatchObject({ ok: true, rows: 43 });
});
