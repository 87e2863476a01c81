/** From a card at a reader to the gate: the built agent without a screen, reader and relay board on pseudo-terminals. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/folder.ts";
import { jsonLines, type Running, runTram, startTram } from "../testing/program.ts";
import { createPtyDevice, type PtyDevice } from "../testing/pty.ts";
import { createRelayBoard, type SimulatedRelayBoard } from "../testing/relay-board.ts";
import { until } from "../testing/until.ts";
import { type AgentClient, connectToAgent } from "./agent-client.ts";

const placeCode = "https://kbyt.khambenh.gov.vn/qr/00000000-0000-4000-8000-000000000001";
const card = (index: number) =>
  `079098${String(index).padStart(6, "0")}|024123456|NGUYỄN VĂN A|01011998|Nam|Số 1 Đường ABC|01012022`;

let folder: ReturnType<typeof temporaryFolder>;
let wayIn: PtyDevice;
let wayOut: PtyDevice;
let board: SimulatedRelayBoard;
beforeEach(async () => {
  folder = temporaryFolder();
  [wayIn, wayOut, board] = await Promise.all([createPtyDevice(), createPtyDevice(), createRelayBoard("modbus")]);
});
afterEach(async () => {
  await Promise.all([wayIn, wayOut, board].map((device) => device[Symbol.asyncDispose]()));
  folder[Symbol.dispose]();
});

const dataDir = () => path.join(folder.path, "data");
const relay = (text: string) => `modbus:${board.path}?address=7&${text}`;

function configure(relays: readonly string[]): string {
  const file = path.join(folder.path, "agent.json");
  writeFileSync(
    file,
    JSON.stringify({
      dataDir: dataDir(),
      central: "http://127.0.0.1:9",
      checkpointId: "01900000-0000-7000-8000-000000000001",
      kioskPort: 0,
      demo: true,
      readers: [`serial:${wayIn.path}?direction=in&name=Way in`, `serial:${wayOut.path}?direction=out&name=Way out`],
      gate: { rescanS: 0.2, relays },
    }),
  );
  return file;
}

/** An agent whose two readers and all relays are ready. */
async function startGate(...relays: string[]): Promise<Running & { readonly client: AgentClient }> {
  const agent = startTram("agent", "--no-supervisor", "--json", "--config", configure(relays));
  await agent.line("ready");
  const client = await connectToAgent(dataDir());
  await client.view(
    (view) => [...view.readers, ...view.relays].every(({ state }) => state === "ready") || undefined,
    20_000,
    "everything ready",
  );
  return { ...agent, client, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
}

const wayInAndOut = () => [relay("channel=1&direction=in&name=In"), relay("channel=2&direction=out&name=Out")];
const verdict = (agent: Running, reader: PtyDevice, kind: string) =>
  agent.line("scan", (line) => line.readerId === `serial:${reader.path}` && line.verdict === kind);
const pulses = (channel: number, count: number) =>
  until(`${count} pulses on ${channel}`, () => board.pulses(channel).length >= count && board.pulses(channel));
const entries = async () =>
  jsonLines((await runTram(["journal", "list", "--json", "--data", dataDir()])).out).map(({ seq }) => seq);

describe("a card at a reader", () => {
  test("opens its gate once for 300 ms, and no other; a code that is refused opens none", async () => {
    await using agent = await startGate(...wayInAndOut());
    await wayIn.write(`${placeCode}\r`);
    await verdict(agent, wayIn, "refuse");
    expect(board.events.filter(({ on }) => on)).toEqual([]);

    await wayIn.write(`${card(1)}\r`);
    const [entry, ...more] = await pulses(1, 1);
    expect(more).toEqual([]);
    const heldMs = (entry?.[1] ?? 0) - (entry?.[0] ?? 0);
    expect(heldMs).toBeGreaterThan(250);
    expect(heldMs).toBeLessThan(600);
    expect(board.pulses(2)).toEqual([]);

    await wayOut.write(`${card(1)}\r`);
    await pulses(2, 1);
    expect([board.pulses(1).length, board.pulses(2).length]).toEqual([1, 1]);
    expect(agent.lines.filter((line) => line.event === "scan").map((line) => line.verdict)).toEqual([
      "refuse",
      "accept",
      "accept",
    ]);
    expect(await entries()).toHaveLength(2);
  });

  test("opens nothing while its entry cannot be written, and opens once it is", async () => {
    await using agent = await startGate(...wayInAndOut());
    const other = new Database(path.join(dataDir(), "journal.db"));
    other.exec("BEGIN IMMEDIATE"); // Somebody else writes: the agent cannot commit.
    await wayIn.write(`${card(1)}\r`);
    expect(await verdict(agent, wayIn, "refuse")).toMatchObject({ reason: "not-recorded" });
    expect(board.events.filter(({ on }) => on)).toEqual([]);
    other.exec("ROLLBACK");
    other.close();
    await wayIn.write(`${card(1)}\r`);
    await pulses(1, 1);
    expect(await entries()).toHaveLength(1);
  });

  test("whose person is inside already opens again: who stands before a closed gate may pass", async () => {
    await using agent = await startGate(...wayInAndOut());
    await wayIn.write(`${card(1)}\r`);
    await pulses(1, 1);
    await wayIn.write(`${card(1)}\r`);
    expect(await verdict(agent, wayIn, "repeat")).toMatchObject({ reason: "already-inside" });
    await pulses(1, 2);
    expect(await entries()).toHaveLength(1);
  });

  test("opens the gate of that reader where two lanes lead the same way", async () => {
    await using agent = await startGate(relay("channel=1&reader=Way in"), relay("channel=2&reader=Way out"));
    const opened = () => board.events.filter(({ on }) => on).map(({ channel }) => channel);
    await wayIn.write(`${card(1)}\r`);
    await verdict(agent, wayIn, "accept");
    await pulses(1, 1);
    expect(opened()).toEqual([1]);
    await wayOut.write(`${card(2)}\r`);
    await verdict(agent, wayOut, "accept");
    await pulses(2, 1);
    expect(opened()).toEqual([1, 2]);
  });
});

test("a relay that is unplugged is shown, stops no scan, heals, and opens for nobody who scanned without it", async () => {
  await using agent = await startGate(...wayInAndOut());
  const state = (wanted: string) =>
    agent.client.view(
      (view) => view.relays.find(({ name, state }) => name === "In" && state === wanted),
      20_000,
      wanted,
    );
  await board.unplug();
  expect((await state("fault")).message).toEqual({
    vi: expect.stringContaining("mở cổng bằng tay"),
    en: expect.stringContaining("open the gate by hand"),
  });
  for (const index of [1, 2, 3]) await wayIn.write(`${card(index)}\r`);
  await until("three are recorded", () => agent.lines.filter((line) => line.verdict === "accept").length === 3);
  await board.replug();
  await state("ready");
  await wayIn.write(`${card(4)}\r`);
  await pulses(1, 1);
  expect(board.events.filter(({ on }) => on)).toHaveLength(1);
  expect(await entries()).toHaveLength(4);
});

test("kill -9 of the agent in the middle of a pulse lets go of the gate", async () => {
  await using agent = await startGate(relay("channel=1&pulse=1000"));
  await wayIn.write(`${card(1)}\r`);
  await until("the gate opens", () => board.on().length === 1);
  await agent.end("SIGKILL");
  const [pulse] = await pulses(1, 1);
  expect((pulse?.[1] ?? 0) - (pulse?.[0] ?? 0)).toBeLessThan(900);
  expect(board.on()).toEqual([]);
});

test("a relay that cannot be understood, or is a reader, is refused before anything is started or touched", async () => {
  const reader = await runTram(["agent", "--config", configure([`lcus:${wayIn.path}`])]);
  expect(reader.err).toMatch(/^tram: .* is named as a reader and as a relay; it can only be one\.\n$/);
  expect([reader.code, wayIn.received().length]).toEqual([1, 0]);

  const nobody = await runTram(["agent", "--config", configure([relay("reader=Way inn")])]);
  expect(nobody.err).toMatch(
    /^tram: The relay .* opens for the reader "Way inn", but no reader has that name; correct/,
  );
  expect([nobody.code, board.events]).toEqual([1, []]);

  const { code, err } = await runTram(["agent", "--config", configure(["lcus:/dev/ttyUSB0?pulse=9000"])]);
  expect(err).toMatch(/^tram: The relay "lcus:.*pulse "9000" is not possible; allowed are .* from 100 to 1000\.\n$/);
  expect(code).toBe(1);
});
