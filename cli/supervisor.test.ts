import { renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { heldCards } from "../testing/cards-at-gate.ts";
import { checkpointId } from "../testing/drafts.ts";
import { isStopped } from "../testing/faults/station-under-test.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { isRunning, type Running, runTram, startTram } from "../testing/program.ts";
import { until } from "../testing/until.ts";

// `tram agent` as it is run on a box without a screen: who ends, who stays, who comes back.

let folder: ReturnType<typeof temporaryFolder>;
let tram: Running;

const dataDir = () => path.join(folder.path, "data");
const card = (index: number) => heldCards["CCCD 2021"]?.(index).payload ?? "";

beforeEach(async () => {
  folder = temporaryFolder();
  const config = path.join(folder.path, "agent.json");
  const central = "http://127.0.0.1:9";
  writeFileSync(
    config,
    JSON.stringify({ dataDir: dataDir(), central, checkpointId, kioskPort: 0, readers: [], demo: true }),
  );
  tram = startTram("agent", "--json", "--config", config);
  await tram.line("ready");
});

afterEach(async () => {
  await tram.end("SIGTERM");
  folder[Symbol.dispose]();
});

/** The process of the agent that says it is ready, other than `before`. */
async function agentPid(before: readonly number[] = [], withinMs = 30_000): Promise<number> {
  const line = await tram.line("ready", ({ pid }) => !before.includes(Number(pid)), withinMs);
  return Number(line.pid);
}

async function expectRecorded(index: number): Promise<void> {
  expect((await runTram(["scan", card(index), "--data", dataDir()])).out).toMatch(/VÀO/);
}

test("an agent that is killed is started again, each time, and records", async () => {
  const pids: number[] = [];
  for (let kill = 0; kill < 3; kill++) {
    const pid = await agentPid(pids);
    pids.push(pid);
    expect(pid).not.toBe(tram.pid);
    process.kill(pid, "SIGKILL");
  }
  await agentPid(pids);
  await expectRecorded(1);
  expect(tram.errors()).toMatch(/tram: The agent ended unexpectedly; it is started again\./);
}, 120_000);

test("an agent that stands still is killed and started again", async () => {
  const frozen = await agentPid();
  process.kill(frozen, "SIGSTOP");
  await until("it stands still", () => isStopped(frozen));
  await agentPid([frozen], 90_000);
  expect(isRunning(frozen)).toBe(false);
  await expectRecorded(1);
  expect(tram.errors()).toMatch(/made no progress for 20 s; it is killed/);
}, 120_000);

test("an agent whose supervisor is killed ends by itself and lets go of the folder", async () => {
  const pid = await agentPid();
  await tram.end("SIGKILL");
  await until("the agent is gone", () => !isRunning(pid));
});

test("asked to end, both end and nothing is started again", async () => {
  const pid = await agentPid();
  await tram.end("SIGTERM");
  expect(isRunning(pid)).toBe(false);
  expect(tram.errors()).not.toMatch(/started again/);
});

test("what only a person can mend is said once, and when it is mended the agent comes back", async () => {
  const key = path.join(dataDir(), "station.key");
  const pid = await agentPid();
  await expectRecorded(1);
  renameSync(key, `${key}.away`);
  process.kill(pid, "SIGKILL");
  await until("it is said", () => /cannot go on.*key .* is missing.*put the key file back/.test(tram.errors()), 60_000);
  renameSync(`${key}.away`, key);
  await agentPid([pid], 90_000);
  expect(tram.errors().match(/is missing/g)).toHaveLength(1);
}, 150_000);
