import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { JournalStore } from "../agent/journal/store.ts";
import { loadStationKeys } from "../provisioning/secrets.ts";
import { Rig } from "../testing/central-rig.ts";
import { draft } from "../testing/drafts.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { makeOwner, passphrase, type TestOwner } from "../testing/owner.ts";
import { jsonLines, type Line, runTram, startTram } from "../testing/program.ts";
import { until } from "../testing/until.ts";

const program = path.resolve(import.meta.dirname, "..", "dist", "tram", "tram.js");
const staffPhone = "0900000002";
const hour = 3_600_000;
// Many programs one after another: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 180_000 });

/** A place that no centre of these tests knows. */
const nowhere = { checkpointId: randomUUID(), staffRef: randomUUID() };

let folder: ReturnType<typeof temporaryFolder>;
let owner: TestOwner;

beforeAll(async () => {
  folder = temporaryFolder();
  owner = await makeOwner(folder.path);
}, 60_000);
afterAll(() => folder[Symbol.dispose]());

/** A station's folder with entries that were never sent; its clock is an hour slow and it knows. */
function station(
  name: string,
  { checkpointId, staffRef }: { readonly checkpointId: string; readonly staffRef: string },
  count: number,
  firstIndex = 1,
): { data: string; ids: string[]; deviceId: string } {
  const data = path.join(folder.path, name);
  mkdirSync(data, { recursive: true });
  const keys = loadStationKeys(path.join(data, "station.key"), true, owner.publicKey);
  const journal = new JournalStore(path.join(data, "journal.db"), keys);
  const deviceId = randomUUID();
  journal.setFact("device-id", deviceId);
  journal.setFact("clock-offset", JSON.stringify({ offsetMs: hour, bootId: "boot-1", monoMs: 1 }));
  const ids = Array.from({ length: count }, (_, index) => {
    const wallMs = Date.now() - 5 * hour + index * 1000;
    return journal.append(draft(firstIndex + index, { checkpointId, staffRef, wallMs })).id;
  });
  journal.close();
  return { data, ids, deviceId };
}

async function carried(data: string, ...more: string[]): Promise<Line & { file: string }> {
  const stick = path.join(folder.path, "stick");
  mkdirSync(stick, { recursive: true });
  const run = await runTram([
    "journal",
    "carry",
    "--to",
    stick,
    "--data",
    data,
    "--owner-key",
    owner.publicFile,
    "--json",
    ...more,
  ]);
  expect(run).toMatchObject({ code: 0, err: "" });
  return jsonLines(run.out)[0] as Line & { file: string };
}

/** Types what is asked for, the code as the centre sent it. */
async function deliver(rig: Rig, file: string): Promise<{ code: number | null; line: Line; err: string }> {
  const sentBefore = rig.codesSent;
  const child = spawn(
    process.execPath,
    [
      program,
      "journal",
      "deliver",
      file,
      "--owner-key",
      owner.privateFile,
      "--central",
      rig.url,
      "--phone",
      staffPhone,
      "--json",
    ],
    { stdio: "pipe" },
  );
  let [out, err] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => {
    out += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    err += bytes.toString();
  });
  const closed = once(child, "close");
  child.stdin.write(`${passphrase}\n`);
  await Promise.race([
    closed,
    until("the code", () => rig.codesSent > sentBefore && child.stdin.write(`${rig.codes.get(staffPhone)}\n`), 20_000),
  ]);
  const [code] = (await closed) as [number | null];
  return { code, line: jsonLines(out)[0] ?? {}, err };
}

const states = async (data: string): Promise<Line[]> =>
  jsonLines((await runTram(["journal", "list", "--data", data, "--json"])).out);

async function centre(): Promise<{
  rig: Rig;
  checkpointId: string;
  /** Of the member whose duty the entries are. */
  staffRef: string;
  listed: () => Promise<{ entry_id: string; at: string }[]>;
}> {
  const rig = await Rig.start({ clock: { now: () => Date.now() } });
  const { owner: person, checkpointId } = await rig.checkpoint();
  const { tokens } = await rig.staff(person, checkpointId, staffPhone);
  const listed = async () => {
    const items: { entry_id: string; at: string }[] = [];
    for (let after = ""; ; ) {
      const reply = await rig.call(
        "GET",
        `/v1/checkpoints/${checkpointId}/entries?limit=100&after=${encodeURIComponent(after)}`,
        { token: person.access_token },
      );
      items.push(...reply.body.items);
      if (reply.body.items.length < 100) return items;
      after = reply.body.cursor;
    }
  };
  return { rig, checkpointId, staffRef: tokens.person.ref, listed };
}

test("by stick to the centre and back: every entry once, at its time, and the station knows", async () => {
  const { rig, checkpointId, staffRef, listed } = await centre();
  await using _ = rig;
  const { data, ids, deviceId } = station("by-stick", { checkpointId, staffRef }, 450);
  await rig.enrolled({ id: deviceId, checkpointId });
  const { file, entries } = await carried(data);
  expect(entries).toBe(450);
  const first = await deliver(rig, file);
  expect(first).toMatchObject({
    code: 0,
    line: { stored: 450, duplicate: 0, rejected: 0, waiting: 0, complete: true },
  });
  const at = await listed();
  expect(at.map(({ entry_id }) => entry_id).sort()).toEqual([...ids].sort());
  // The station's clock was an hour slow: the centre has the true time.
  const byId = new Map(at.map((item) => [item.entry_id, item.at]));
  expect(Math.abs(Date.parse(byId.get(ids[0] ?? "") ?? "") - (Date.now() - 4 * hour))).toBeLessThan(10 * 60_000);

  expect((await states(data)).every(({ state }) => state === "unsent")).toBe(true);
  const again = await deliver(rig, file);
  expect(again).toMatchObject({ code: 0, line: { stored: 0, duplicate: 450 } });
  expect(await listed()).toHaveLength(450);

  const taken = await runTram(["journal", "receipt", `${file}.receipt`, "--data", data, "--json"]);
  expect(taken).toMatchObject({ code: 0, err: "" });
  expect(jsonLines(taken.out)[0]).toEqual({ named: 450, taken: 450, rejected: 0, unknown: 0, waiting: 0 });
  expect((await states(data)).every(({ state }) => state === "duplicate")).toBe(true);
  const nothing = await runTram([
    "journal",
    "carry",
    "--to",
    folder.path,
    "--data",
    data,
    "--owner-key",
    owner.publicFile,
  ]);
  expect(nothing).toMatchObject({ code: 0, out: "Nothing waits to be sent; no file was written.\n" });
});

test("beside a running agent: what is recorded after the file was written still waits after the receipt", async () => {
  const { rig, checkpointId, staffRef } = await centre();
  await using _ = rig;
  const { data, deviceId } = station("running", { checkpointId, staffRef }, 20);
  await rig.enrolled({ id: deviceId, checkpointId });
  const config = path.join(folder.path, "running.json");
  const journal = { ownerKey: owner.publicFile };
  writeFileSync(
    config,
    JSON.stringify({ dataDir: data, central: "http://127.0.0.1:9", kioskPort: 0, readers: [], checkpointId, journal }),
  );
  await using agent = startTram("agent", "--config", config, "--json");
  await agent.line("ready");
  // The owner key is the configured one.
  const stick = path.join(folder.path, "stick-2");
  mkdirSync(stick);
  const written = await until("the agent has noted the owner key", async () => {
    const run = await runTram(["journal", "carry", "--to", stick, "--data", data, "--json"]);
    return run.code === 0 && jsonLines(run.out)[0];
  });
  expect(written).toMatchObject({ entries: 20, ownerKey: owner.publicKey.fingerprint });
  const later = await runTram([
    "scan",
    "079098123456||Trần Thị Sau|01011990|Nữ|Số 1 Phố Thử|01012021",
    "--data",
    data,
    "--json",
  ]);
  expect(later.code, later.err).toBe(0);
  expect((await deliver(rig, String(written.file))).line).toMatchObject({ stored: 20 });
  const taken = await runTram(["journal", "receipt", `${String(written.file)}.receipt`, "--data", data, "--json"]);
  expect(jsonLines(taken.out)[0], taken.err).toMatchObject({ named: 20, taken: 20, waiting: 1 });
  expect(readdirSync(path.join(data, "receipts"))).toEqual([]);
  expect((await states(data)).filter(({ state }) => state === "unsent")).toHaveLength(1);
});

test("a receipt of another station or a changed one changes nothing, beside the agent and without", async () => {
  const { rig, checkpointId, staffRef } = await centre();
  await using _ = rig;
  const { data, deviceId } = station("mine", { checkpointId, staffRef }, 3);
  await rig.enrolled({ id: deviceId, checkpointId });
  const { data: other } = station("other", { checkpointId, staffRef }, 3, 100);
  const { file } = await carried(data);
  await deliver(rig, file);
  const foreign = await runTram(["journal", "receipt", `${file}.receipt`, "--data", other]);
  expect(foreign).toMatchObject({ code: 1, out: "" });
  expect(foreign.err).toMatch(/another station.*nothing was changed/);
  const forged = `${file}.forged`;
  writeFileSync(forged, readFileSync(`${file}.receipt`, "utf8").replace('"stored"', '"duplicate"'));
  const refused = await runTram(["journal", "receipt", forged, "--data", data]);
  expect(refused.code).toBe(1);
  expect(refused.err).toMatch(/forged, damaged/);
  for (const folderOf of [data, other]) {
    expect((await states(folderOf)).map(({ state }) => state)).toEqual(["unsent", "unsent", "unsent"]);
  }
});

test("a centre that goes away in the middle: what was answered is on the receipt, and the next run brings the rest", async () => {
  const { rig, checkpointId, staffRef, listed } = await centre();
  await using _ = rig;
  const { data, deviceId } = station("middle", { checkpointId, staffRef }, 250);
  await rig.enrolled({ id: deviceId, checkpointId });
  const { file } = await carried(data);
  // One entry of the second batch is refused by the centre's own check: it goes alone, the others are stored.
  const database = new Database(rig.databasePath);
  database.exec(
    "CREATE TRIGGER full BEFORE INSERT ON entry WHEN (SELECT count(*) FROM entry) >= 200 BEGIN SELECT RAISE(ABORT, 'no room'); END",
  );
  const cut = await deliver(rig, file);
  expect(cut).toMatchObject({ code: 1, line: { stored: 200, waiting: 50, complete: false } });
  expect(cut.err).toMatch(/run the same command again/);
  const partly = await runTram(["journal", "receipt", `${file}.receipt`, "--data", data, "--json"]);
  expect(jsonLines(partly.out)[0]).toMatchObject({ named: 200, taken: 200, waiting: 50 });
  database.exec("DROP TRIGGER full");
  database.close();
  expect((await deliver(rig, file)).line).toMatchObject({ stored: 50, duplicate: 200, complete: true });
  const whole = await runTram(["journal", "receipt", `${file}.receipt`, "--data", data, "--json"]);
  expect(jsonLines(whole.out)[0]).toMatchObject({ named: 250, taken: 50, waiting: 0 });
  expect(await listed()).toHaveLength(250);
});

test("a stick that is full: one sentence, and nothing on it that looks like a file", async () => {
  const { data } = station("full", nowhere, 2000);
  const stick = path.join(folder.path, "full-stick");
  mkdirSync(stick);
  const carry = [program, "journal", "carry", "--to", stick, "--data", data, "--owner-key", owner.publicFile];
  // No file may grow above 64 blocks of 1 KiB: the kernel refuses the write as a full disk does (EFBIG).
  const child = spawn("bash", ["-c", 'ulimit -f 64; exec "$@"', "bash", process.execPath, ...carry], { stdio: "pipe" });
  let err = "";
  child.stderr.on("data", (bytes: Buffer) => {
    err += bytes.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  expect(code, err).toBe(1);
  expect(err).toMatch(/could not be written \(no space left.*still on the station/);
  expect(readdirSync(stick)).toEqual([]);
});

test("each fault is one sentence that says what to do", async () => {
  const { data } = station("faults", nowhere, 1);
  const { file } = await carried(data);
  const cases: [string[], string, RegExp][] = [
    [["carry", "--to", "/nowhere/stick", "--data", data], "", /no folder .*plug the stick in/],
    [["carry", "--to", folder.path, "--data", data], "", /no owner key .*--owner-key/],
    [
      ["carry", "--to", folder.path, "--data", data, "--owner-key", owner.privateFile],
      "",
      /private key; take it off this machine/,
    ],
    [
      ["deliver", file, "--owner-key", owner.privateFile, "--central", "http://127.0.0.1:9"],
      "wrong\n",
      /passphrase is wrong/,
    ],
    [
      ["deliver", file, "--owner-key", owner.privateFile, "--central", "http://example.org"],
      "",
      /must start with https/,
    ],
    [
      ["deliver", file, "--owner-key", owner.publicFile, "--central", "http://127.0.0.1:9"],
      "",
      /not a PEM private key/,
    ],
    [
      ["deliver", file, "--owner-key", owner.privateFile, "--central", "http://127.0.0.1:9", "--phone", staffPhone],
      `${passphrase}\n`,
      /cannot be reached|not reach|offline|network|connect/i,
    ],
    [["receipt", path.join(folder.path, "none"), "--data", data], "", /cannot be read/],
    [["owner-key", "--out", owner.privateFile], "", /is not replaced/],
    [["owner-key", "--out", path.join(folder.path, "short.pem")], "short\n", /at least 8 characters/],
  ];
  for (const [args, input, sentence] of cases) {
    const run = await runTram(["journal", ...args], input);
    expect(run.code, args.join(" ")).toBe(1);
    expect(run.err).toMatch(sentence);
    expect(run.err).not.toMatch(/unexpected fault/);
  }
  expect(existsSync(path.join(folder.path, "short.pem"))).toBe(false);
});

test("a pair of keys is made with the passphrase from standard input, the private part encrypted", async () => {
  const out = path.join(folder.path, "made.pem");
  const made = await runTram(["journal", "owner-key", "--out", out, "--json"], `${passphrase}\n`);
  expect(made.code, made.err).toBe(0);
  expect(readFileSync(out, "utf8")).toMatch(/BEGIN ENCRYPTED PRIVATE KEY/);
  expect(made.out + made.err).not.toContain(passphrase);
  const { data } = station("made", nowhere, 1);
  const run = await runTram([
    "journal",
    "carry",
    "--to",
    folder.path,
    "--data",
    data,
    "--owner-key",
    `${out.slice(0, -4)}.pub.pem`,
    "--json",
  ]);
  expect(jsonLines(run.out)[0]).toMatchObject({ entries: 1, ownerKey: jsonLines(made.out)[0]?.fingerprint });
});
