import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import type Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { draft, randomKeys } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { ballastFile, diskSpace } from "./ballast.ts";
import { JournalGuard } from "./guard.ts";
import { setAsideFolder } from "./set-aside.ts";
import { JournalStore } from "./store.ts";
import { Upkeep } from "./upkeep.ts";
import { Witness, witnessFile } from "./witness.ts";

const rows = 450;
const keys = randomKeys();
let folder: ReturnType<typeof temporaryFolder>;
let file: string;
/** Faults that the next commits answer with. */
let faults: string[];
let told: string[];
let closing: (() => void)[];

beforeEach(() => {
  folder = temporaryFolder();
  file = path.join(folder.path, "journal.db");
  faults = [];
  told = [];
  closing = [];
});
afterEach(() => {
  for (const close of closing) close();
  folder[Symbol.dispose]();
});

/** The parts of the writer's thread, on a real file whose commits fail as `faults` says. */
function writer(ballastBytes = 1 << 20): {
  store: JournalStore;
  guard: JournalGuard;
  upkeep: Upkeep;
  close: () => void;
} {
  const witness = new Witness(path.join(folder.path, witnessFile));
  const guard = new JournalGuard(file, witness, (event) => void told.push(event));
  const store = new JournalStore(file, keys, "write", () => failing(guard.open()), guard);
  const policy = { ballastBytes, keepStoredMs: 3_600_000 };
  const upkeep = new Upkeep(file, { store, guard, witness }, policy, (event) => void told.push(event));
  upkeep.start();
  const close = (): void => {
    store.close();
    witness.close();
  };
  return { store, guard, upkeep, close };
}

function failing(database: Database.Database): Database.Database {
  const prepare = database.prepare.bind(database);
  database.prepare = ((sql: string) => {
    const statement = prepare(sql);
    if (sql !== "COMMIT") return statement;
    const run = statement.run.bind(statement);
    statement.run = () => {
      const code = faults.shift();
      if (code !== undefined) throw Object.assign(new Error("disk"), { code });
      return run();
    };
    return statement;
  }) as typeof database.prepare;
  return database;
}

function filled(): void {
  const { store, close } = writer();
  store.transaction(() => {
    for (let index = 1; index <= rows; index++) store.insert(draft(index));
  });
  close();
}

const damage = (): void => writeFileSync(file, readFileSync(file).fill(0x20, 0, 16));

/** Tends until nothing more is worth while; faults are met and gone over, as in the agent. */
function tendOn(upkeep: Upkeep): void {
  for (let step = 0, idle = 0; idle < 3 && step < 200; step++) {
    try {
      if (!upkeep.tend(null)) idle++;
    } catch {
      idle = 0;
    }
  }
}

const stages = (): unknown[] => {
  const parent = path.join(folder.path, setAsideFolder);
  if (!existsSync(parent)) return [];
  return readdirSync(parent).map(
    (name) => JSON.parse(readFileSync(path.join(parent, name, "state.json"), "utf8")).stage as unknown,
  );
};

test("a fault of the disk while rows are carried over loses none of them", () => {
  filled();
  damage();
  const made = writer();
  closing.push(made.close);
  const { store, upkeep } = made;
  upkeep.tend(null);
  faults = ["SQLITE_BUSY"];
  tendOn(upkeep);
  expect(faults).toEqual([]);
  expect(stages()).toEqual(["done"]);
  expect(store.queue().unsent).toBe(rows);
  expect(store.losses(10).lost).toEqual([]);
});

test("a set that any other call moved aside is carried over without a restart", () => {
  filled();
  const made = writer();
  closing.push(made.close);
  const { store, guard, upkeep } = made;
  tendOn(upkeep);
  guard.failed("SQLITE_CORRUPT");
  guard.failed("SQLITE_CORRUPT");
  store.letGo();
  // An acknowledgement that came just then opens the file, not the upkeep.
  store.setFact("test", "1");
  expect(stages()).toEqual(["carrying"]);
  tendOn(upkeep);
  expect(stages()).toEqual(["done"]);
  expect(store.queue().unsent).toBe(rows);
});

test("what a reader met while the file was closed condemns no journal", () => {
  filled();
  const made = writer();
  closing.push(made.close);
  made.store.letGo();
  expect(made.upkeep.condemn("SQLITE_IOERR_READ")).toBe(false);
  expect(made.upkeep.condemn("SQLITE_IOERR_READ")).toBe(false);
  expect(stages()).toEqual([]);
});

test("an age that cannot be read keeps no journal from being opened", () => {
  const { store, close } = writer();
  store.setFact("age", "{damaged");
  close();
  const again = writer();
  closing.push(again.close);
  expect(again.store.append(draft(1)).seq).toBe(1);
});

test("rows are not carried onto a disk that they would fill; scans are recorded meanwhile", () => {
  filled();
  damage();
  // As much is to stay free as makes this disk a full one; the file has no bytes of its own.
  const bytes = Math.floor(diskSpace(file).free * 2.5);
  const ballast = path.join(folder.path, ballastFile);
  writeFileSync(ballast, "");
  truncateSync(ballast, bytes);
  const first = writer(bytes);
  tendOn(first.upkeep);
  expect(first.upkeep.refusal).toBeNull();
  expect(stages()).toEqual(["carrying"]);
  expect(told.filter((event) => event === "journal.carrying-waits")).toHaveLength(1);
  expect(first.store.append(draft(rows + 1)).seq).toBeGreaterThan(rows);
  first.close();
  rmSync(ballast);
  const second = writer();
  closing.push(second.close);
  tendOn(second.upkeep);
  expect(stages()).toEqual(["done"]);
  expect(second.store.queue().unsent).toBe(rows + 1);
});
