import { copyFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newProofKey } from "../../contract/dpop.ts";
import { type HeartbeatRequest, heartbeatRequest } from "../../contract/heartbeat.ts";
import { maxMissingRanges } from "../../contract/limits.ts";
import { Rig } from "../../testing/central-rig.ts";
import { draft, randomKeys, record } from "../../testing/drafts.ts";
import { type Answer, type FakeCentre, startFakeCentre } from "../../testing/fake-centre.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { until } from "../../testing/until.ts";
import { systemClock } from "../clock.ts";
import { healthFigures } from "../health.ts";
import { Journal } from "../journal/journal.ts";
import { CentralApi } from "./central-api.ts";
import { Heartbeat, type HeartbeatFigures, type HeartbeatOptions, heartbeatPause } from "./heartbeat.ts";
import { Outbox, type UploadCredential } from "./outbox.ts";
import { sendAgain } from "./send-again.ts";

const deviceId = "01900000-0000-7000-8000-0000000000aa";
const key = await newProofKey();
const clock = systemClock();

describe("what is sent and heard", () => {
  let centre: FakeCentre;
  let heartbeat: Heartbeat;
  let bodies: HeartbeatRequest[];
  let paths: string[];
  let logged: [string, Record<string, unknown>][];
  let heard: { highWater: number[]; missing: unknown[]; minVersion: string[] };
  let token: string | null;
  let renewals: number;
  let answerWith: (answer: Answer, count: number) => void;

  const figures: HeartbeatFigures = {
    unsent: 1,
    oldest_unsent_s: 2,
    quarantined: 0,
    id_conflicts: 0,
    last_seq: 7,
    last_acknowledged_seq: 6,
    journal_state: "sound",
    disk_free_bytes: null,
    wal_bytes: null,
    fsync_p99_ms: null,
    app_version: "0.1.0",
    schema_version: 1,
    clock_offset_ms: null,
    clock_state: "unknown",
    key_backend: "file",
    owner_key: false,
    boot_id: "boot-1",
    readers: [],
  };
  const good = { server_time: "2026-03-02T03:00:00.000Z", high_water: { seq: 7 }, missing: [] };

  beforeEach(async () => {
    centre = await startFakeCentre();
    bodies = [];
    paths = [];
    logged = [];
    heard = { highWater: [], missing: [], minVersion: [] };
    token = "token-1";
    renewals = 0;
    answerWith = (answer) => answer.json(200, good);
    centre.other = (url, body, answer) => {
      paths.push(url);
      bodies.push(heartbeatRequest.parse(body));
      answerWith(answer, bodies.length);
    };
    heartbeat = over({});
  });
  afterEach(async () => {
    await heartbeat.stop();
    await centre[Symbol.asyncDispose]();
  });

  const over = (change: Partial<HeartbeatOptions>) =>
    new Heartbeat({
      api: new CentralApi(centre.url, clock, key, () => {}),
      credential: {
        accessToken: () => token,
        renew: () => {
          renewals += 1;
          token = "token-2";
          return Promise.resolve("renewed");
        },
      },
      deviceId,
      figures: () => Promise.resolve(figures),
      onHighWater: (seq) => void heard.highWater.push(seq),
      onMissing: (ranges) => void heard.missing.push(ranges),
      onMinVersion: (version) => heard.minVersion.push(version),
      random: () => 0,
      log: (event, facts) => logged.push([event, facts]),
      ...change,
    });
  /** Heartbeats without their pauses, until `look` is content. */
  const beating = (what: string, look: () => boolean) =>
    until(what, () => {
      heartbeat.soon();
      return look();
    });

  test("only figures go to the device's own address, and the answer is told", async () => {
    heartbeat.start();
    await until("the answer", () => heard.highWater.length > 0);
    expect(paths).toEqual([`/v1/devices/${deviceId}/heartbeat`]);
    expect(bodies).toEqual([{ ...figures, missing_after: 0 }]);
    expect(heard).toEqual({ highWater: [7], missing: [], minVersion: [] });
    expect(logged).toEqual([]);
  });

  test("a list that does not fit one answer is asked for in parts, then from the start again", async () => {
    const full = Array.from({ length: maxMissingRanges }, (_, index) => ({ from: 2 * index + 1, to: 2 * index + 1 }));
    const rest = [{ from: 900, to: 950 }];
    answerWith = (answer, count) => answer.json(200, { ...good, missing: count === 1 ? full : rest });
    heartbeat.start();
    for (let part = 1; part <= 3; part += 1) await beating(`part ${part}`, () => heard.missing.length >= part);
    expect(bodies.slice(0, 3).map(({ missing_after }) => missing_after)).toEqual([0, 199, 0]);
    expect(heard.missing.slice(0, 2)).toEqual([full, rest]);
  });

  test("a wanted version is told once", async () => {
    answerWith = (answer, count) => answer.json(200, { ...good, min_version: count < 3 ? "0.2.0" : "0.3.0" });
    heartbeat.start();
    await beating("the newer one", () => heard.minVersion.length === 2);
    expect(heard.minVersion).toEqual(["0.2.0", "0.3.0"]);
  });

  test("an expired token is renewed and the heartbeat repeated once", async () => {
    answerWith = (answer, count) => (count === 1 ? answer.problem(401, "invalid_token") : answer.json(200, good));
    heartbeat.start();
    await until("the answer", () => heard.highWater.length === 1);
    expect([renewals, bodies.length]).toEqual([1, 2]);
    expect(logged).toEqual([]);
  });

  test("a token that is refused for ever is renewed once a minute, not in a circle", async () => {
    answerWith = (answer) => answer.problem(401, "invalid_token");
    heartbeat.start();
    await until("it has failed", () => logged.length === 1);
    expect([renewals, bodies.length]).toEqual([1, 2]);
  });

  test("with nobody signed in nothing is sent, until somebody is", async () => {
    token = null;
    let asked = 0;
    const accessToken = () => {
      asked += 1;
      return token;
    };
    heartbeat = over({ credential: { accessToken, renew: () => Promise.resolve("ended") } });
    heartbeat.start();
    await beating("it looked twice", () => asked >= 2);
    expect(bodies).toEqual([]);
    token = "token-3";
    await beating("the first", () => bodies.length > 0);
  });

  test("whatever fails is logged once per change and ends nothing", async () => {
    const failures: ((answer: Answer) => void)[] = [
      (answer) => answer.problem(404, "not_found"),
      (answer) => answer.problem(404, "not_found"),
      (answer) => answer.problem(403, "forbidden"),
      (answer) => answer.problem(500, "unavailable"),
      (answer) => answer.raw(200, { "Content-Type": "text/html" }, "<html>"),
      (answer) => answer.cut(),
      (answer) => answer.json(200, { ...good, high_water: null }),
      (answer) => answer.json(200, { ...good, missing: [{ from: 0, to: -1 }] }),
      (answer) => answer.json(200, good),
      (answer) => answer.json(200, good),
    ];
    answerWith = (answer, count) => failures[count - 1]?.(answer);
    heartbeat.start();
    await beating("all of them", () => heard.highWater.length === 2);
    expect(logged.map(([event, { fault }]) => fault ?? event)).toEqual([
      "404 not_found",
      "403 forbidden",
      "500 unavailable",
      "foreign: answer 200 without our request id",
      expect.stringMatching(/^unreachable: /),
      "foreign: the answer 200 has not the agreed form",
      "heartbeat.heard",
    ]);
    expect(heard.missing).toEqual([]);
  });

  test("figures or a receiver that fail end nothing either", async () => {
    let broken = true;
    heartbeat = over({
      figures: () => (broken ? Promise.reject(new Error("no figures")) : Promise.resolve(figures)),
      onHighWater: (seq) => {
        heard.highWater.push(seq);
        if (heard.highWater.length === 1) throw new Error("no journal");
      },
    });
    heartbeat.start();
    await until("the first fault", () => logged.length === 1);
    broken = false;
    await beating("the second was heard", () => logged.length === 3);
    expect(logged.map(([, { fault }]) => fault)).toEqual(["no figures", "no journal", undefined]);
  });

  test("stopping does not wait for a renewal that hangs", async () => {
    let hangs = false;
    const renew = (): Promise<never> => {
      hangs = true;
      return new Promise(() => {});
    };
    heartbeat = over({ credential: { accessToken: () => token, renew } });
    answerWith = (answer) => answer.problem(401, "invalid_token");
    heartbeat.start();
    await until("it hangs", () => hangs);
    await heartbeat.stop();
    expect(logged).toEqual([]);
  });

  test("stopping does not wait for an answer", async () => {
    answerWith = () => {};
    heartbeat.start();
    await until("the call hangs", () => bodies.length === 1);
    const from = performance.now();
    await heartbeat.stop();
    expect(performance.now() - from).toBeLessThan(5_000);
    expect(logged).toEqual([]);
  });
});

test("heartbeats come once a minute, spread by a fifth of it", () => {
  expect([0, 0.5, 0.999_999].map((random) => heartbeatPause(() => random))).toEqual([54_000, 60_000, 66_000]);
});

describe("with a real centre and a real journal", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let rig: Rig;
  let journal: Journal;
  let keys: ReturnType<typeof randomKeys>;
  let token: string;
  let checkpointId: string;
  let outbox: Outbox | null;
  let heartbeat: Heartbeat | null;
  let lost: number[];
  let again: number[];

  beforeEach(async () => {
    folder = temporaryFolder();
    rig = await Rig.start();
    rig.key = Promise.resolve(key);
    const place = await rig.checkpoint();
    checkpointId = place.checkpointId;
    token = (await rig.staff(place.owner, checkpointId, "0900000002")).tokens.access_token;
    await rig.enrolled({ id: deviceId, checkpointId }, key);
    keys = randomKeys();
    journal = await Journal.open({ file: journalFile(), keys, log: () => {} });
    [outbox, heartbeat, lost, again] = [null, null, [], []];
  });
  afterEach(async () => {
    await disconnect();
    await journal.close();
    await rig[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const journalFile = () => path.join(folder.path, "journal.db");
  const disconnect = async () => void (await Promise.all([outbox?.stop(), heartbeat?.stop()]));
  /** The station's sending parts, wired as the agent wires them. */
  const connect = (): void => {
    const api = new CentralApi(rig.url, clock, key, () => {});
    const credential: UploadCredential = {
      accessToken: () => token,
      renew: () => Promise.resolve("ended"),
      probe: () => Promise.resolve(true),
    };
    const sending = new Outbox({
      journal,
      api,
      credential,
      deviceId,
      isEnrolled: () => true,
      clock,
      clockIsImpossible: () => false,
      random: () => 0.01,
      onChange: () => {},
      log: () => {},
    });
    outbox = sending;
    heartbeat = new Heartbeat({
      api,
      credential,
      deviceId,
      figures: () =>
        healthFigures({
          journal,
          journalFile: journalFile(),
          clock,
          clockOffset: () => null,
          readers: () => [],
          keyBackend: "file",
        }),
      onHighWater: async (seq) => void lost.push(await journal.noteHighWater(seq)),
      onMissing: async (ranges) => {
        again.push(await sendAgain(journal, ranges));
        sending.nudge();
      },
      onMinVersion: () => {},
      random: () => 0,
      log: (event, facts) => {
        throw new Error(`${event} ${JSON.stringify(facts)}`);
      },
    });
    outbox.start();
  };
  const recordMany = async (count: number) => {
    for (let index = 1; index <= count; index += 1) await record(journal, draft(index, { checkpointId }));
  };
  const delivered = () => until("everything is delivered", () => journal.figures.unsent === 0);
  const heardAgain = async (count: number) => {
    heartbeat?.start();
    await until("the heartbeat is heard", () => {
      heartbeat?.soon();
      return lost.length >= count;
    });
  };
  const atCentre = <T>(sql: string): T[] => {
    const database = new Database(rig.databasePath);
    try {
      return database.prepare(sql).all() as T[];
    } finally {
      database.close();
    }
  };

  test("the figures arrive as they are", async () => {
    await recordMany(3);
    connect();
    await delivered();
    await heardAgain(1);
    expect(atCentre("SELECT * FROM device")).toMatchObject([
      {
        id: deviceId,
        unsent: 0,
        oldest_unsent_s: null,
        quarantined: 0,
        last_seq: 3,
        last_acknowledged_seq: 3,
        journal_state: "sound",
        clock_state: "unknown",
        boot_id: clock.bootId,
      },
    ]);
    const [row] = atCentre<{ disk_free_bytes: number; wal_bytes: number; fsync_p99_ms: number }>(
      "SELECT * FROM device",
    );
    expect(row?.disk_free_bytes).toBeGreaterThan(0);
    expect(row?.wal_bytes).toBeGreaterThan(0);
    expect(row?.fsync_p99_ms).toBeGreaterThan(0);
    expect([lost, again]).toEqual([[0], []]);
  });

  test("rows that a restored backup of the centre lacks are sent again, each once; refused ones are not", async () => {
    await recordMany(4);
    connect();
    await delivered();
    await disconnect();
    await rig.stop();
    const backup = path.join(folder.path, "central.backup");
    copyFileSync(rig.databasePath, backup);
    await rig.start();
    await recordMany(3);
    await record(journal, draft(9, { checkpointId: "01900000-0000-7000-8000-00000000f00d" }));
    connect();
    await delivered();
    expect(journal.figures.quarantined).toBe(1);
    await disconnect();
    await rig.stop();
    copyFileSync(backup, rig.databasePath);
    await rig.start();
    connect();
    await heardAgain(1);
    await until("the lost rows are there again", () => atCentre("SELECT seq FROM entry").length === 7);
    await delivered();
    expect(again[0]).toBe(3);
    expect(atCentre("SELECT seq FROM entry ORDER BY seq")).toEqual([1, 2, 3, 4, 5, 6, 7].map((seq) => ({ seq })));
    await heardAgain(2);
    expect(atCentre("SELECT from_seq, to_seq FROM seq_run")).toEqual([{ from_seq: 1, to_seq: 7 }]);
    expect(journal.figures).toMatchObject({ unsent: 0, quarantined: 1 });
  });

  test("a journal that was put back to an earlier day goes on above what the centre has", async () => {
    await recordMany(5);
    connect();
    await delivered();
    await disconnect();
    await journal.close();
    const yesterday = path.join(folder.path, "yesterday");
    copyFileSync(journalFile(), yesterday);
    journal = await Journal.open({ file: journalFile(), keys, log: () => {} });
    await recordMany(4);
    connect();
    await delivered();
    await disconnect();
    await journal.close();
    copyFileSync(yesterday, journalFile());
    journal = await Journal.open({ file: journalFile(), keys, log: () => {} });
    connect();
    await heardAgain(1);
    const { seq } = await record(journal, draft(1, { checkpointId }));
    expect(seq).toBeGreaterThan(9);
    outbox?.nudge();
    await delivered();
    expect(atCentre("SELECT max(seq) AS top, count(*) AS rows FROM entry")).toEqual([{ top: seq, rows: 10 }]);
  });

  test("ranges of any size, order and number cost no more than the rows that are here", async () => {
    await recordMany(3);
    await journal.noteHighWater(900_000_000);
    const kept = await record(journal, draft(5, { checkpointId }));
    await journal.acknowledge(
      (await journal.newest(9)).map(({ id }) => ({ id, state: "stored" as const })),
      5,
    );
    let calls = 0;
    const counted = {
      get figures() {
        return journal.figures;
      },
      markUnsent: (...args: Parameters<Journal["markUnsent"]>) => {
        calls += 1;
        return journal.markUnsent(...args);
      },
    };
    const all = Array.from({ length: maxMissingRanges - 3 }, () => ({ from: 2, to: Number.MAX_SAFE_INTEGER }));
    const odd = [
      { from: 9, to: 3 },
      { from: kept.seq + 1, to: Number.MAX_SAFE_INTEGER },
      { from: 2, to: 2 },
    ];
    expect(await sendAgain(counted, [...odd, ...all])).toBe(3);
    expect(calls).toBeLessThan(5);
    expect(journal.figures.unsent).toBe(3);
  });

  test("a range over more rows than one transaction looks at is walked to its end", async () => {
    for (let round = 0; round < 10; round += 1) {
      const made = Array.from({ length: 230 }, (_, index) => record(journal, draft(index, { checkpointId })));
      const ids = (await Promise.all(made)).map(({ id }) => ({ id, state: "stored" as const }));
      await journal.acknowledge(ids, 5);
    }
    expect(await sendAgain(journal, [{ from: 101, to: 2_250 }])).toBe(2_150);
    expect(journal.figures.unsent).toBe(2_150);
  });
});
