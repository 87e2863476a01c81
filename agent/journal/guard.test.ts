import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { draft, randomKeys, record } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { until } from "../../testing/until.ts";
import { Journal, type JournalOptions } from "./journal.ts";
import { setAsideFolder } from "./set-aside.ts";
import { JournalStore } from "./store.ts";
import { readWal } from "./wal.ts";
import { Witness, witnessFile } from "./witness.ts";

/** Rows before the fault; the first ones are in the database itself, the others only in its log. */
const inFile = 12;
const inLog = 8;
const rows = inFile + inLog;

const keys = randomKeys();
let folder: ReturnType<typeof temporaryFolder>;
let opened: Journal[];
let told: { event: string; facts: Record<string, unknown> }[];

beforeEach(() => {
  folder = temporaryFolder();
  opened = [];
  told = [];
});
afterEach(async () => {
  for (const journal of opened) await journal.close();
  folder[Symbol.dispose]();
});

async function open(file: string, change: Partial<JournalOptions> = {}): Promise<Journal> {
  const log = (event: string, facts: Record<string, unknown>): void => void told.push({ event, facts });
  const journal = await Journal.open({ file, keys, log, ...change });
  opened.push(journal);
  return journal;
}

const events = (): string[] => told.map(({ event }) => event);
const factsOf = (event: string): Record<string, unknown> | undefined =>
  told.find((each) => each.event === event)?.facts;

/** A journal as a crash leaves it: rows in the file, rows in the log, the witness written since. Or ended, without a log. */
async function crashed(isEnded = false): Promise<string> {
  const before = path.join(folder.path, "before");
  mkdirSync(before);
  let journal = await open(path.join(before, "journal.db"));
  for (let index = 1; index <= inFile; index++) await record(journal, draft(index));
  await journal.close();
  journal = await open(path.join(before, "journal.db"));
  for (let index = inFile + 1; index <= rows; index++) await record(journal, draft(index));
  const last = (): number => JSON.parse(newestSlot(path.join(before, witnessFile))).lastSeq as number;
  await until("the witness knows the last row", () => last() === rows);
  if (isEnded) await journal.close();
  const after = path.join(folder.path, "after");
  cpSync(before, after, { recursive: true });
  rmSync(path.join(after, "journal.db-shm"), { force: true });
  await journal.close();
  told = [];
  return path.join(after, "journal.db");
}

function newestSlot(file: string): string {
  const bytes = readFileSync(file);
  const texts = [0, 8_192].map((at) => bytes.toString("utf8", at + 8, at + 8 + bytes.readUInt32LE(at)));
  return texts.toSorted((one, other) => JSON.parse(other).turn - JSON.parse(one).turn)[0] ?? "";
}

/** Turns over one bit. */
function flip(file: string, at: number): void {
  const descriptor = openSync(file, "r+");
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, at);
  writeSync(descriptor, Buffer.from([(byte[0] ?? 0) ^ 0x10]), 0, 1, at);
  closeSync(descriptor);
}

/** Everything that is readable is here, under its number, each person once; nothing new repeats a number or an id. */
async function expectAll(file: string, expected: number): Promise<Journal> {
  const journal = await open(file);
  await until(
    "everything readable is here",
    () => journal.figures.unsent >= expected && !journal.figures.store.isCarrying,
  );
  await record(journal, draft(rows + 1));
  const entries = await journal.newest(100);
  expect(new Set(entries.map(({ id }) => id)).size).toBe(expected + 1);
  const old = entries.filter(({ seq }) => seq <= rows);
  expect(old).toHaveLength(expected);
  for (const entry of old) expect(entry.body.rawB64).toBe(draft(entry.seq).body.rawB64);
  const added = entries.filter(({ seq }) => seq > rows);
  expect(added.map(({ body }) => body.rawB64)).toEqual([draft(rows + 1).body.rawB64]);
  return journal;
}

const kept = (file: string): string[] => {
  const parent = path.join(path.dirname(file), setAsideFolder);
  return existsSync(parent) ? readdirSync(parent).map((name) => path.join(parent, name)) : [];
};

/** Numbers no row accounts for, as the command line sees them. */
function lost(file: string): number {
  const store = new JournalStore(file, keys, "read");
  expect(store.structureFault()).toBeNull();
  expect(store.gaps(1, 10)).toEqual([]);
  const count = store.losses(100).lost.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  store.close();
  return count;
}

test("a journal that is well is opened without a word", async () => {
  const file = await crashed();
  const journal = await expectAll(file, rows);
  expect(events().filter((event) => event !== "journal.disk-level" && event !== "journal.disk-too-fast")).toEqual([]);
  expect(kept(file)).toEqual([]);
  expect((await journal.newest(1))[0]?.seq).toBe(rows + 1);
});

test("a bit turned over in the middle of the log hides nothing: its commits are found behind it", async () => {
  const file = await crashed();
  const wal = readWal(`${file}-wal`);
  expect(wal?.hiddenCommits).toBe(0);
  const frame = 24 + 4096;
  const frames = (statSync(`${file}-wal`).size - 32) / frame;
  for (const part of [16, 24 + 2_000]) {
    const here = path.join(folder.path, `flip-${part}`);
    cpSync(path.dirname(file), here, { recursive: true });
    const damaged = path.join(here, "journal.db");
    flip(`${damaged}-wal`, 32 + Math.floor(frames / 4) * frame + part);
    expect(readWal(`${damaged}-wal`)?.hiddenCommits).toBeGreaterThan(2);
    told = [];
    await expectAll(damaged, rows);
    expect(events()).toEqual(expect.arrayContaining(["journal.log-damaged", "journal.recovered-from-log"]));
    expect(kept(damaged)).toHaveLength(1);
    expect(lost(damaged)).toBe(0);
  }
});

test("a log cut short or missing: the numbers it held are told as lost and never given again", async () => {
  for (const damage of ["cut", "missing", "no-wal-no-rows"] as const) {
    const file = await crashed();
    if (damage === "cut") truncateSync(`${file}-wal`, 32 + 3 * (24 + 4096) + 100);
    else rmSync(`${file}-wal`);
    if (damage === "no-wal-no-rows") rmSync(file);
    const journal = await open(file);
    const { seq } = await record(journal, draft(rows + 1));
    expect(seq).toBeGreaterThan(rows);
    const entries = await journal.newest(100);
    expect(factsOf("journal.rolled-back")).toMatchObject({ missing: { last: rows } });
    expect(lost(file)).toBe(rows + 1 - entries.length);
    expect(entries.length).toBeGreaterThan(damage === "no-wal-no-rows" ? 0 : inFile);
    await journal.close();
    rmSync(path.join(folder.path, "before"), { recursive: true });
    rmSync(path.join(folder.path, "after"), { recursive: true });
  }
});

test("a database that cannot be opened is kept whole, and every row in it is carried over with its id and number", async () => {
  for (const damage of ["header", "first page", "root of the rows"] as const) {
    const file = await crashed(true);
    const bytes = readFileSync(file);
    if (damage === "header") bytes.fill(0x20, 0, 16);
    if (damage === "first page") bytes.fill(0xff, 0, 4_096);
    if (damage === "root of the rows") bytes.writeUInt8(0x77, 4_096);
    writeFileSync(file, bytes);
    const journal = await open(file);
    // A root that is gone shows when it is used.
    await record(journal, draft(rows + 9)).catch(() => {});
    await until("all rows are carried", () => journal.figures.unsent >= rows);
    await until("the carrying is over", () => events().includes("journal.carried"));
    expect(kept(file)).toHaveLength(1);
    expect(readdirSync(kept(file)[0] ?? "")).toEqual(expect.arrayContaining(["journal.db", "data-keys.json"]));
    expect(lost(file)).toBe(0);
    const { seq } = await record(journal, draft(rows + 1));
    expect(seq).toBeGreaterThan(rows);
    expect(journal.figures.store.state).toBe("set-aside");
    await journal.close();
    rmSync(path.join(folder.path, "before"), { recursive: true });
    rmSync(path.join(folder.path, "after"), { recursive: true });
    told = [];
  }
});

test("whichever page is damaged, the station records again by itself and repeats no number", {
  timeout: 240_000,
}, async () => {
  const file = await crashed(true);
  const pages = statSync(file).size / 4_096;
  expect(pages).toBeGreaterThan(10);
  for (let page = 2; page <= pages; page++) {
    const here = path.join(folder.path, `page-${page}`);
    cpSync(path.dirname(file), here, { recursive: true });
    const damaged = path.join(here, "journal.db");
    const descriptor = openSync(damaged, "r+");
    writeSync(descriptor, Buffer.alloc(64, 0x77), 0, 64, (page - 1) * 4_096);
    closeSync(descriptor);
    const journal = await open(damaged);
    // What shows only when it is used is met by the first scans.
    let made: { seq: number } | null = null;
    await until(`page ${page}: scans are recorded again`, async () => {
      made = await record(journal, draft(rows + 1)).catch(() => null);
      return made !== null;
    });
    expect(made).toMatchObject({ seq: expect.any(Number) });
    expect((made as unknown as { seq: number }).seq).toBeGreaterThan(rows);
    await journal.close();
    rmSync(here, { recursive: true });
  }
});

test("a witness that was lost together with the journal, and a start cut short: numbers go on in the dark", async () => {
  const file = await crashed(true);
  writeFileSync(file, readFileSync(file).fill(0x20, 0, 16));
  rmSync(path.join(path.dirname(file), witnessFile));
  // As far as a start came that was killed before it had looked at the journal.
  new Witness(path.join(path.dirname(file), witnessFile)).close();
  const journal = await open(file);
  expect((await record(journal, draft(rows + 1))).seq).toBeGreaterThan(1_000_000);
  await until("the old rows are here", () => events().includes("journal.carried"));
  expect(journal.figures.unsent).toBe(rows + 1);
});

test("a log beyond what can be held in memory keeps no station from starting", async () => {
  const file = await crashed();
  // The rest is a hole of the file system; SQLite ends where its checksums do.
  truncateSync(`${file}-wal`, 2 ** 28 + 4_096);
  expect(readWal(`${file}-wal`)).toBeNull();
  const journal = await expectAll(file, rows);
  expect(events()).not.toContain("journal.set-aside");
  await journal.close();
});

test("a log that cannot be read keeps no station from recording, and what lies beside it is carried", async () => {
  const file = await crashed();
  rmSync(`${file}-wal`);
  // Reading it answers with an error, as an unreadable sector does.
  mkdirSync(`${file}-wal`);
  const journal = await open(file);
  let made: { seq: number } | null = null;
  await until("scans are recorded again", async () => {
    made = await record(journal, draft(rows + 1)).catch(() => null);
    return made !== null;
  });
  expect((made as unknown as { seq: number }).seq).toBeGreaterThan(rows);
  await until("the carrying is over", () => events().includes("journal.carried"));
  const entries = await journal.newest(100);
  expect(entries.length).toBeGreaterThan(inFile);
  expect(new Set(entries.map(({ body }) => body.rawB64)).size).toBe(entries.length);
});

test("a journal put back from yesterday goes on above what the witness and the centre know", async () => {
  const file = await crashed();
  const yesterday = path.join(folder.path, "yesterday");
  cpSync(path.dirname(file), yesterday, { recursive: true });
  let journal = await open(file);
  for (let index = rows + 1; index <= rows + 5; index++) await record(journal, draft(index));
  const today = await journal.newest(5);
  await journal.close();
  for (const name of ["journal.db", "journal.db-wal"]) {
    rmSync(path.join(path.dirname(file), name), { force: true });
    cpSync(path.join(yesterday, name), path.join(path.dirname(file), name));
  }
  journal = await open(file);
  const after = await record(journal, draft(rows + 9));
  expect(after.seq).toBeGreaterThan(rows + 5);
  expect(today.map(({ id }) => id)).not.toContain(after.id);
  expect(factsOf("journal.rolled-back")).toMatchObject({ missing: { first: rows + 1, last: rows + 5 } });
  // The witness was put back as well: only the centre knows.
  await journal.close();
  told = [];
  const whole = path.join(yesterday, "journal.db");
  journal = await open(whole);
  expect(await journal.noteHighWater(rows + 700)).toBe(700);
  expect((await record(journal, draft(rows + 9))).seq).toBeGreaterThan(rows + 700);
  expect(events()).toContain("journal.rolled-back");
  expect(await journal.noteHighWater(Number.MAX_SAFE_INTEGER)).toBe(0);
  expect(await journal.noteHighWater(Number.MAX_SAFE_INTEGER)).toBe(0);
  expect(events().filter((event) => event === "journal.high-water-absurd")).toHaveLength(1);
});

test("a carrying that was cut short at any point is ended by the next start, and carries nothing twice", async () => {
  const file = await crashed();
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0x20, 0, 16));
  // Where a crash may have stopped it: the folder is there, one file of the set has been moved.
  const aside = path.join(path.dirname(file), setAsideFolder, "2026-01-01T00-00-00");
  mkdirSync(aside, { recursive: true });
  const state = { why: "a test", at: new Date().toISOString(), lastSeq: rows, sources: ["journal.db"] };
  writeFileSync(path.join(aside, "state.json"), JSON.stringify({ stage: "moving", ...state }));
  cpSync(file, path.join(aside, "journal.db"));
  rmSync(file);
  const first = await expectAll(file, rows);
  await first.close();
  // Carried, but the crash came before that was noted.
  writeFileSync(path.join(aside, "state.json"), JSON.stringify({ stage: "carrying", ...state }));
  told = [];
  const again = await open(file);
  await until("it is carried again", () => events().includes("journal.carried"));
  expect(factsOf("journal.carried")).toMatchObject({ adopted: 0, lost: [] });
  expect(again.figures.unsent).toBe(rows + 1);
  expect(lost(file)).toBe(0);
});
