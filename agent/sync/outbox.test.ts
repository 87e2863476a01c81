import { createHash } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import path from "node:path";
import tls from "node:tls";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newProofKey } from "../../contract/dpop.ts";
import { type BatchRequest, contentOf, wireEntry } from "../../contract/entries.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import { authority } from "../../testing/certificates.ts";
import { draft, randomKeys, record as recordEntry } from "../../testing/drafts.ts";
import { type FakeCentre, startFakeCentre } from "../../testing/fake-centre.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { until } from "../../testing/until.ts";
import { systemClock } from "../clock.ts";
import { Journal } from "../journal/journal.ts";
import { JournalStore } from "../journal/store.ts";
import { CentralApi } from "./central-api.ts";
import { Outbox, type OutboxStatus, type UploadCredential } from "./outbox.ts";
import { sendingSentences } from "./sentences.ts";

const key = await newProofKey();
let folder: ReturnType<typeof temporaryFolder>;
let journal: Journal;
let journalLog: [string, Record<string, unknown>][];
/** The same file, read beside it. */
let store: JournalStore;
let centre: FakeCentre;
let outbox: Outbox;
let statuses: OutboxStatus[];
let offsets: number[];
let clockIsWrong: boolean;
let isEnrolled: boolean;
let credential: UploadCredential & { token: string | null; renewals: string[] };

beforeEach(async () => {
  folder = temporaryFolder();
  const file = path.join(folder.path, "journal.db");
  const keys = randomKeys();
  journalLog = [];
  journal = await Journal.open({ file, keys, log: (event, facts) => journalLog.push([event, facts]) });
  store = new JournalStore(file, keys, "read");
  centre = await startFakeCentre();
  statuses = [];
  offsets = [];
  clockIsWrong = false;
  isEnrolled = true;
  credential = {
    token: "token-1",
    renewals: [],
    accessToken: () => credential.token,
    renew: (refused) => {
      credential.renewals.push(refused);
      credential.token = "token-2";
      return Promise.resolve("renewed");
    },
    probe: () => Promise.resolve(true),
  };
  outbox = outboxTo(centre.url);
});

function outboxTo(url: string): Outbox {
  const clock = systemClock();
  return new Outbox({
    journal,
    api: new CentralApi(url, clock, key, (offset) => offsets.push(offset)),
    credential,
    deviceId: "01900000-0000-7000-8000-0000000000aa",
    isEnrolled: () => isEnrolled,
    clock,
    clockIsImpossible: () => clockIsWrong,
    // No jitter: pauses of a hundredth of the longest allowed keep the test quick and still real.
    random: () => 0.01,
    onChange: (status) => statuses.push(status),
    log: () => {},
  });
}

afterEach(async () => {
  await outbox.stop();
  await centre[Symbol.asyncDispose]();
  store.close();
  await journal.close();
  folder[Symbol.dispose]();
});

const record = async (count: number): Promise<string[]> => {
  const made = Array.from({ length: count }, (_, index) => recordEntry(journal, draft(index + 1)));
  return (await Promise.all(made)).map(({ id }) => id);
};
const drained = () => until("the outbox is empty", () => journal.figures.unsent === 0);

test("everything recorded arrives once, oldest first, in batches of at most 200 and 512 KiB", async () => {
  const ids = await record(450);
  outbox.start();
  await drained();
  expect(centre.ledger).toEqual(ids);
  expect(centre.batches.map((batch) => batch.entries.length)).toEqual([200, 200, 50]);
  expect(Math.max(...centre.batches.map((batch) => batch.bytes))).toBeLessThanOrEqual(512 * 1024);
});

test("what could not be acknowledged on the disk is sent again, whatever went out meanwhile", async () => {
  const ids = await record(450);
  vi.spyOn(journal, "acknowledge").mockRejectedValueOnce(new AgentError("journal.write-failed", "No."));
  outbox.start();
  await drained();
  expect([...centre.stored.keys()].toSorted()).toEqual(ids.toSorted());
  expect(centre.conflicts).toEqual([]);
  const sent = centre.batches.map(({ entries }) => entries[0]?.id);
  expect(sent.filter((id) => id === ids[0])).toHaveLength(2);
});

test("the clocks of a batch are those of its departure, however long ago it was packed", async () => {
  const ids = await record(201);
  const sent: BatchRequest["sent"][] = [];
  let answer: (() => void) | undefined;
  centre.script = (arrived, reply) => {
    sent.push(arrived.sent);
    if (sent.length > 1) return reply.storeAll();
    answer = () => reply.storeAll();
  };
  outbox.start();
  await until("the first batch is at the centre", () => answer);
  const wait = performance.now() + 300;
  await until("some time has passed", () => performance.now() > wait);
  answer?.();
  await drained();
  expect(centre.ledger).toEqual(ids);
  expect((sent[1]?.mono_ms ?? 0) - (sent[0]?.mono_ms ?? 0)).toBeGreaterThanOrEqual(300);
});

test("large entries make a batch smaller, never larger than 512 KiB", async () => {
  for (let index = 1; index <= 200; index++) {
    await recordEntry(journal, draft(index, { body: { ...draft(index).body, rawB64: "A".repeat(5000) } }));
  }
  outbox.start();
  await drained();
  expect(centre.batches.length).toBeGreaterThan(1);
  expect(Math.max(...centre.batches.map((batch) => batch.bytes))).toBeLessThanOrEqual(512 * 1024);
});

test("each entry travels in the agreed form with a hash of its content, and later scans follow at once", async () => {
  outbox.start();
  await record(1);
  outbox.nudge();
  await drained();
  await recordEntry(journal, draft(2));
  outbox.nudge();
  await drained();
  for (const batch of centre.batches) {
    for (const entry of batch.entries) {
      wireEntry.parse(entry);
      expect(createHash("sha256").update(contentOf(entry)).digest("hex")).toBe(entry.sha256);
    }
  }
  expect(offsets.length).toBeGreaterThan(0);
  expect(Math.abs(offsets[0] ?? Number.NaN)).toBeLessThan(2_000);
});

describe("only a named id leaves the outbox", () => {
  test("missing, extra, repeated, reordered and unknown answers change nothing else", async () => {
    const ids = await record(4);
    centre.script = ({ entries }, answer, count) => {
      if (count > 1) return answer.storeAll();
      for (const entry of entries.slice(0, 1)) answer.store(entry);
      answer.json(200, {
        batch_id: "01900000-0000-7000-8000-0000000000bb",
        results: [
          { id: entries[1]?.id, status: "perhaps" },
          { id: "01900000-0000-7000-8000-00000000dead", status: "stored" },
          { id: entries[0]?.id, status: "stored" },
          { id: entries[0]?.id, status: "rejected" },
          { id: entries[2]?.id, status: "retry", retry_after_s: 0 },
        ],
        high_water: { seq: 1 },
      });
    };
    outbox.start();
    await until("the first answer was read", () => journal.figures.unsent === 3);
    expect(store.states(ids).get(ids[0] ?? "")).toBe("stored");
    await drained();
    expect([...centre.ledger].sort()).toEqual([...ids].sort());
    expect(journal.figures.quarantined).toBe(0);
  });

  test("an item that makes no sense, and a high-water mark that is none, leave the other answers read", async () => {
    const ids = await record(3);
    centre.script = ({ entries }, answer, count) => {
      const results = entries.map((entry) => (entry.id === ids[0] && count === 1 ? null : answer.store(entry)));
      const odd = [{ id: 5, status: {} }, "stored", ...results, { id: ids[0], status: ["stored"] }];
      const missing = [{ from: 0, to: "all" }];
      answer.json(200, { batch_id: "?", results: odd, high_water: { seq: count === 1 ? -1 : 1e300 }, missing });
    };
    outbox.start();
    await until("the others are stored", () => journal.figures.unsent === 1);
    expect(centre.ledger).toEqual(ids.slice(1));
    await drained();
    expect(centre.ledger).toEqual([...ids.slice(1), ids[0]]);
    expect((await recordEntry(journal, draft(9))).seq).toBe(4);
  });

  test("a journal that cannot note the high-water mark acknowledges what was stored all the same", async () => {
    vi.spyOn(journal, "noteHighWater").mockRejectedValue(new AgentError("journal.write-failed", "No."));
    await record(3);
    outbox.start();
    await drained();
    expect(centre.batches).toHaveLength(1);
  });

  test("a reply of 200 that is not our server's acknowledges nothing", async () => {
    const ids = await record(3);
    const results = () => ids.map((id) => ({ id, status: "stored" }));
    const forged = () =>
      JSON.stringify({ batch_id: "01900000-0000-7000-8000-0000000000bb", results: results(), high_water: { seq: 3 } });
    centre.script = (_, answer, count) => {
      if (count === 1) return answer.raw(200, { "Content-Type": "text/html" }, "<html>Đăng nhập wifi</html>");
      if (count === 2) return answer.raw(200, { "Content-Type": "application/json" }, forged());
      if (count === 3) return answer.raw(302, { Location: "http://127.0.0.1:1/login" }, "");
      if (count === 4) return answer.json(200, { ok: true });
      if (count === 5) return answer.cut();
      answer.storeAll();
    };
    outbox.start();
    await until("the fifth answer", () => centre.batches.length >= 5);
    expect(journal.figures.unsent).toBe(3);
    expect(statuses.some((status) => !status.online && status.message !== null)).toBe(true);
    await drained();
    expect(centre.ledger).toEqual(ids);
  });

  test("an answer lost after the centre stored the batch doubles nothing", async () => {
    const ids = await record(2);
    centre.script = ({ entries }, answer, count) => {
      if (count > 1) return answer.storeAll();
      for (const entry of entries) answer.store(entry);
      answer.cut();
    };
    outbox.start();
    await drained();
    expect(centre.ledger).toEqual(ids);
    expect([...store.states(ids).values()]).toEqual(["duplicate", "duplicate"]);
  });
});

describe("a poisoned entry harms only itself", () => {
  test.each([400, 413, 422])("a batch refused whole with %i is halved until one entry is isolated", async (status) => {
    const ids = await record(200);
    const poison = ids[137] ?? "";
    centre.script = ({ entries }, answer) => {
      if (entries.some((entry) => entry.id === poison)) answer.problem(status, "validation");
      else answer.storeAll();
    };
    outbox.start();
    await drained();
    expect(centre.batches.length).toBeLessThanOrEqual(17);
    expect(journal.figures.quarantined).toBe(1);
    expect(store.states([poison]).get(poison)).toBe("quarantined");
    expect([...centre.ledger].sort()).toEqual(ids.filter((id) => id !== poison).sort());
  });

  test("a centre that refuses everything is the fault: the backlog waits, and what was refused goes again when told", async () => {
    const ids = await record(300);
    centre.script = (_, answer) => answer.problem(400, "malformed");
    outbox.start();
    await until("sending waits", () => statuses.at(-1)?.message === sendingSentences.fault);
    expect(journal.figures).toMatchObject({ quarantined: 20, unsent: 280 });
    centre.script = (_, answer) => answer.storeAll();
    expect(await journal.releaseRefused()).toBe(20);
    outbox.retryNow();
    await drained();
    expect(journal.figures.quarantined).toBe(0);
    expect([...centre.ledger].sort()).toEqual([...ids].sort());
  });

  test("an item rejected by name steps aside, is kept with its reason, and the rest is stored", async () => {
    const ids = await record(3);
    centre.script = ({ entries }, answer) => {
      const results = entries.map(({ id }) =>
        id === ids[1] ? { id, status: "rejected", type: "id_conflict" } : { id, status: "stored" },
      );
      answer.json(200, { batch_id: "01900000-0000-7000-8000-0000000000bb", results, high_water: { seq: 3 } });
    };
    outbox.start();
    await drained();
    const kept = store.newest(3).entries.find((entry) => entry.id === ids[1]);
    expect(kept).toMatchObject({ state: "quarantined", lastCode: "id_conflict" });
    // Two machines under one name, or tampering: an alarm of its own, counted for the heartbeat.
    const alarms = journalLog.filter(([event]) => event === "security.id-conflict");
    expect(alarms).toMatchObject([["security.id-conflict", { id: ids[1], warning: expect.any(String) }]]);
    expect(await journal.idConflicts()).toBe(1);
  });

  test("an item the centre asks to hold back does not hold back the others", async () => {
    const [held, ...others] = await record(5);
    let holding = true;
    centre.script = ({ entries }, answer) => {
      if (!holding) return answer.storeAll();
      const results = entries.map((entry) =>
        entry.id === held ? { id: held, status: "retry", retry_after_s: 1 } : answer.store(entry),
      );
      answer.json(200, { batch_id: "01900000-0000-7000-8000-0000000000bb", results, high_water: { seq: 5 } });
    };
    outbox.start();
    await until("the others are stored", () => journal.figures.unsent === 1);
    expect(centre.ledger).toEqual(others);
    holding = false;
    await drained();
    expect(centre.ledger).toEqual([...others, held]);
  });
});

describe("credentials", () => {
  test("an expired access token is renewed once and the batch repeated", async () => {
    await record(1);
    centre.script = ({ token }, answer) => {
      if (token === "DPoP token-2") answer.storeAll();
      else answer.problem(401, "invalid_token");
    };
    outbox.start();
    await drained();
    expect(credential.renewals).toEqual(["token-1"]);
  });

  test("a renewed token that ends while nobody answers is renewed again, not waited for", async () => {
    await record(1);
    centre.script = (_, answer, count) => {
      if (count === 2) return answer.cut();
      if (count <= 3) return answer.problem(401, "invalid_token");
      answer.storeAll();
    };
    outbox.start();
    await drained();
    expect(credential.renewals).toEqual(["token-1", "token-2"]);
  });

  test("a centre that refuses every token is not asked without end", async () => {
    await record(1);
    centre.script = (_, answer) => answer.problem(401, "invalid_token");
    const from = performance.now();
    outbox.start();
    await until("a second has passed", () => performance.now() - from > 1_000);
    expect(centre.batches.length).toBeLessThan(40);
    expect(credential.renewals.length).toBeLessThan(20);
    centre.script = (_, answer) => answer.storeAll();
    outbox.retryNow();
    await drained();
  });

  test("a forbidden credential keeps every row and asks no more until another one signs in", async () => {
    await record(2);
    centre.script = ({ token }, answer) => {
      if (token === "DPoP other") answer.storeAll();
      else answer.problem(403, "forbidden");
    };
    outbox.start();
    await until("the refusal is shown", () => statuses.at(-1)?.message !== null && statuses.length > 0);
    expect(journal.figures).toMatchObject({ unsent: 2, quarantined: 0 });
    expect(centre.batches).toHaveLength(1);
    credential.token = "other";
    outbox.retryNow();
    await drained();
    expect(centre.batches).toHaveLength(2);
  });

  test("of a machine nobody has enrolled: the clerk reads so and is not asked to sign in; they go up when it is", async () => {
    credential.token = null;
    isEnrolled = false;
    await record(2);
    outbox.start();
    await until("a sentence is shown", () => statuses.at(-1)?.message);
    expect(statuses.at(-1)?.message).toEqual(sendingSentences.notEnrolled);
    expect(journal.figures).toMatchObject({ unsent: 2, quarantined: 0 });
    isEnrolled = true;
    credential.token = "token-1";
    outbox.retryNow();
    await drained();
  });

  test("of an enrolled machine without a network wait for the network, not for somebody to sign in", async () => {
    credential.token = null;
    credential.probe = () => Promise.resolve(false);
    await record(1);
    outbox.start();
    await until("a sentence is shown", () => statuses.at(-1)?.message);
    expect(statuses.at(-1)).toEqual({ online: false, message: sendingSentences.unreachable });
  });

  test("with nobody signed in nothing is sent and nothing is lost", async () => {
    credential.token = null;
    await record(2);
    outbox.start();
    await until("the sentence is shown", () => statuses.at(-1)?.message?.en.includes("sign in"));
    expect(centre.batches).toHaveLength(0);
    credential.token = "token-1";
    outbox.retryNow();
    await drained();
  });
});

test("a centre that stores nothing and asks to retry everything is not flooded", async () => {
  await record(3);
  centre.script = ({ entries }, answer) =>
    answer.json(200, {
      batch_id: "01900000-0000-7000-8000-0000000000bb",
      results: entries.map(({ id }) => ({ id, status: "retry" })),
      high_water: { seq: 0 },
    });
  const from = performance.now();
  outbox.start();
  await until("two seconds have passed", () => performance.now() - from > 2_000);
  expect(centre.batches.length).toBeLessThanOrEqual(3);
  expect(journal.figures.unsent).toBe(3);
});

test("a centre that holds back row after row is waited for before the list of them grows without end", async () => {
  for (let round = 0; round < 56; round += 1) await record(100);
  const looks = vi.spyOn(journal, "nextBatch");
  centre.script = ({ entries }, answer) => {
    const results = entries.map((entry, index) =>
      index === 0 ? answer.store(entry) : { id: entry.id, status: "retry", retry_after_s: 3_600 },
    );
    answer.json(200, { batch_id: "01900000-0000-7000-8000-0000000000bb", results, high_water: { seq: 1 } });
  };
  outbox.start();
  await until("five thousand are held", () => journal.figures.unsent === 5_600 - 26);
  const from = performance.now();
  await until("half a second of nudges has passed", () => {
    outbox.nudge();
    return performance.now() - from > 500;
  });
  expect(centre.batches).toHaveLength(26);
  expect(Math.max(...looks.mock.calls.map(([, skip]) => skip.length))).toBeLessThan(5_200);
});

test.each(["probe", "renew"] as const)("stopping does not wait for a credential whose %s hangs", async (which) => {
  await record(1);
  let hangs = false;
  const hang = (): Promise<never> => {
    hangs = true;
    return new Promise(() => {});
  };
  credential[which] = hang;
  if (which === "probe") credential.token = null;
  centre.script = (_, answer) => answer.problem(401, "invalid_token");
  outbox.start();
  await until("it hangs", () => hangs);
  await outbox.stop();
  expect(journal.figures.unsent).toBe(1);
});

test("stopping does not wait for a call that hangs", async () => {
  await record(1);
  centre.script = () => {};
  outbox.start();
  await until("the call hangs", () => centre.batches.length === 1);
  const from = performance.now();
  await outbox.stop();
  expect(performance.now() - from).toBeLessThan(5_000);
  expect(journal.figures.unsent).toBe(1);
});

test("patience: 429, 503 and 409 are waited out with Retry-After, then everything arrives", async () => {
  const ids = await record(2);
  const times: number[] = [];
  centre.script = (_, answer, count) => {
    times.push(performance.now());
    if (count === 1) return answer.problem(429, "rate_limited", { "Retry-After": "1" });
    if (count === 2) return answer.problem(503, "unavailable");
    if (count === 3) return answer.problem(409, "in_progress", { "Retry-After": "0" });
    answer.storeAll();
  };
  outbox.start();
  await drained();
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
  expect(centre.ledger).toEqual(ids);
});

test("a centre that is away and comes back gets everything once, without a restart", async () => {
  const ids = await record(3);
  await centre.down();
  outbox.start();
  await until("offline is shown", () => statuses.at(-1)?.online === false);
  await centre.up();
  await drained();
  expect(centre.ledger).toEqual(ids);
  expect(statuses.at(-1)).toEqual({ online: true, message: null });
});

test("after failures batches are small and grow as they get through", async () => {
  const ids = await record(450);
  centre.script = (_, answer, count) => {
    if (count <= 2) return answer.cut();
    if (count === 3) return answer.problem(503, "unavailable");
    answer.storeAll();
  };
  outbox.start();
  await drained();
  const sizes = centre.batches.map((batch) => batch.entries.length);
  expect(sizes).toEqual([200, 50, 12, 10, 20, 40, 80, 160, 140]);
  expect(centre.ledger).toEqual(ids);
});

test.each([404, 405, 410, 415, 426])(
  "%i is a fault of version or address: every row is held, nothing repeated",
  async (status) => {
    await record(3);
    centre.script = (_, answer) => answer.problem(status, "not_found");
    outbox.start();
    await until("the technician is asked for", () => statuses.at(-1)?.message?.en.includes("call the technician"));
    const from = performance.now();
    outbox.nudge();
    await until("a second has passed", () => performance.now() - from > 1_000);
    expect(centre.batches).toHaveLength(1);
    expect(journal.figures).toMatchObject({ unsent: 3, quarantined: 0 });
    centre.script = (_, answer) => answer.storeAll();
    outbox.retryNow();
    await drained();
  },
);

test("an absurd wait for one item, or for all, neither stops nor floods the rest", async () => {
  const [odd, ...others] = await record(4);
  let absurd: unknown = -3;
  centre.script = ({ entries }, answer) => {
    const results = entries.map((entry) =>
      entry.id === odd ? { id: odd, status: "retry", retry_after_s: absurd } : answer.store(entry),
    );
    answer.json(200, { batch_id: "01900000-0000-7000-8000-0000000000bb", results, high_water: { seq: 4 } });
  };
  outbox.start();
  await until("the others are stored", () => journal.figures.unsent === 1);
  expect(centre.ledger).toEqual(others);
  absurd = 1e300;
  const before = centre.batches.length;
  await until("it was asked once more", () => centre.batches.length === before + 1, 20_000);
  const from = performance.now();
  await until("a second has passed", () => performance.now() - from > 1_000);
  expect(centre.batches).toHaveLength(before + 1);
});

test("a certificate out of its time says what is wrong: this machine's clock where that is impossible, else the network", async () => {
  const trusted = tls.getCACertificates("default");
  const ours = authority(folder.path);
  tls.setDefaultCACertificates([...trusted, ours.ca]);
  const yesterday = Date.now() - 24 * 3_600_000;
  const server = createServer(ours.issue("127.0.0.1", yesterday - 3_600_000, yesterday));
  try {
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    outbox = outboxTo(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await record(1);
    outbox.start();
    await until("the network is named", () => statuses.at(-1)?.message?.en.includes("wifi"));
    clockIsWrong = true;
    outbox.retryNow();
    await until("the clock is named", () => statuses.at(-1)?.message?.en.includes("set the clock right"), 20_000);
    expect(journal.figures).toMatchObject({ unsent: 1, quarantined: 0 });
  } finally {
    await outbox.stop();
    server.close();
    tls.setDefaultCACertificates(trusted);
  }
});

test("a damaged row is set aside and the others are sent", async () => {
  const ids = await record(3);
  const database = new Database(path.join(folder.path, "journal.db"));
  database.exec("UPDATE entry SET direction = 'out' WHERE seq = 2");
  database.close();
  outbox.start();
  await drained();
  expect(centre.ledger).toEqual([ids[0], ids[2]]);
  expect(journal.figures.quarantined).toBe(1);
});
