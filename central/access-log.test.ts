import { copyFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock, Rig } from "../testing/central-rig.ts";
import { accessLogOver } from "./access-log.ts";
import { checkAccessRecords } from "./store/check-access-records.ts";
import { openStore, type Store } from "./store/store.ts";

let rig: Rig;
let store: Store;
let lines: string[];
beforeEach(() => {
  rig = new Rig();
  lines = [];
  store = openStore(`sqlite:${rig.databasePath}`, new ManualClock()).store;
});
afterEach(async () => {
  await store.close().catch(() => undefined);
  await rig[Symbol.asyncDispose]();
});

const logOf = () => {
  const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  return accessLogOver(store, new ManualClock(), logger);
};

/** Ten records, and what was told of the chain; the store is closed afterwards. */
async function tenRecords() {
  const log = logOf();
  for (let index = 0; index < 10; index++) {
    await log.writeFirst({
      action: "full_view",
      actor: "somebody",
      checkpointId: null,
      objects: [`entry-${index}`],
      purpose: "care",
      reason: "Khám bệnh",
    });
  }
  await log.close();
  await store.close();
  const told = JSON.parse(lines.at(-1) ?? "{}");
  return { seq: told.seq as number, hash: told.hash as string };
}

/** The file with its guards taken off, as somebody with access to the disk has it. */
function tampered(change: (database: Database.Database) => void): string {
  const copy = join(rig.folder, `copy-${Math.random()}.db`);
  copyFileSync(rig.databasePath, copy);
  const database = new Database(copy);
  for (const name of ["stays", "unchanged", "at_end"]) database.exec(`DROP TRIGGER access_record_${name}`);
  change(database);
  database.close();
  return copy;
}

describe("the access log", () => {
  test("is told to the log file and is whole", async () => {
    const head = await tenRecords();
    expect(head.seq).toBe(10);
    expect(checkAccessRecords(rig.databasePath, [head])).toEqual({ records: 10, head, faults: [] });
    expect(lines.join("")).not.toContain("entry-");
  });

  test("the database itself refuses to change, delete, replace or insert in between", async () => {
    await tenRecords();
    const database = new Database(rig.databasePath);
    for (const sql of [
      "UPDATE access_record SET actor = 'x' WHERE seq = 3",
      "DELETE FROM access_record WHERE seq = 10",
      "DELETE FROM access_record",
      "REPLACE INTO access_record SELECT seq, at, action, 'x', checkpoint_id, objects, purpose, reason_sealed, hash FROM access_record WHERE seq = 3",
      "INSERT INTO access_record SELECT 99, at, action, actor, checkpoint_id, objects, purpose, reason_sealed, hash FROM access_record WHERE seq = 3",
    ]) {
      expect(() => database.exec(sql), sql).toThrow(/access records are/);
    }
    database.close();
    expect(checkAccessRecords(rig.databasePath, []).faults).toEqual([]);
  });

  test.each([
    [
      "a changed actor",
      "UPDATE access_record SET actor = 'nobody' WHERE seq = 4",
      ["Record 4 was changed, or does not follow the record before it."],
    ],
    [
      "a changed reason",
      "UPDATE access_record SET reason_sealed = x'00' WHERE seq = 4",
      ["Record 4 was changed, or does not follow the record before it."],
    ],
    ["a missing record", "DELETE FROM access_record WHERE seq = 4", ["Record 4 is missing."]],
    ["missing records", "DELETE FROM access_record WHERE seq BETWEEN 1 AND 3", ["Records 1 to 3 are missing."]],
    [
      "two records in each other's place",
      "UPDATE access_record SET seq = 99 WHERE seq = 4; UPDATE access_record SET seq = 4 WHERE seq = 5; UPDATE access_record SET seq = 5 WHERE seq = 99",
      ["Record 4 was moved: it stands as number 5.", "Record 5 was moved: it stands as number 4."],
    ],
    [
      "a record taken out and the numbers closed up",
      "DELETE FROM access_record WHERE seq = 9; UPDATE access_record SET seq = 9 WHERE seq = 10",
      ["Record 9 was changed, or does not follow the record before it.", "Record 10 is missing: the end was cut off."],
    ],
    ["a cut tail", "DELETE FROM access_record WHERE seq > 7", ["Records 8 to 10 are missing: the end was cut off."]],
    ["everything gone", "DELETE FROM access_record", ["Records 1 to 10 are missing: the end was cut off."]],
  ])("%s is named", async (_what, sql, faults) => {
    const head = await tenRecords();
    expect(
      checkAccessRecords(
        tampered((database) => database.exec(sql)),
        [head],
      ).faults,
    ).toEqual(faults);
  });

  test("a chain written anew is seen by what was told before", async () => {
    const head = await tenRecords();
    expect(checkAccessRecords(rig.databasePath, [{ seq: 7, hash: "0".repeat(64) }, head]).faults).toEqual([
      "Record 7 is another one than the log file told of: the chain was written anew.",
    ]);
  });

  test("what cannot be written lets nothing out, and a change that is undone leaves no record", async () => {
    const log = logOf();
    const record = { action: "staff_added", actor: "a", checkpointId: null, objects: [] } as const;
    await expect(
      store.transaction(async (within) => {
        await log.write(within, record);
        throw new Error("undone");
      }),
    ).rejects.toThrow("undone");
    expect((await store.accessRecords.head()).seq).toBe(0);
    await store.close();
    await expect(log.writeFirst(record)).rejects.toMatchObject({ type: "unavailable" });
  });
});
