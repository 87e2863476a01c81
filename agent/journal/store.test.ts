import { readFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { draft, randomKeys } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { openDatabase } from "./database.ts";
import { JournalStore, journalHoldsRows } from "./store.ts";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
const keys = randomKeys();

beforeEach(() => {
  folder = temporaryFolder();
  file = path.join(folder.path, "journal.db");
});
afterEach(() => folder[Symbol.dispose]());

/** Changes the file behind the journal's back, as a fault or an attacker would. */
function tamper(sql: string): void {
  const database = new Database(file);
  database.exec(sql);
  database.close();
}

test("synchronous=FULL is read back on the first open and on every later one", () => {
  for (let open = 1; open <= 3; open++) {
    const database = openDatabase(file, true);
    expect(database.pragma("synchronous", { simple: true })).toBe(2);
    expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(database.pragma("secure_delete", { simple: true })).toBe(1);
    database.close();
  }
  // What the settings protect from: the library's own default on a second open.
  const careless = new Database(file);
  careless.prepare("SELECT count(*) FROM entry").get();
  expect(careless.pragma("synchronous", { simple: true })).toBe(1);
  careless.close();
});

test("entries get a gapless sequence that goes on after a reopen, and a name of their own", () => {
  const first = new JournalStore(file, keys);
  const ids = [1, 2, 3].map((index) => first.append(draft(index)).id);
  first.close();
  const again = new JournalStore(file, keys);
  expect(again.append(draft(4)).seq).toBe(4);
  expect(again.unsent(10).entries.map((entry) => entry.seq)).toEqual([1, 2, 3, 4]);
  expect(
    again
      .unsent(10)
      .entries.slice(0, 3)
      .map((entry) => entry.id),
  ).toEqual(ids);
  expect(new Set(ids).size).toBe(3);
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(id))).toBe(true);
  again.close();
});

test("the sequence never starts over, even when rows were erased", () => {
  const journal = new JournalStore(file, keys);
  journal.append(draft(1));
  journal.append(draft(2));
  journal.close();
  tamper("DELETE FROM entry");
  const again = new JournalStore(file, keys);
  expect(again.append(draft(3)).seq).toBe(3);
  again.close();
});

test("what was recorded reads back byte for byte", () => {
  const journal = new JournalStore(file, keys);
  const made = draft(7, { marks: ["no-duty"], staffRef: null, direction: "out" });
  const entry = journal.append(made);
  const { personKey: _, ...expected } = made;
  expect(journal.unsent(1).entries[0]).toEqual({
    ...expected,
    seq: 1,
    id: entry.id,
    state: "unsent",
    stateAtMs: made.wallMs,
    attempts: 0,
    lastCode: null,
  });
  journal.close();
});

test("no name, number or payload stands in the file in clear", () => {
  const journal = new JournalStore(file, keys);
  journal.append(draft(1));
  const bytes = Buffer.concat([readFileSync(file), readFileSync(`${file}-wal`)]);
  for (const secret of ["079098000001", "Nguyễn", draft(1).body.rawB64.slice(0, 24), "citizen:"]) {
    expect(bytes.includes(Buffer.from(secret, "utf8")), secret).toBe(false);
  }
  expect(bytes.includes(Buffer.from("serial:/dev/ttyACM0"))).toBe(true);
  journal.close();
});

test("a changed clear column, a moved body and a flipped bit are each noticed, and harm only their row", () => {
  const journal = new JournalStore(file, keys);
  for (let index = 1; index <= 5; index++) journal.append(draft(index));
  journal.close();
  tamper("UPDATE entry SET direction = 'out' WHERE seq = 1");
  tamper("UPDATE entry SET body = (SELECT body FROM entry WHERE seq = 3) WHERE seq = 2");
  tamper(
    "UPDATE entry SET body = CAST(substr(body, 1, 40) || iif(substr(body, 41, 1) = x'00', x'01', x'00') || substr(body, 42) AS BLOB) WHERE seq = 4",
  );
  const again = new JournalStore(file, keys);
  const { entries, damaged } = again.unsent(10);
  expect(damaged).toEqual([1, 2, 4]);
  expect(entries.map((entry) => entry.seq)).toEqual([3, 5]);
  again.close();
});

test("another key opens no row", () => {
  const journal = new JournalStore(file, keys);
  journal.append(draft(1));
  journal.close();
  const stranger = new JournalStore(file, randomKeys(), "read");
  expect(stranger.unsent(10)).toEqual({ entries: [], damaged: [1] });
  stranger.close();
});

test("a row leaves the outbox only by its own id, and counts follow", () => {
  const journal = new JournalStore(file, keys);
  const [one, two, three] = [1, 2, 3].map((index) => journal.append(draft(index)));
  if (!one || !two || !three) throw new Error("three entries were made");
  journal.acknowledge(
    [
      { id: one.id, state: "stored" },
      { id: "not-ours", state: "stored" },
    ],
    5,
  );
  journal.quarantine({ id: two.id }, "validation", 6);
  expect(journal.queue()).toEqual({ unsent: 1, oldestWallMs: three.wallMs, quarantined: 1 });
  expect(journal.states([one.id, two.id, three.id])).toEqual(
    new Map([
      [one.id, "stored"],
      [two.id, "quarantined"],
      [three.id, "unsent"],
    ]),
  );
  journal.acknowledge([{ id: two.id, state: "duplicate" }], 7);
  expect(journal.queue()).toMatchObject({ unsent: 1, quarantined: 0 });
  journal.close();
  const again = new JournalStore(file, keys);
  expect(again.queue()).toMatchObject({ unsent: 1, quarantined: 0 });
  again.close();
});

test("presence follows the entries and survives a restart", () => {
  const journal = new JournalStore(file, keys);
  const one = draft(1);
  expect(journal.presence(journal.tagOf(one.personKey))).toBeNull();
  journal.append(one);
  journal.append(draft(2, { direction: "out" }));
  expect(journal.inside(0)).toBe(1);
  journal.prolong(journal.tagOf(one.personKey), one.wallMs + 60_000);
  journal.close();
  const again = new JournalStore(file, keys);
  expect(again.presence(again.tagOf(one.personKey))).toEqual({
    inside: true,
    sinceMs: one.wallMs,
    lastSeenMs: one.wallMs + 60_000,
  });
  expect(again.lastSeq).toBe(2);
  again.close();
});

test("a full disk refuses the scan aloud, loses nothing and clears by itself", () => {
  let opened: Database.Database | null = null;
  const journal = new JournalStore(file, keys, "write", (name, writable) => {
    opened = openDatabase(name, writable);
    return opened;
  });
  const limitPages = (pages: number) => opened?.pragma(`max_page_count = ${pages}`);
  journal.append(draft(1));
  // SQLite answers SQLITE_FULL at this limit exactly as it does when the disk has no room.
  limitPages(Number((opened as Database.Database | null)?.pragma("page_count", { simple: true })) + 2);
  const big = draft(2, { body: { ...draft(2).body, rawB64: "A".repeat(4000) } });
  let recorded = 1;
  const refusals: unknown[] = [];
  for (let index = 0; index < 20; index++) {
    try {
      journal.append(big);
      recorded++;
    } catch (error) {
      refusals.push(error);
    }
  }
  expect(refusals.length).toBeGreaterThan(0);
  for (const error of refusals) expect(error).toMatchObject({ code: "journal.disk-full" });
  expect(journal.queue().unsent).toBe(recorded);
  limitPages(1_000_000);
  expect(journal.append(draft(3)).seq).toBe(recorded + 1);
  expect(journal.unsent(100).entries).toHaveLength(recorded + 1);
  journal.close();
});

test("a journal of a newer version, a foreign file and a damaged one are each refused with one sentence", () => {
  new JournalStore(file, keys).close();
  tamper("PRAGMA user_version = 99; UPDATE readable_from SET schema = 99");
  expect(() => new JournalStore(file, keys)).toThrow(/newer version.*update the program/s);
  const foreign = path.join(folder.path, "foreign.db");
  const database = new Database(foreign);
  database.exec("CREATE TABLE cookies (a)");
  database.close();
  expect(() => new JournalStore(foreign, keys)).toThrow(/not a Trạm QR journal/);
});

test("holding rows is read without making or changing anything", () => {
  expect(journalHoldsRows(file)).toBe(false);
  const journal = new JournalStore(file, keys);
  expect(journalHoldsRows(file)).toBe(false);
  journal.append(draft(1));
  expect(journalHoldsRows(file)).toBe(true);
  journal.close();
});

test("delivered rows are erased after running time alone: what is left is number, id and a keyed mark", () => {
  const journal = new JournalStore(file, keys);
  const made = [1, 2, 3, 4].map((index) => journal.append(draft(index)));
  const [one, two, three] = made;
  if (!one || !two || !three) throw new Error("entries were made");
  journal.acknowledge([{ id: one.id, state: "stored" }], Date.UTC(1970, 0, 1));
  journal.acknowledge([{ id: two.id, state: "duplicate" }], Date.UTC(2096, 0, 1));
  journal.quarantine({ id: three.id }, "validation", 6);
  // Whatever the clocks said: they have lain here for no time at all.
  expect(journal.eraseDelivered(60_000, 100)).toBe(0);
  expect(journal.eraseDelivered(0, 100)).toBe(2);
  expect(journal.eraseDelivered(0, 100)).toBe(0);
  expect(journal.newest(10).entries.map(({ seq }) => seq)).toEqual([4, 3]);
  expect(journal.queue()).toMatchObject({ unsent: 1, quarantined: 1 });
  expect(journal.gaps(1, 10)).toEqual([]);
  expect(journal.losses(10)).toEqual({ erased: 2, lost: [] });
  expect(journal.append(draft(5)).seq).toBe(5);
  journal.close();
  tamper("DELETE FROM erased WHERE seq = 2");
  const again = new JournalStore(file, keys);
  expect(again.gaps(1, 10)).toEqual([{ first: 2, last: 2 }]);
  again.close();
});

test("the age of the journal goes on over a restart; only the centre's clock counts time away, a week at most", () => {
  const hour = 3_600_000;
  const opened = (): JournalStore => new JournalStore(file, keys);
  let journal = opened();
  const hours = (): number => Math.round(journal.ageMs / hour);
  journal.keepAge(1_000 * hour);
  journal.keepAge(1_003 * hour);
  journal.close();
  journal = opened();
  expect(hours()).toBe(3);
  journal.keepAge(null);
  expect(hours()).toBe(3);
  journal.keepAge(1_005 * hour);
  expect(hours()).toBe(5);
  // A centre whose clock went back, and one whose clock leapt.
  journal.keepAge(hour);
  expect(hours()).toBe(5);
  journal.keepAge(500_000 * hour);
  expect(hours()).toBe(5 + 7 * 24);
  journal.close();
});

test("rows the centre does not have after all wait for it again", () => {
  const journal = new JournalStore(file, keys);
  const made = [1, 2, 3].map((index) => journal.append(draft(index)));
  journal.acknowledge(
    made.map(({ id }) => ({ id, state: "stored" })),
    5,
  );
  expect(journal.markUnsent({ first: 2, last: 9_000_000_000 }, 1)).toEqual({ marked: 1, upTo: 2 });
  expect(journal.markUnsent({ first: 3, last: 9_000_000_000 }, 5)).toEqual({ marked: 1, upTo: 9_000_000_000 });
  expect(journal.markUnsent({ first: 4, last: 9 }, 5)).toEqual({ marked: 0, upTo: 9 });
  expect(journal.queue()).toMatchObject({ unsent: 2 });
  expect(journal.unsent(10).entries.map(({ seq }) => seq)).toEqual([2, 3]);
  expect(journal.eraseDelivered(0, 10)).toBe(1);
  journal.close();
});

test("people not seen for long are forgotten by running time", () => {
  const journal = new JournalStore(file, keys);
  journal.append(draft(1, { wallMs: 0 }));
  expect(journal.forgetAway(60_000, 10)).toBe(0);
  expect(journal.presence(journal.tagOf(draft(1).personKey))).not.toBeNull();
  expect(journal.forgetAway(-60_000, 10)).toBe(1);
  expect(journal.presence(journal.tagOf(draft(1).personKey))).toBeNull();
  journal.close();
});

test("a reader that does not end keeps the log, and keeps nobody waiting", () => {
  const journal = new JournalStore(file, keys);
  journal.append(draft(1));
  const reader = new Database(file);
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM entry").get();
  journal.append(draft(2));
  const fromMs = performance.now();
  expect(journal.foldIn()).toBe(false);
  expect(performance.now() - fromMs).toBeLessThan(500);
  reader.close();
  expect(journal.foldIn()).toBe(true);
  journal.append(draft(3));
  journal.close();
});

test("a number that somebody else has taken costs one refusal, not all that follow", () => {
  const journal = new JournalStore(file, keys);
  journal.append(draft(1));
  tamper(
    "CREATE TEMP TABLE copy AS SELECT * FROM entry; UPDATE copy SET seq = 2, id = 'x'; INSERT INTO entry SELECT * FROM copy",
  );
  expect(() => journal.append(draft(2))).toThrow(/was not recorded/);
  expect(journal.append(draft(2)).seq).toBe(3);
  expect(journal.unsent(10).damaged).toEqual([2]);
  journal.close();
});

test("a row whose number the centre gave to another entry is sent again under a new one, and only then", () => {
  let journal = new JournalStore(file, keys);
  const made = [1, 2, 3].map((index) => journal.append(draft(index)));
  const [, taken] = made;
  if (taken === undefined) throw new Error("three were made");
  for (const seq of [4, 5]) {
    journal.quarantine({ id: taken.id }, "id_conflict", 5);
    expect(journal.queue()).toMatchObject({ unsent: 2, quarantined: 1 });
    expect(journal.releaseRefused(10)).toBe(1);
    expect(journal.queue()).toMatchObject({ unsent: 3, quarantined: 0 });
    expect(journal.unsent(10).entries.map((entry) => entry.seq)).toEqual([1, 3, seq]);
  }
  journal.close();
  journal = new JournalStore(file, keys);
  expect(journal.unsent(10)).toMatchObject({
    damaged: [],
    entries: [{ seq: 1 }, { seq: 3 }, { seq: 5, id: taken.id, wallMs: taken.wallMs, body: taken.body }],
  });
  expect(journal.gaps(1, 10)).toEqual([]);
  expect(journal.losses(10).lost).toEqual([
    { first: 2, last: 2 },
    { first: 4, last: 4 },
  ]);
  // Refused for its content it keeps its number.
  journal.quarantine({ seq: 1 }, "validation", 5);
  expect(journal.releaseRefused(10)).toBe(1);
  expect(journal.append(draft(9)).seq).toBe(6);
  expect(journal.unsent(10).entries.map((entry) => entry.seq)).toEqual([1, 3, 5, 6]);
  journal.close();
});
