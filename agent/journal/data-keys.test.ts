import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  loadOwnerKey,
  loadOwnerPrivateKey,
  makeOwnerKeyPair,
  type OwnerKey,
  type OwnerPrivateKey,
} from "../../provisioning/owner-key.ts";
import type { StationKeys } from "../../provisioning/secrets.ts";
import { draft, randomKeys } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { Recovery } from "../carry/recover.ts";
import { dataKeysFile, unwrapDataKey, wrappedInFile, wrappedInTable } from "./data-keys.ts";
import { entries as schema1 } from "./migrations/001-entries.ts";
import { entryRow, openRow, sealBody } from "./row.ts";
import { JournalStore } from "./store.ts";

const day = 24 * 3_600_000;
let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let copy: string;
const pairs: { pub: OwnerKey; priv: OwnerPrivateKey }[] = [];

beforeAll(async () => {
  using made = temporaryFolder();
  for (const name of ["one", "two"]) {
    const { publicPem, privatePem } = makeOwnerKeyPair("correct horse");
    const [pub, priv] = [path.join(made.path, `${name}.pub.pem`), path.join(made.path, `${name}.pem`)];
    writeFileSync(pub, publicPem);
    writeFileSync(priv, privatePem);
    pairs.push({ pub: loadOwnerKey(pub), priv: await loadOwnerPrivateKey(priv, async () => "correct horse") });
  }
}, 60_000);
beforeEach(() => {
  folder = temporaryFolder();
  file = path.join(folder.path, "journal.db");
  copy = path.join(folder.path, dataKeysFile);
});
afterEach(() => folder[Symbol.dispose]());

function inFile<T>(look: (database: Database.Database) => T): T {
  const database = new Database(file);
  try {
    return look(database);
  } finally {
    database.close();
  }
}

const seqs = (store: JournalStore) => store.unsent(100).entries.map(({ seq }) => seq);

function withRows(keys: StationKeys, count = 2): void {
  const store = new JournalStore(file, keys);
  for (let index = 1; index <= count; index++) store.append(draft(index));
  store.close();
}

test("a data key seals the rows of 30 days, the next one those after; each row says which; a wrong clock makes no heap of keys", () => {
  const keys = randomKeys();
  const store = new JournalStore(file, keys);
  const at = draft(1).wallMs;
  for (const wallMs of [at, at + 29 * day, at + 31 * day, 0, at + 32 * day, 5 * day, at + 33 * day]) {
    store.append(draft(1, { wallMs }));
  }
  expect(seqs(store)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  store.close();
  const [a, b, c, ...others] = inFile((database) =>
    (database.prepare("SELECT data_key FROM entry ORDER BY seq").all() as { data_key: string }[]).map(
      ({ data_key }) => data_key,
    ),
  ).filter((id, index, all) => all.indexOf(id) === index);
  expect(new Set([a, b, c]).size).toBe(3);
  expect(others).toEqual([]);
});

test("a reader that was open before a key was made reads the rows under it", () => {
  const keys = randomKeys();
  withRows(keys, 1);
  const reader = new JournalStore(file, keys, "read");
  expect(seqs(reader)).toEqual([1]);
  const writer = new JournalStore(file, keys);
  writer.append(draft(2, { wallMs: draft(1).wallMs + 40 * day }));
  expect(seqs(reader)).toEqual([1, 2]);
  writer.close();
  reader.close();
});

test("a key made in a transaction that was rolled back seals nothing that is lost with it", () => {
  const keys = randomKeys();
  const store = new JournalStore(file, keys);
  expect(() =>
    store.transaction(() => {
      store.insert(draft(1));
      throw new Error("the row is not stored");
    }),
  ).toThrow();
  store.append(draft(2));
  store.close();
  rmSync(copy);
  const again = new JournalStore(file, keys, "read");
  expect(again.unsent(10).entries).toHaveLength(1);
  again.close();
});

test("rows of schema 1, sealed by the station key itself, stay readable beside new ones", () => {
  const [one] = pairs as [(typeof pairs)[0]];
  const keys = randomKeys(one.pub);
  withRows(keys, 1);
  const old = inFile(
    (database) =>
      database.prepare("SELECT * FROM entry").get() as { data_key: string; stored_age_ms: null; body: Uint8Array },
  );
  rmSync(file);
  rmSync(copy);
  inFile((database) => {
    database.exec(schema1);
    database.pragma(`application_id = ${0x54725152}`);
    database.pragma("user_version = 1");
    const { data_key: _, stored_age_ms: __, ...row } = { ...old, schema: 1 };
    const clear = { ...entryRow.parse(row), data_key: null };
    row.body = sealBody(keys.rows, clear, draft(1).body);
    const names = Object.keys(row);
    database
      .prepare(`INSERT INTO entry (${names.join(", ")}) VALUES (${names.map((name) => `@${name}`).join(", ")})`)
      .run(row);
  });
  const reader = new JournalStore(file, keys, "read");
  expect(seqs(reader)).toEqual([1]);
  reader.close();
  const store = new JournalStore(file, keys);
  store.append(draft(2));
  expect(store.unsent(10)).toMatchObject({ entries: [{ seq: 1 }, { seq: 2 }], damaged: [] });
  store.close();
  // Without station.key the owner opens both.
  using recovery = new Recovery(folder.path, one.priv, null, folder.path);
  expect(recovery.report).toMatchObject({ rows: { unsent: 2 }, damaged: 0, keysNotOpened: [] });
});

test("the owner's private key opens every row, and no other does", () => {
  const [one, two] = pairs as [(typeof pairs)[0], (typeof pairs)[0]];
  const keys = randomKeys(one.pub);
  withRows(keys, 3);
  inFile((database) => {
    const [wrapped] = wrappedInTable(database);
    if (wrapped === undefined) throw new Error("There is a data key.");
    expect(wrappedInFile(copy)).toEqual([wrapped]);
    expect(unwrapDataKey(two.priv, wrapped)).toBeNull();
    const key = unwrapDataKey(one.priv, wrapped);
    const rows = database.prepare("SELECT * FROM entry").all();
    const opened = rows.map((row) => openRow({ keyOf: (id) => (id === wrapped.id ? key : null) }, entryRow.parse(row)));
    expect(opened.map((entry) => entry?.body.rawB64)).toEqual([1, 2, 3].map((index) => draft(index).body.rawB64));
  });
});

test("an owner key that is set or changed later gets the keys that are there; taken out again, it keeps them", () => {
  const [one, two] = pairs as [(typeof pairs)[0], (typeof pairs)[0]];
  const keys = randomKeys();
  const ownerKeys = (): (string | null)[] => [
    ...inFile(wrappedInTable).map(({ ownerKey }) => ownerKey),
    ...wrappedInFile(copy).map(({ ownerKey }) => ownerKey),
  ];
  withRows(keys);
  expect(ownerKeys()).toEqual([null, null]);
  for (const [owner, expected] of [
    [one.pub, one.pub.fingerprint],
    [two.pub, two.pub.fingerprint],
    [null, two.pub.fingerprint],
  ] as const) {
    const store = new JournalStore(file, { ...keys, owner });
    expect(store.keyReport).toMatchObject({
      ownerKey: owner?.fingerprint ?? null,
      dataKeys: 1,
      withoutOwner: 0,
      unusable: [],
    });
    expect(seqs(store)).toEqual([1, 2]);
    store.close();
    expect(ownerKeys()).toEqual([expected, expected]);
  }
  expect(inFile(wrappedInTable).map((wrapped) => unwrapDataKey(two.priv, wrapped)?.symmetricKeySize)).toEqual([32]);
});

const damages: Record<string, string> = {
  "the station's wrap": "UPDATE data_key SET device_wrap = zeroblob(60)",
  "the owner's wrap": "UPDATE data_key SET owner_wrap = zeroblob(384)",
  "the time": "UPDATE data_key SET made_at = made_at + 1",
  "all of it": "DELETE FROM data_key",
};
test.each(Object.keys(damages))("%s damaged in one copy is made anew from the other at the next start", (what) => {
  const keys = randomKeys(pairs[0]?.pub);
  withRows(keys);
  const [before] = wrappedInFile(copy);
  inFile((database) => database.exec(damages[what] ?? ""));
  const store = new JournalStore(file, keys);
  expect(seqs(store)).toEqual([1, 2]);
  expect(store.keyReport).toMatchObject({
    dataKeys: 1,
    unusable: [],
    repaired: what === "all of it" ? [] : [before?.id],
  });
  store.close();
  rmSync(copy);
  const again = new JournalStore(file, keys);
  expect(seqs(again)).toEqual([1, 2]);
  expect(again.keyReport).toMatchObject({ unusable: [], repaired: [] });
  again.close();
  expect(wrappedInFile(copy)).toHaveLength(1);
});

test("a data key damaged in both copies is told, its rows wait for the owner, new ones are recorded", () => {
  const keys = randomKeys(pairs[0]?.pub);
  withRows(keys);
  const intact = readFileSync(copy);
  inFile((database) => database.exec("UPDATE data_key SET device_wrap = zeroblob(60)"));
  rmSync(copy);
  const store = new JournalStore(file, keys);
  store.append(draft(3));
  expect(store.keyReport.unusable).toMatchObject([{ why: "damaged" }]);
  expect(store.unsent(10)).toMatchObject({ entries: [{ seq: 3 }], damaged: [1, 2] });
  for (const seq of [1, 2]) store.quarantine({ seq }, "damaged-row", 1);
  store.close();
  const owner = pairs[0]?.priv;
  if (!owner) throw new Error("There is an owner.");
  expect(inFile(wrappedInTable).filter((wrapped) => unwrapDataKey(owner, wrapped) !== null)).toHaveLength(2);
  // A copy of the keys that is put back makes them rows to send again.
  writeFileSync(copy, intact);
  const again = new JournalStore(file, keys);
  expect(seqs(again)).toEqual([1, 2, 3]);
  expect(again.queue()).toMatchObject({ unsent: 3, quarantined: 0 });
  again.close();
});

test("another station.key is refused with what to do, and nothing is changed", () => {
  const keys = randomKeys();
  withRows(keys);
  const before = readFileSync(copy);
  expect(() => new JournalStore(file, randomKeys())).toThrow(/station\.key .*is not the one.*tram journal recover/);
  expect(readFileSync(copy).equals(before)).toBe(true);
  const store = new JournalStore(file, keys);
  expect(seqs(store)).toEqual([1, 2]);
  store.close();
});

test("a second copy that cannot be written stops nobody and is told", () => {
  const keys = randomKeys();
  const store = new JournalStore(file, keys);
  mkdirSync(`${copy}.new`);
  store.append(draft(1));
  expect(store.keyReport.copyFault).toBe("EISDIR");
  expect(seqs(store)).toEqual([1]);
  store.close();
});

test("a copy damaged while no owner key is given: the sound copy's way in for the owner stays in both", () => {
  const [one] = pairs as [(typeof pairs)[0]];
  const keys = randomKeys(one.pub);
  withRows(keys);
  inFile((database) => database.exec("UPDATE data_key SET device_wrap = zeroblob(60)"));
  // As the program that takes a receipt in opens the journal: it knows no configuration.
  const store = new JournalStore(file, { ...keys, owner: null });
  expect(seqs(store)).toEqual([1, 2]);
  store.close();
  for (const wrapped of [...inFile(wrappedInTable), ...wrappedInFile(copy)]) {
    expect(unwrapDataKey(one.priv, wrapped)?.symmetricKeySize).toBe(32);
  }
});

test("a data key that does not open here keeps both its copies as they are: what one has lost the other may have", () => {
  const [one] = pairs as [(typeof pairs)[0]];
  const keys = randomKeys(one.pub);
  withRows(keys);
  inFile((database) => database.exec("UPDATE data_key SET device_wrap = zeroblob(60), owner_wrap = zeroblob(384)"));
  const content = JSON.parse(readFileSync(copy, "utf8")) as { keys: { id: string; deviceWrap: string }[] };
  for (const wrapped of content.keys) wrapped.deviceWrap = Buffer.alloc(60).toString("base64");
  writeFileSync(copy, JSON.stringify(content));
  const store = new JournalStore(file, keys);
  // A new data key writes the file anew.
  store.append(draft(3));
  store.close();
  expect(wrappedInFile(copy)).toHaveLength(2);
  for (const wrapped of wrappedInFile(copy)) expect(unwrapDataKey(one.priv, wrapped)?.symmetricKeySize).toBe(32);
});

test("of the second copies one that is no longer one costs itself only", () => {
  const keys = randomKeys();
  const store = new JournalStore(file, keys);
  for (const at of [0, 40 * day, 80 * day]) store.append(draft(1, { wallMs: draft(1).wallMs + at }));
  store.close();
  const [, second] = wrappedInFile(copy);
  writeFileSync(copy, readFileSync(copy, "utf8").replace(/(?<="deviceWrap": ")./, "*"));
  expect(wrappedInFile(copy).map(({ id }) => id)).toContain(second?.id);
  inFile((database) => database.exec(`DELETE FROM data_key WHERE id = '${second?.id}'`));
  const again = new JournalStore(file, keys);
  expect(seqs(again)).toEqual([1, 2, 3]);
  again.close();
});

test("a newest row whose key's name is no text any more stops nobody", () => {
  const keys = randomKeys();
  withRows(keys);
  const unstrict = (from: string, to: string): void =>
    inFile((database) => {
      database.unsafeMode();
      database.pragma("writable_schema = ON");
      database.prepare("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'entry'").run(from, to);
    });
  unstrict(") STRICT", ") /*STRICT*/");
  inFile((database) => database.exec("UPDATE entry SET data_key = CAST(data_key AS BLOB) WHERE seq = 2"));
  unstrict(") /*STRICT*/", ") STRICT");
  const store = new JournalStore(file, keys);
  expect(store.unsent(10)).toMatchObject({ entries: [{ seq: 1 }], damaged: [2] });
  expect(store.withoutKey([1, 2]).size).toBe(0);
  store.close();
});
