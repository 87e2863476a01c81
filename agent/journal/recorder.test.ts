import path from "node:path";
import type Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { draft, randomKeys, requestOf } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { openDatabase } from "./database.ts";
import type { EntryDraft } from "./entry.ts";
import { type RecordAnswer, Recorder, type RecordRequest, type ScanAnswer } from "./recorder.ts";
import { JournalStore } from "./store.ts";

let folder: ReturnType<typeof temporaryFolder>;
let store: JournalStore;
let recorder: Recorder;
let nowMs: number;
/** Commits the file saw. */
let commits: number;
/** What COMMIT does: null commits, else the fault it answers with, before or after the commit itself. */
let commitFault: { readonly code: string; readonly stored: boolean } | null;
let onCommit: () => void;

beforeEach(() => {
  folder = temporaryFolder();
  nowMs = 1_000;
  commits = 0;
  commitFault = null;
  onCommit = () => {};
  store = new JournalStore(path.join(folder.path, "journal.db"), randomKeys(), "write", (file, writable) =>
    withFaults(openDatabase(file, writable)),
  );
  recorder = new Recorder(store, () => nowMs);
});
afterEach(() => {
  store.close();
  folder[Symbol.dispose]();
});

/** The real database, whose COMMIT can fail as a disk does. */
function withFaults(database: Database.Database): Database.Database {
  const prepare = database.prepare.bind(database);
  database.prepare = ((sql: string) => {
    const statement = prepare(sql);
    if (sql !== "COMMIT") return statement;
    const run = statement.run.bind(statement);
    statement.run = () => {
      onCommit();
      if (commitFault?.stored === false) throw Object.assign(new Error("disk"), { code: commitFault.code });
      commits++;
      const done = run();
      if (commitFault !== null) throw Object.assign(new Error("disk"), { code: commitFault.code });
      return done;
    };
    return statement;
  }) as typeof database.prepare;
  return database;
}

const scanOf = (entry: EntryDraft, change: Partial<RecordRequest> = {}): RecordRequest => ({
  ...requestOf(entry),
  answerBeforeMs: nowMs + 900,
  receivedMonoMs: nowMs,
  ...change,
});
/** As a reader gives it: nobody has confirmed anything, the gate decides. */
const plainScan = (entry: EntryDraft, lane: "in" | "out" | "auto", change: Partial<RecordRequest> = {}) => {
  const request = scanOf(entry, { confirmed: null, ...change });
  const code = { kind: "cccd", form: "2021", fields: {}, warnings: [], repairs: [] } as never;
  return {
    ...request,
    codes: request.codes.map((seen) => ({ ...seen, sighting: { ...seen.sighting, code, lane } })),
  };
};
const take = (request: RecordRequest): RecordAnswer => only(recorder.takeAll([request])[0]);
function only(answer: ScanAnswer | undefined): RecordAnswer {
  if (answer === undefined || "fault" in answer) throw new Error(`a verdict was expected: ${String(answer?.fault)}`);
  return answer[0] as RecordAnswer;
}

test("scans that wait together share one commit, and each sees what the ones before it did", () => {
  const answers = recorder
    .takeAll([
      plainScan(draft(1), "in"),
      plainScan(draft(2), "in"),
      plainScan(draft(1), "in", { readerId: "another reader" }),
      plainScan(draft(2), "auto", { readerId: "another reader" }),
    ])
    .map(only);
  expect(commits).toBe(1);
  expect(answers.map(({ verdict }) => verdict)).toMatchObject([
    { kind: "accept", direction: "in" },
    { kind: "accept", direction: "in" },
    { kind: "repeat", reason: "already-inside" },
    { kind: "accept", direction: "out" },
  ]);
  expect(answers.map(({ entry }) => entry?.seq)).toEqual([1, 2, undefined, 3]);
  expect(recorder.takeInsideDelta()).toBe(1);
  expect(store.inside(0)).toBe(1);
});

test("the same payload twice in one group is one scan, also on an automatic lane", () => {
  const answers = recorder.takeAll([plainScan(draft(1), "auto"), plainScan(draft(1), "auto")]).map(only);
  expect(answers.map(({ verdict }) => verdict)).toMatchObject([
    { kind: "accept" },
    { kind: "repeat", reason: "same-scan" },
  ]);
});

test("a scan whose person was told to scan again is not recorded any more", () => {
  const [late, timely] = recorder.takeAll([
    plainScan(draft(1), "in", { answerBeforeMs: nowMs - 1 }),
    plainScan(draft(2), "in"),
  ]);
  expect(late).toHaveProperty("fault");
  expect(only(timely)).toMatchObject({ verdict: { kind: "accept" }, entry: { seq: 1 } });
});

test("a commit that came too late is answered with the same entry when the person scans again", () => {
  onCommit = () => {
    nowMs += 5_000;
  };
  take(plainScan(draft(1), "auto"));
  onCommit = () => {};
  const [stored] = store.newest(5).entries;
  nowMs += 3_500;
  const again = take(plainScan(draft(1), "auto"));
  expect(again).toMatchObject({ verdict: { kind: "accept", direction: "in" }, entry: { seq: 1, id: stored?.id } });
  expect(store.newest(5).entries).toHaveLength(1);
  // Answered now: the next scan on an automatic lane is the exit.
  nowMs += 3_500;
  expect(take(plainScan(draft(1), "auto"))).toMatchObject({ verdict: { kind: "accept", direction: "out" } });
});

test("after an I/O error the retry is the same entry, whether or not the first write survived", () => {
  for (const [index, stored] of [
    [1, true],
    [2, false],
  ] as const) {
    commitFault = { code: "SQLITE_IOERR_FSYNC", stored };
    const [refused] = recorder.takeAll([plainScan(draft(index), "auto")]);
    expect(refused).toHaveProperty("fault");
    commitFault = null;
    nowMs += 3_500;
    expect(take(plainScan(draft(index), "auto"))).toMatchObject({
      verdict: { kind: "accept", direction: "in" },
      entry: { seq: index },
    });
    expect(store.newest(10).entries.map(({ seq }) => seq)).toHaveLength(index);
  }
});

test("a failed commit leaves no trace in what the gate remembers", () => {
  commitFault = { code: "SQLITE_BUSY", stored: false };
  const answers = recorder.takeAll([plainScan(draft(1), "in"), plainScan(draft(2), "in")]);
  for (const answer of answers) expect(answer).toHaveProperty("fault");
  expect(recorder.takeInsideDelta()).toBe(0);
  expect(store.lastSeq).toBe(0);
  expect(store.queue().unsent).toBe(0);
  commitFault = null;
  expect(take(plainScan(draft(1), "in"))).toMatchObject({ verdict: { kind: "accept" }, entry: { seq: 1 } });
});

test("one entry the file refuses does not take the others of its group with it", () => {
  const bad = plainScan({ ...draft(2), direction: "in" }, "in");
  const broken = {
    ...bad,
    codes: bad.codes.map((seen) => ({ ...seen, draft: { ...seen.draft, monoMs: null } })),
  } as unknown as RecordRequest;
  const answers = recorder.takeAll([plainScan(draft(1), "in"), broken, plainScan(draft(3), "in")]);
  expect(only(answers[0])).toMatchObject({ entry: { seq: 1 } });
  expect(answers[1]).toHaveProperty("fault");
  expect(only(answers[2])).toMatchObject({ entry: { seq: 2 } });
});

test("a transaction that fails after the file was opened anew puts no older number back", () => {
  commitFault = { code: "SQLITE_IOERR_FSYNC", stored: true };
  expect(recorder.takeAll([plainScan(draft(1), "in")])[0]).toHaveProperty("fault");
  commitFault = { code: "SQLITE_FULL", stored: false };
  expect(recorder.takeAll([plainScan(draft(2), "in")])[0]).toHaveProperty("fault");
  expect(store.lastSeq).toBe(1);
  expect(store.queue().unsent).toBe(1);
});

test("scans that are tried again one by one are left when their time is over", () => {
  let tries = 0;
  onCommit = () => {
    nowMs += 5_000;
    commitFault = tries++ === 0 ? { code: "SQLITE_INTERRUPT", stored: false } : null;
  };
  const answers = recorder.takeAll([plainScan(draft(1), "in"), plainScan(draft(2), "in")]);
  for (const answer of answers) expect(answer).toHaveProperty("fault");
  expect(tries).toBe(1);
  expect(store.lastSeq).toBe(0);
});

test("what staff have just decided is not answered with an entry of the other direction", () => {
  onCommit = () => {
    nowMs += 5_000;
  };
  take(plainScan(draft(1), "auto"));
  onCommit = () => {};
  nowMs += 3_500;
  const out = plainScan(draft(1), "auto", { confirmed: { direction: "out", marks: ["confirmed-by-staff"] } });
  expect(take(out)).toMatchObject({ verdict: { kind: "accept", direction: "out" }, entry: { seq: 2 } });
});
