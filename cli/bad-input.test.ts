import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/folder.ts";
import { jsonLines, runTram, startTram } from "../testing/program.ts";
import { createPtyDevice } from "../testing/pty.ts";
import { until } from "../testing/until.ts";
import { type AgentClient, connectToAgent } from "./agent-client.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

const checkpointId = "01900000-0000-7000-8000-000000000001";
const card = "079098000001|024123456|NGUYỄN VĂN A|01011998|Nam|Số 1 Đường ABC|01012022";

/** A configuration in a fresh folder; nothing answers at its centre, and no reader of this machine is taken. */
function config(change: Record<string, unknown> = {}): string {
  const dataDir = path.join(folder.path, "data");
  const file = path.join(folder.path, "agent.json");
  writeFileSync(
    file,
    JSON.stringify({
      dataDir,
      central: "http://127.0.0.1:9",
      checkpointId,
      readers: [],
      kioskPort: 0,
      demo: true,
      ...change,
    }),
  );
  return file;
}

const dataDir = () => path.join(folder.path, "data");

/** One line, one sentence, no stack, exit code 1. */
async function expectSentence(args: readonly string[], sentence: RegExp): Promise<void> {
  const { code, err } = await runTram(args);
  expect(err).toMatch(sentence);
  expect(
    err
      .trim()
      .split("\n")
      .filter((line) => line.startsWith("tram: ")),
  ).toHaveLength(1);
  expect(err).not.toMatch(/\n\s+at /);
  expect(code).toBe(1);
}

describe("a configuration", () => {
  test("that is missing, not JSON, or has a wrong key or value says which and what to do", async () => {
    await expectSentence(["agent", "--config", path.join(folder.path, "none.json")], /cannot be read.*check the path/);
    const broken = path.join(folder.path, "broken.json");
    writeFileSync(broken, "{ dataDir: ");
    await expectSentence(["agent", "--config", broken], /is not JSON.*correct the file/);
    await expectSentence(
      ["agent", "--config", config({ raeders: [] })],
      /does not know the key raeders \(known: .*readers/,
    );
    await expectSentence(["agent", "--config", config({ kioskPort: "many" })], /bad value at "kioskPort"/);
    await expectSentence(["agent", "--config", config({ central: "http://centre.example" })], /must start with https/);
    await expectSentence(["agent", "--config", config({ readers: ["serial:/dev/ttyACM0?direction=up"] })], /direction/);
    await expectSentence(["agent", "--config", config({ readers: ["carrier-pigeon:x"] })], /carrier-pigeon/);
    await expectSentence(["agent", "--config", config({ readers: ["auto", "auto?direction=in"] })], /"auto" twice/);
    expect(existsSync(path.join(dataDir(), "journal.db"))).toBe(false);
  });
});

describe("a data folder", () => {
  test("whose place is taken by a file is refused with the way out", async () => {
    writeFileSync(dataDir(), "not a folder");
    await expectSentence(["agent", "--config", config()], /cannot be written.*a file stands in its place.*--data/);
  });

  test("that cannot be written, even by root, is refused with the way out", async () => {
    await expectSentence(
      ["agent", "--config", config({ dataDir: "/sys/tram-data" })],
      /cannot be written \((permission denied|read-only file system)\).*--data/,
    );
  });

  test("on a file system that forgets is refused for a gate and warned about for a demonstration", async () => {
    const volatile = `/dev/shm/tram-test-${process.pid}`;
    try {
      await expectSentence(
        ["agent", "--config", config({ dataDir: volatile, demo: false })],
        /on tmpfs.*choose a folder on a local disk/,
      );
      await using agent = startTram("agent", "--json", "--config", config({ dataDir: volatile }));
      await agent.line("ready");
      expect(agent.errors()).toMatch(/tmpfs, which forgets/);
    } finally {
      rmSync(volatile, { recursive: true, force: true });
    }
  });

  test("already owned by a running agent is refused, and the owner goes on", async () => {
    await using owner = startTram("agent", "--json", "--config", config());
    await owner.line("ready");
    await expectSentence(["agent", "--config", config()], /already used by another running agent/);
    expect((await runTram(["scan", card, "--data", dataDir()])).out).toMatch(/VÀO/);
  });

  test("of a demonstration serves one start at a time and never a real centre; nothing of the first is touched", async () => {
    const args = ["start", "--no-window", "--json", "--data", dataDir(), "--central-port", "0", "--kiosk-port", "0"];
    {
      await using system = startTram(...args);
      await system.line("ready");
      const before = readFileSync(path.join(dataDir(), "agent.json"), "utf8");
      expect(JSON.parse(before)).toMatchObject({ readers: ["auto"] });
      await expectSentence(args, /already used by another running "tram start"/);
      expect(readFileSync(path.join(dataDir(), "agent.json"), "utf8")).toBe(before);
      expect((await runTram(["scan", card, "--data", dataDir()])).out).toMatch(/VÀO/);
    }
    await expectSentence([...args, "--central", "https://centre.example"], /holds the demonstration; choose another/);
    await expectSentence([...args, "--camera-file", "clip.mp4"], /clip\.mp4 .* ending in \.y4m or \.mjpeg/);
    await expectSentence([...args, "--camera-file", "none.y4m"], /none\.y4m is not there: correct the path/);
    const agentFile = path.join(dataDir(), "agent.json");
    const mine = { gate: { rescanS: 5 }, indication: { beepBad: false }, capture: { camera: "always" } };
    writeFileSync(agentFile, JSON.stringify({ ...JSON.parse(readFileSync(agentFile, "utf8")), ...mine }));
    {
      await using system = startTram(...args);
      await system.line("ready");
      expect(JSON.parse(readFileSync(agentFile, "utf8"))).toMatchObject(mine);
    }
    writeFileSync(agentFile, "{ mine");
    await expectSentence(args, /agent\.json is not JSON.*correct the file/);
  });

  test("whose key is gone keeps its rows: no new key is made over them", async () => {
    {
      await using agent = startTram("agent", "--json", "--config", config());
      await agent.line("ready");
      await runTram(["scan", card, "--data", dataDir()]);
    }
    const key = path.join(dataDir(), "station.key");
    renameSync(key, `${key}.away`);
    await expectSentence(["agent", "--config", config()], /key .* is missing.*put the key file back/);
    expect(existsSync(key)).toBe(false);
    renameSync(`${key}.away`, key);
    const rows = jsonLines((await runTram(["journal", "list", "--json", "--data", dataDir()])).out);
    expect(rows).toMatchObject([{ seq: 1, state: "unsent" }]);
  });
});

test("a port in use is named for the kiosk page and for the centre", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  try {
    await expectSentence(["agent", "--config", config({ kioskPort: port })], new RegExp(`Port ${port} .*kiosk-port`));
    const database = `sqlite:${path.join(folder.path, "central.db")}`;
    await expectSentence(
      ["central", "--port", String(port), "--database", database],
      new RegExp(`Port ${port} .*in use`),
    );
    await expectSentence(["central", "--port", "70000", "--database", database], /--port takes a port/);
    await expectSentence(
      ["start", "--no-window", "--data", dataDir(), "--central-port", String(port)],
      new RegExp(`Port ${port} .*in use`),
    );
  } finally {
    taken.close();
  }
});

test("commands without an agent, without a journal or with an empty payload say what to do", async () => {
  await expectSentence(["scan", card, "--data", folder.path], /No agent runs over .*npm start/);
  await expectSentence(["journal", "list", "--data", folder.path], /There is no journal in/);
  await expectSentence(["scan", "", "--data", folder.path], /payload is empty/);
  const unknown = await runTram(["fly"]);
  expect(unknown.err).toMatch(/unknown command 'fly'/);
  expect(unknown.code).not.toBe(0);
});

test("a payload of every foreign kind gets one sentence in both languages, and the next person is read", async () => {
  await using agent = startTram("agent", "--json", "--config", config());
  await agent.line("ready");
  const foreign: [string, RegExp][] = [
    ["https://kbyt.khambenh.gov.vn/qr/00000000-0000-4000-8000-000000000001", /mã của địa điểm/],
    ["https://kbyt.khambenh.gov.vn/#tokhai_yte/ketqua?id=00000000-0000-4000-8000-000000000000", /khai báo y tế cũ/],
    ["https://example.com/menu", /không phải mã cá nhân/],
    ["00020101021238570010A000000727012700069704220113000000000000802", /không phải mã cá nhân/],
    ["WIFI:T:WPA;S:mau;P:mau;;", /không phải mã cá nhân/],
    ["HC1:NCF0000PLACEHOLDER0000", /hỏng hoặc đọc sai/],
    ["079098000001|024123456|NGUYỄN VĂN A|3102", /chưa hết|hỏng/],
    ["079098000001|024123456|NGUYỄN VĂN A|31021998|Nam|Số 1|01012022", /không thể có thật/],
    ["\u001b[2J\u0000\u0007", /không phải mã cá nhân/],
    ["'; DROP TABLE entry; --", /không phải mã cá nhân/],
    ['{"__proto__":{"admin":true}}', /không phải mã cá nhân/],
    ["=cmd|' /C calc'!A0", /không phải mã cá nhân/],
  ];
  for (const [payload, sentence] of foreign) {
    const base64 = Buffer.from(payload).toString("base64");
    const { out, code } = await runTram(["scan", base64, "--base64", "--data", dataDir()]);
    expect(out, payload).toMatch(sentence);
    expect(out.trim().split("\n"), payload).toHaveLength(2);
    expect(code).toBe(1);
  }
  const invalid = Buffer.concat([Buffer.from("079098000001|"), Buffer.from([0xff, 0xc3, 0x28])]).toString("base64");
  expect((await runTram(["scan", invalid, "--base64", "--data", dataDir()])).code).toBe(1);
  expect((await runTram(["scan", card, "--data", dataDir()])).out).toMatch(/Đã ghi: VÀO/);
  expect(jsonLines((await runTram(["journal", "list", "--json", "--data", dataDir()])).out)).toHaveLength(1);
});

describe("readers", () => {
  const readerState = (client: AgentClient, name: string, state: string) =>
    client.view(
      (view) => view.readers.find((reader) => reader.name === name && reader.state === state),
      15_000,
      `${name} ${state}`,
    );

  test("one missing, one pulled and one flooding harm only themselves, and the pulled one comes back", async () => {
    await using good = await createPtyDevice();
    await using loose = await createPtyDevice();
    const readers = [
      `serial:${good.path}?direction=in&name=good`,
      `serial:${loose.path}?direction=in&name=loose`,
      "serial:/dev/tram-no-such-port?name=missing",
    ];
    await using agent = startTram("agent", "--json", "--config", config({ readers }));
    await agent.line("ready");
    const client = await connectToAgent(dataDir());
    const missing = readerState(client, "missing", "fault");
    await Promise.all([readerState(client, "good", "ready"), readerState(client, "loose", "ready")]);
    expect((await missing).message?.vi).toMatch(/cắm lại/);

    await loose.write(Buffer.alloc(1_000_000, "x"));
    await good.write(`${card}\r`);
    await agent.line("scan", (line) => line.verdict === "accept");
    await loose.write("\r");
    await agent.line("scan", (line) => line.reason === "spoiled");
    await loose.write(`\r\n\r\n${card.replace("000001", "000002")}\r`);
    await until(
      "the flooding reader reads again",
      () => agent.lines.filter((line) => line.verdict === "accept").length === 2,
    );
    const refused = () => agent.lines.filter((line) => line.verdict === "refuse").length;
    const before = refused();
    await loose.write("rubbish\r".repeat(300));
    await until("each is answered", () => refused() >= before + 300, 30_000);
    const written = agent.errors().match(/"verdict":"refuse"/g)?.length ?? 0;
    expect(written).toBeLessThan(100);

    const pulled = readerState(client, "loose", "fault");
    await loose.write(card.slice(0, 20));
    await loose.unplug();
    expect((await pulled).message?.en).toMatch(/plug its cable in/);
    const back = readerState(client, "loose", "ready");
    await loose.replug();
    await back;
    await loose.write(`${card.replace("000001", "000003")}\r`);
    await until(
      "the replugged reader reads",
      () => agent.lines.filter((line) => line.verdict === "accept").length === 3,
    );
    client.close();
  });
});

test("a centre that answers HTML is not believed and nothing is lost", async () => {
  const portal = createHttp((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end("<html>Vui lòng đăng nhập wifi</html>");
  });
  await new Promise<void>((resolve) => portal.listen(0, "127.0.0.1", resolve));
  const { port } = portal.address() as { port: number };
  try {
    await using agent = startTram("agent", "--json", "--config", config({ central: `http://127.0.0.1:${port}` }));
    await agent.line("ready");
    await runTram(["scan", card, "--data", dataDir()]);
    const login = await runTram(["login", "0900000002", "--data", dataDir()]);
    expect(login.err).toMatch(/No connection, so signing in must wait/);
    expect(jsonLines((await runTram(["journal", "list", "--json", "--data", dataDir()])).out)).toMatchObject([
      { state: "unsent" },
    ]);
  } finally {
    portal.close();
  }
});

test("recognise answers every line, base64 or not, and names the bad one", async () => {
  const { out, code } = await runTram(["recognise"], `${card}\r\n\nnonsense\n`);
  expect(code).toBe(0);
  expect(jsonLines(out)).toMatchObject([
    { line: 1, kind: "cccd", form: "2021", fields: { fullName: "NGUYỄN VĂN A" }, repairs: [] },
    { line: 2, kind: "unknown" },
    { line: 3, kind: "unknown" },
  ]);
  const bad = await runTram(["recognise", "--base64"], `${Buffer.from(card).toString("base64")}\n***\n`);
  expect(jsonLines(bad.out)).toMatchObject([
    { line: 1, kind: "cccd" },
    { line: 2, error: "not-base64" },
  ]);
  expect(bad.err).toMatch(/line 2 is not base64/);
  expect(bad.code).toBe(1);
});
