import { createHash, randomUUID } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import path from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { dataKeysFile } from "../agent/journal/data-keys.ts";
import { JournalStore } from "../agent/journal/store.ts";
import { loadStationKeys } from "../provisioning/secrets.ts";
import { authority, today } from "../testing/certificates.ts";
import { draft } from "../testing/drafts.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { freePort } from "../testing/free-port.ts";
import { makeOwner } from "../testing/owner.ts";
import { type Running, runTram, startTram } from "../testing/program.ts";
import { createPtyDevice, type PtyDevice } from "../testing/pty.ts";
import { checkUp } from "../testing/station-checkup.ts";
import { until } from "../testing/until.ts";

// Each look is two programs; on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 180_000 });

/** One station in order, as `tram start` makes it: agent and centre are real, its reader is a pseudo-terminal. */
let folder: ReturnType<typeof temporaryFolder>;
let reader: PtyDevice;
let good: Running;
let data: string;
/** Its folder as it was after a stop: no agent runs over a copy of it. */
let stopped: string;
const card = "079098000017||NGUYỄN THỊ KÍN ĐÁO|01011998|Nữ|Số 7 Ngõ Kín|01012022";

beforeAll(async () => {
  folder = temporaryFolder();
  reader = await createPtyDevice();
  data = path.join(folder.path, "data");
  const start = () =>
    startTram(
      "start",
      "--data",
      data,
      "--no-window",
      "--json",
      "--central-port",
      "0",
      "--kiosk-port",
      "0",
      "--reader",
      `serial:${reader.path}`,
    );
  good = start();
  await good.line("ready", undefined, 120_000);
  await reader.write(Buffer.from(`${card}\r`));
  await good.line("scan", (line) => line.verdict === "accept");
  await sent();
  await good.end("SIGTERM");
  stopped = path.join(folder.path, "stopped");
  cpSync(data, stopped, { recursive: true });
  good = start();
  await good.line("ready", undefined, 120_000);
  // Its own centre is there, its port is free and its reader is not that of the one that runs.
  chmodSync(stopped, 0o700);
  cpSync(config(idle), path.join(stopped, "agent.json"));
}, 240_000);
afterAll(async () => {
  await good?.[Symbol.asyncDispose]();
  await reader?.[Symbol.asyncDispose]();
  folder?.[Symbol.dispose]();
});

const idle = { readers: [], kioskPort: 0 };

const copyOfStopped = (): string => {
  const copy = path.join(folder.path, randomUUID());
  cpSync(stopped, copy, { recursive: true });
  chmodSync(copy, 0o700);
  return copy;
};

/** The station's configuration with changes, in a file of its own. */
function config(change: Record<string, unknown>): string {
  const file = path.join(folder.path, `${randomUUID()}.json`);
  const known = JSON.parse(readFileSync(path.join(data, "agent.json"), "utf8")) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...known, ...change }));
  return file;
}

const sent = () =>
  until(
    "everything sent",
    async () => {
      const seen = await checkUp(data);
      return seen.said("journal.unsent").startsWith("Nothing waits") ? seen : undefined;
    },
    60_000,
  );

describe("a station in order", () => {
  test("is called good, with every area looked at, for people and for programs", async () => {
    const look = await sent();
    expect(look.found("fail")).toEqual([]);
    expect(look.found("unknown")).toEqual([]);
    expect(look.report.verdict).toBe("good");
    expect(look.code).toBe(0);
    for (const name of [
      "agent.running",
      "journal.sound",
      "keys.station",
      "network.centre",
      "clock.offset",
      "duty.present",
      "readers.reader",
      "page.port",
      "log.ends",
      "config.file",
    ]) {
      expect(look.found("ok"), name).toContain(name);
    }
    expect(look.said("readers.reader")).toMatch(/is ready; never tested \("tram readers --test"\)/);
    expect(look.said("agent.running")).toMatch(/^The agent runs \(process \d+, since 20\d\d-/);
    const text = await runTram(["doctor", "--data", data]);
    expect(text.code).toBe(0);
    expect(text.err).toBe("");
    const lines = text.out.trimEnd().split("\n");
    expect(lines).toHaveLength(look.report.findings.length + 1);
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/^(ok {2}|warn|FAIL|\?{4}) {2}[a-z]+ +\S/);
    expect(lines.at(-1)).toMatch(/^The station works: 0 failed, \d+ to look after, 0 cannot be told\.$/);
  });

  test("tells nobody's name, number, phone, code, token or key", async () => {
    const texts = await Promise.all([
      runTram(["doctor", "--data", data]),
      runTram(["doctor", "--data", data, "--json"]),
      runTram(["doctor", "--data", copyOfStopped()]),
    ]);
    const said = texts.map(({ out, err }) => out + err).join("\n");
    const demo = JSON.parse(readFileSync(path.join(data, "demo.json"), "utf8")) as Record<string, unknown>;
    const phones = Object.values(demo).filter((value) => /^0\d{9}$/.test(String(value)));
    expect(phones.length).toBeGreaterThan(0);
    const key = readFileSync(path.join(data, "station.key"));
    const canaries = [
      "KÍN ĐÁO",
      "079098000017",
      "Ngõ Kín",
      "01011998",
      ...phones.map(String),
      readFileSync(path.join(data, "screen.token"), "utf8").trim(),
      key.toString("hex"),
      key.toString("base64"),
      ...good.lines.flatMap((line) => (line.event === "otp" ? [String(line.code)] : [])),
    ];
    for (const canary of canaries) expect(said).not.toContain(canary);
  });

  test("is not changed by a look, with or without an agent", async () => {
    const copy = copyOfStopped();
    const before = contents(copy);
    await checkUp(copy);
    const after = contents(copy);
    // SQLite needs its log and index to read; they are empty when there were none.
    expect(after.get("journal.db-wal") ?? "").toBe(before.get("journal.db-wal") ?? sha256(Buffer.alloc(0)));
    for (const name of ["journal.db-wal", "journal.db-shm"]) for (const map of [before, after]) map.delete(name);
    expect([...after]).toEqual([...before]);
    expect((await checkUp(data)).code).toBe(0);
  });
});

function contents(of: string): Map<string, string> {
  const files = readdirSync(of, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const named = files.map((one) => path.join(one.parentPath, one.name)).toSorted();
  return new Map(named.map((file) => [path.relative(of, file), `${sha256(readFileSync(file))}`]));
}
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("a running station with one fault", () => {
  test("others may look into the folder", async () => {
    chmodSync(data, 0o755);
    try {
      const look = await checkUp(data);
      expect(look.found("fail")).toEqual(["folder.rights"]);
      expect(look.said("folder.rights")).toContain(`-> Run "chmod 700 ${data}".`);
      expect(look.code).toBe(1);
    } finally {
      chmodSync(data, 0o700);
    }
  });

  test("others may read the station's key, or the token of its page", async () => {
    const key = path.join(data, "station.key");
    const token = path.join(data, "screen.token");
    chmodSync(key, 0o644);
    chmodSync(token, 0o640);
    try {
      const look = await checkUp(data);
      expect(look.found("fail")).toEqual(["keys.station", "page.token"]);
      expect(look.said("keys.station")).toMatch(/mode 0644.*-> Run "chmod 400 /);
      expect(look.said("page.token")).toContain("screen.token");
    } finally {
      chmodSync(key, 0o400);
      chmodSync(token, 0o600);
    }
  });

  test.runIf(process.getuid?.() === 0)("a command was run by another user and left its file", async () => {
    const file = path.join(data, "left-behind");
    writeFileSync(file, "");
    chownSync(file, 65_534, 65_534);
    try {
      const look = await checkUp(data);
      expect(look.found("fail")).toEqual(["folder.owner"]);
      expect(look.said("folder.owner")).toMatch(/left-behind.*chown -R/);
    } finally {
      rmSync(file);
    }
  });

  test("each mistake of the configuration is named", async () => {
    const file = config({ readerz: [], kioskPort: 99_999, gate: { rescanS: "three" } });
    const look = await checkUp(data, ["--config", file]);
    expect(look.found("fail")).toEqual(["config.value"]);
    expect(look.said("config.value")).toMatch(/kioskPort/);
    expect(look.said("config.value")).toMatch(/gate\.rescanS/);
    expect(look.said("config.value")).toMatch(/does not know the key readerz/);
    const cut = path.join(folder.path, "cut.json");
    writeFileSync(cut, '{\n  "dataDir": "/x",\n  "central": \n');
    expect((await checkUp(data, ["--config", cut])).said("config.file")).toMatch(/is not JSON/);
    const none = await checkUp(data, ["--config", path.join(folder.path, "none.json")]);
    expect(none.said("config.file")).toMatch(/cannot be read.*-> Check the path/);
    const relay = config({ gate: { relays: ["lcus:/dev/ttyUSB9?chanel=1"] } });
    expect((await checkUp(data, ["--config", relay])).said("config.value")).toMatch(/chanel/);
  });

  test("a configured reader is not there, or is unplugged while it runs", async () => {
    const file = config({ readers: ["serial:/dev/ttyTRAM7"] });
    const look = await checkUp(data, ["--config", file]);
    expect(look.found("fail")).toEqual(["readers.reader"]);
    expect(look.said("readers.reader")).toMatch(/serial:\/dev\/ttyTRAM7 is not there\. -> Plug it in/);
    await reader.unplug();
    try {
      const unplugged = await checkUp(data);
      expect(unplugged.found("fail")).toEqual(["readers.reader"]);
      expect(unplugged.said("readers.reader")).toContain(reader.path);
    } finally {
      await reader.replug();
    }
    await until("it reads again", async () => (await checkUp(data)).code === 0, 60_000);
  });

  test("it stands still", async () => {
    const { pid } = JSON.parse(readFileSync(path.join(data, "agent.run.json"), "utf8")) as { pid: number };
    process.kill(pid, "SIGSTOP");
    try {
      const look = await checkUp(data);
      expect(look.found("fail")).toEqual(["agent.running"]);
      expect(look.said("agent.running")).toMatch(new RegExp(`process ${pid}.*does not answer.*"kill ${pid}"`));
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until("it answers again", async () => (await checkUp(data)).code === 0, 120_000);
  });

  test("it crashed before: the log tells", async () => {
    const copy = copyOfStopped();
    const log = path.join(copy, "log", "agent.log");
    const lines = readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => !line.includes("agent.stopped"));
    writeFileSync(log, lines.join("\n"));
    const look = await checkUp(copy);
    expect(look.found("warn")).toContain("log.ends");
    expect(look.said("log.ends")).toMatch(/ended 1 time without saying so, the last time about 20\d\d-/);
    expect((await checkUp(stopped)).found("warn")).not.toContain("log.ends");
  });
});

describe("the way to the centre", () => {
  const host = "localhost";
  let certificates: ReturnType<typeof authority>;
  let trust: NodeJS.ProcessEnv;
  const servers: Server[] = [];
  beforeAll(() => {
    const where = path.join(folder.path, "authority");
    mkdirSync(where);
    certificates = authority(where);
    const file = path.join(where, "trusted.pem");
    writeFileSync(file, certificates.ca);
    trust = { ...process.env, NODE_EXTRA_CA_CERTS: file };
  });
  afterAll(() => {
    for (const server of servers) server.close();
  });

  async function listening(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }
  const https = async (certificate: { key: string; cert: string }): Promise<string> => {
    const port = await listening(createHttps(certificate, ourCentre(0)));
    return `https://${host}:${port}`;
  };
  /** As our centre answers, its clock `aheadMs` ahead. */
  const ourCentre =
    (aheadMs: number): RequestListener =>
    (request, response) => {
      response.writeHead(200, {
        "content-type": "application/json",
        "x-request-id": request.headers["x-request-id"] ?? "",
        date: new Date(Date.now() + aheadMs).toUTCString(),
      });
      response.end(JSON.stringify({ set_version: 1, keys: [] }));
    };
  const look = (central: string, env?: NodeJS.ProcessEnv) => checkUp(data, ["--config", config({ central })], env);

  test("no such name", async () => {
    const seen = await look("https://khong-co.invalid");
    expect(seen.found("fail")).toEqual(["network.dns"]);
    expect(seen.said("network.dns")).toMatch(/^khong-co\.invalid is not found: .*->/);
    // Without the centre nobody can say how right the clock is.
    expect(seen.found("unknown")).toEqual(["clock.offset"]);
    expect(seen.code).toBe(1);
  });

  test("nothing listens", async () => {
    const seen = await look(`http://127.0.0.1:${await freePort()}`);
    expect(seen.found("fail")).toEqual(["network.tcp"]);
    expect(seen.said("network.tcp")).toMatch(/nothing listens there \(ECONNREFUSED\)/);
  });

  test("a certificate that has ended, is somebody else's, is trusted by nobody, or ends soon", async () => {
    const dayMs = 24 * 3_600_000;
    const ended = await look(
      await https(certificates.issue(host, Date.now() - 9 * dayMs, Date.now() - 2 * dayMs)),
      trust,
    );
    expect(ended.found("fail")).toEqual(["network.tls"]);
    expect(ended.said("network.tls")).toMatch(
      /no more valid: for localhost, by Test authority, 20.* to 20.*clock of this machine/,
    );
    const other = await look(await https(certificates.issue("portal.example", ...today())), trust);
    expect(other.said("network.tls")).toMatch(/belongs to somebody else: for portal\.example.*captive portal/);
    const stranger = await look(await https(certificates.issue(host, ...today())));
    expect(stranger.said("network.tls")).toMatch(/nobody this machine trusts \(UNABLE_TO/);
    const soon = await look(await https(certificates.issue(host, ...today())), trust);
    expect(soon.found("fail")).toEqual([]);
    expect(soon.said("network.tls")).toMatch(/ends in \d+ h: .*-> Tell the centre's operator/);
    expect(soon.said("network.centre")).toMatch(/answers in \d+ ms/);
    const plain = `https://${host}:${await listening(createHttp(ourCentre(0)))}`;
    expect((await look(plain)).said("network.tls")).toMatch(/does not speak TLS/);
  });

  test("a captive portal: a page, or a redirect", async () => {
    const page = await listening(
      createHttp((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Wi-Fi</h1>")),
    );
    const seen = await look(`http://127.0.0.1:${page}`);
    expect(seen.found("fail")).toEqual(["network.centre"]);
    expect(seen.said("network.centre")).toMatch(/Something else answers.*captive portal.*sign in/);
    const redirect = await listening(
      createHttp((_, response) => response.writeHead(302, { location: "http://portal.example/" }).end()),
    );
    expect((await look(`http://127.0.0.1:${redirect}`)).said("network.centre")).toMatch(/redirect 302/);
  });

  test("a server that takes the connection and says nothing", async () => {
    const port = await listening(createServer(() => {}));
    expect((await look(`http://127.0.0.1:${port}`)).said("network.centre")).toMatch(
      /does not answer \(no complete answer in time\)/,
    );
  });

  test("a clock that is wrong by hours, or by a minute", async () => {
    const behind = await listening(createHttp(ourCentre(3 * 3_600_000)));
    const seen = await look(`http://127.0.0.1:${behind}`);
    expect(seen.found("fail")).toEqual(["clock.offset"]);
    expect(seen.said("clock.offset")).toMatch(/3 h behind the centre's.*timedatectl/);
    const ahead = await listening(createHttp(ourCentre(-70_000)));
    expect((await look(`http://127.0.0.1:${ahead}`)).found("warn")).toContain("clock.offset");
  });
});

describe("a station whose agent does not run", () => {
  test("says so, looks at the rest, and knows whether it was ended or killed", async () => {
    const copy = copyOfStopped();
    const ended = await checkUp(copy);
    expect(ended.found("fail")).toEqual(["agent.running"]);
    expect(ended.said("agent.running")).toMatch(/^No agent runs: nothing is recorded\. -> Start it/);
    expect(ended.found("ok")).toEqual(expect.arrayContaining(["journal.open", "journal.sound", "keys.station"]));
    writeFileSync(path.join(copy, "agent.run.json"), JSON.stringify({ pid: 1, port: 1, token: "x" }), { mode: 0o600 });
    expect((await checkUp(copy)).said("agent.running")).toMatch(/killed or lost its power/);
  });

  /** A fault done to a stopped station, what fails beside the agent, and what is said. */
  const faults: Record<
    string,
    { break: (copy: string) => void; fails?: string[]; warns?: string[]; says: [string, RegExp] }
  > = {
    "no station key": {
      break: (copy) => rmSync(path.join(copy, "station.key")),
      fails: ["keys.station", "journal.open", "journal.sound"],
      says: ["keys.station", /station\.key is missing.*-> Put the key file back from your backup/],
    },
    "a damaged station key": {
      break: (copy) => rewrite(path.join(copy, "station.key"), Buffer.alloc(7)),
      fails: ["keys.station", "journal.open", "journal.sound"],
      says: ["keys.station", /damaged \(7 bytes instead of 32\)/],
    },
    "a row that was changed": {
      break: (copy) => tamper(copy, "UPDATE entry SET direction = iif(direction = 'in', 'out', 'in') WHERE seq = 1"),
      fails: ["journal.sound"],
      says: ["journal.sound", /Row 1 was changed: its seal does not verify\..*call support/],
    },
    "a file that is no database": {
      break: (copy) => {
        const file = path.join(copy, "journal.db");
        rewrite(file, readFileSync(file).fill(0xff, 0, 4096));
      },
      fails: ["journal.open", "journal.sound"],
      says: ["journal.open", /damaged or not a journal.*-> Keep the whole folder/],
    },
    "no journal": {
      break: (copy) => {
        for (const name of ["journal.db", "journal.db-wal", "journal.db-shm"])
          rmSync(path.join(copy, name), { force: true });
      },
      fails: ["journal.open"],
      says: ["journal.open", /The journal is gone/],
    },
    "entries that wait for days": {
      break: (copy) =>
        withJournal(copy, (journal) => void journal.append(draft(1, { wallMs: Date.now() - 3 * 86_400_000 }))),
      warns: ["journal.unsent"],
      says: ["journal.unsent", /1 entry waits to be sent, the oldest since 20.* \(3 days\)\. -> Nothing is lost/],
    },
    "an entry the centre refused": {
      break: (copy) =>
        withJournal(copy, (journal) => journal.quarantine({ id: journal.append(draft(2)).id }, "validation", 1)),
      warns: ["journal.quarantine"],
      says: ["journal.quarantine", /The centre refused 1 entry; kept here\. -> .*tram journal list/],
    },
    "an id the centre knows of another": {
      break: (copy) =>
        withJournal(copy, (journal) => journal.quarantine({ id: journal.append(draft(3)).id }, "id_conflict", 1)),
      fails: ["journal.conflicts"],
      says: ["journal.conflicts", /second machine that runs with a copy/],
    },
    "a damaged journal put aside": {
      break: (copy) => mkdirSync(path.join(copy, "journal.set-aside", "2026-03-02T06-00-00"), { recursive: true }),
      warns: ["journal.set-aside"],
      says: ["journal.set-aside", /1 damaged journal lies in journal\.set-aside/],
    },
    "a copy of the keys gone": {
      break: (copy) => rmSync(path.join(copy, dataKeysFile)),
      fails: ["journal.sound"],
      says: ["journal.sound", /in data-keys\.json is missing/],
    },
  };
  test.each(Object.keys(faults))("%s", async (what) => {
    const fault = faults[what];
    if (!fault) throw new Error(what);
    const copy = copyOfStopped();
    fault.break(copy);
    const look = await checkUp(copy);
    expect(look.found("fail")).toEqual(["agent.running", ...(fault.fails ?? [])]);
    expect(look.found("warn")).toEqual(expect.arrayContaining(fault.warns ?? []));
    expect(look.said(fault.says[0])).toMatch(fault.says[1]);
    expect(look.code).toBe(1);
    if (fault.warns) expect((await checkUp(stopped)).found("warn")).not.toEqual(expect.arrayContaining(fault.warns));
  });

  test("the port of its page is another program's", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const look = await checkUp(copyOfStopped(), ["--config", config({ ...idle, kioskPort: port })]);
      expect(look.found("fail")).toEqual(["agent.running", "page.port"]);
      expect(look.said("page.port")).toContain(`sport = :${port}`);
    } finally {
      other.close();
    }
  });

  test("the owner's key is the private one, or forgets to be there", async () => {
    const owner = await makeOwner(folder.path, "doctor-owner");
    const journal = (ownerKey: string) => ["--config", config({ ...idle, journal: { ownerKey } })];
    const wrong = await checkUp(copyOfStopped(), journal(owner.privateFile));
    expect(wrong.found("fail")).toEqual(["agent.running", "keys.owner"]);
    expect(wrong.said("keys.owner")).toMatch(/private key.*-> Take it off this machine/);
    expect((await checkUp(copyOfStopped(), journal(owner.publicFile))).said("keys.owner")).toContain(
      owner.publicKey.fingerprint,
    );
    expect((await checkUp(copyOfStopped())).said("journal.owner-key")).toMatch(/No owner key/);
  });

  test.runIf(existsSync("/dev/shm"))("its folder forgets", async () => {
    const volatile = `/dev/shm/tram-doctor-${randomUUID()}`;
    cpSync(stopped, volatile, { recursive: true });
    chmodSync(volatile, 0o700);
    try {
      const look = await checkUp(volatile, ["--config", config({ ...idle, demo: false })]);
      expect(look.found("fail")).toEqual(["folder.lasting", "agent.running"]);
      expect(look.said("folder.lasting")).toMatch(/tmpfs, which forgets everything at power-off/);
    } finally {
      rmSync(volatile, { recursive: true, force: true });
    }
  });
});

test("a folder that is not there, is a file, or belongs to somebody else", async () => {
  const missing = await checkUp(path.join(folder.path, "none"));
  expect(missing.found("fail")).toEqual(["folder.there"]);
  expect(missing.code).toBe(1);
  const file = path.join(folder.path, "a-file");
  writeFileSync(file, "");
  expect((await checkUp(file)).said("folder.there")).toMatch(/is a file, no folder/);
});

function tamper(copy: string, sql: string): void {
  const database = new Database(path.join(copy, "journal.db"));
  database.exec(sql);
  database.close();
}

function rewrite(file: string, bytes: Uint8Array): void {
  const { mode } = statSync(file);
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
  chmodSync(file, mode & 0o777);
}

function withJournal(copy: string, work: (journal: JournalStore) => void): void {
  const journal = new JournalStore(
    path.join(copy, "journal.db"),
    loadStationKeys(path.join(copy, "station.key"), false),
  );
  work(journal);
  journal.close();
}
