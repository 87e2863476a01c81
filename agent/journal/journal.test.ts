import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { draft, randomKeys, record } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { until } from "../../testing/until.ts";
import { Journal } from "./journal.ts";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
const keys = randomKeys();
let journal: Journal;

const open = (): Promise<Journal> => Journal.open({ file, keys, log: () => {} });

beforeEach(async () => {
  folder = temporaryFolder();
  file = path.join(folder.path, "journal.db");
  journal = await open();
});
afterEach(async () => {
  await journal.close();
  folder[Symbol.dispose]();
});

test("scans that come at once are all answered in their order, in far fewer commits than scans", async () => {
  const made = await Promise.all(Array.from({ length: 500 }, (_, index) => record(journal, draft(index + 1))));
  expect(made.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  expect(journal.figures).toMatchObject({ unsent: 500, lastSeq: 500, inside: 500 });
  const database = new Database(file, { readonly: true });
  expect(database.prepare("SELECT count(*) AS n FROM entry").get()).toEqual({ n: 500 });
  database.close();
});

test("a lock held elsewhere: told within the second, the event loop runs on, and the retry is one entry", async () => {
  await record(journal, draft(1));
  const intruder = new Database(file);
  intruder.exec("BEGIN IMMEDIATE");
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const from = performance.now();
  await expect(record(journal, draft(2))).rejects.toMatchObject({ code: "journal.write-failed" });
  delay.disable();
  expect(performance.now() - from).toBeLessThan(2_000);
  expect(delay.max / 1e6).toBeLessThan(500);
  intruder.exec("ROLLBACK");
  intruder.close();
  await until("the journal records again", async () => record(journal, draft(2)).catch(() => false));
  const entries = await journal.newest(10);
  expect(entries.map(({ seq }) => seq)).toEqual([2, 1]);
});

test("what was asked before the end is still done, and a journal opened again goes on where it was", async () => {
  const last = Promise.all([1, 2, 3].map((index) => record(journal, draft(index))));
  await journal.close();
  expect((await last).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  journal = await open();
  expect(journal.figures).toMatchObject({ unsent: 3, lastSeq: 3 });
  expect((await record(journal, draft(4))).seq).toBe(4);
});

test("a file that is no journal is refused with its sentence", async () => {
  using elsewhere = temporaryFolder();
  const foreign = path.join(elsewhere.path, "foreign.db");
  const database = new Database(foreign);
  database.exec("CREATE TABLE cookies (a)");
  database.close();
  const opening = Journal.open({ file: foreign, keys, log: () => {} });
  await expect(opening).rejects.toMatchObject({ code: "journal.corrupt" });
  await expect(opening).rejects.toThrow(/not a Trạm QR journal/);
});
