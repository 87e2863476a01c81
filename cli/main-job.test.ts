import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../agent/clock.ts";
import { CentralApi } from "../agent/sync/central-api.ts";
import { newProofKey } from "../contract/dpop.ts";
import { entriesPage } from "../contract/entries.ts";
import { operations } from "../contract/operations.ts";
import { otpChallenge, tokenReply } from "../contract/people.ts";
import { type HeldCard, heldCards } from "../testing/cards-at-gate.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { jsonLines, type Line, type Running, runTram, startTram } from "../testing/program.ts";
import { createPtyDevice } from "../testing/pty.ts";
import { until } from "../testing/until.ts";
import { connectToAgent } from "./agent-client.ts";
import { requestCode, verifyCode } from "./commands/duty.ts";
import { enrolStation, ensureDemo } from "./launch/demo.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

const accepts = (lines: readonly Line[]): Line[] =>
  lines.filter((line) => line.event === "scan" && line.verdict === "accept");

/** Everything at the centre as the owner's masked list shows it. */
async function atCentre(url: string, system: Running, checkpointId: string) {
  const api = new CentralApi(url, systemClock(), await newProofKey(), () => {});
  const phone = "0900000001";
  const before = system.lines.length;
  const challenge = await api.call({
    operation: operations.requestOtp,
    body: { phone, audience: "owner" },
    schema: otpChallenge,
  });
  if (challenge.kind !== "ok") throw new Error(JSON.stringify(challenge));
  const otp = await until("the owner's code", () =>
    system.lines.slice(before).find((line) => line.event === "otp" && line.phone === phone),
  );
  const tokens = await api.call({
    operation: operations.verifyOtp,
    body: { challenge_id: challenge.value.challenge_id, code: otp.code },
    schema: tokenReply,
  });
  if (tokens.kind !== "ok") throw new Error(JSON.stringify(tokens));
  const read = async () => {
    const items: (typeof entriesPage)["_output"]["items"] = [];
    for (let after = ""; ; ) {
      const query = `?limit=100&after=${encodeURIComponent(after)}`;
      const page = await api.call({
        operation: { ...operations.listEntries, path: `/v1/checkpoints/${checkpointId}/entries${query}` },
        accessToken: tokens.value.access_token,
        schema: entriesPage,
      });
      if (page.kind !== "ok") throw new Error(JSON.stringify(page));
      items.push(...page.value.items);
      if (page.value.items.length < 100) return items;
      after = page.value.cursor;
    }
  };
  return { read };
}

test("each sample card, whole and cut at every byte, is one entry with its name intact and at the centre in 2 s", async () => {
  const dataDir = path.join(folder.path, "shows-2");
  await using pty = await createPtyDevice();
  await using system = startTram(
    "start",
    "--no-window",
    "--json",
    "--data",
    dataDir,
    "--central-port",
    "0",
    "--kiosk-port",
    "0",
    "--reader",
    `serial:${pty.path}?direction=in&name=Gate 1`,
  );
  const ready = await system.line("ready", undefined, 90_000);
  await readerIsReady(dataDir);
  const held: { card: HeldCard; line: Line }[] = [];
  let index = 0;
  const hold = async (card: HeldCard, cutAt: number): Promise<void> => {
    const bytes = Buffer.from(`${card.payload}\r`, "utf8");
    const before = accepts(system.lines).length;
    if (cutAt > 0) {
      await pty.write(bytes.subarray(0, cutAt));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await pty.write(bytes.subarray(cutAt));
    const line = await until(`${card.payload.slice(0, 15)} cut at ${cutAt}`, () => accepts(system.lines)[before]);
    expect(accepts(system.lines)).toHaveLength(before + 1);
    held.push({ card, line });
  };
  for (const make of Object.values(heldCards)) {
    const length = Buffer.byteLength(make(0).payload) + 1;
    for (let cutAt = 0; cutAt < length; cutAt++) await hold(make(++index), cutAt);
  }
  expect(system.lines.filter((line) => line.event === "scan" && line.verdict !== "enrol")).toHaveLength(held.length);

  const exported = await until("every entry is stored", async () => {
    const rows = jsonLines((await runTram(["journal", "export", "--data", dataDir])).out);
    return rows.every((row) => row.state === "stored") && rows;
  });
  const byId = new Map(exported.map((row) => [row.id, row]));
  expect(exported).toHaveLength(held.length);
  for (const { card, line } of held) {
    const row = byId.get(line.entryId) as Line & { fields: Record<string, string>; rawB64: string };
    expect(row.kind).toBe(card.kind);
    expect(Buffer.from(row.fields.fullName ?? "").equals(Buffer.from(card.name))).toBe(true);
    expect(Buffer.from(row.rawB64, "base64").toString("utf8")).toBe(card.payload);
  }
  const items = await (await atCentre(String(ready.central), system, String(ready.checkpointId))).read();
  expect(items.map((item) => item.entry_id).sort()).toEqual(held.map(({ line }) => String(line.entryId)).sort());
  const latenessMs = items.map((item) => Date.parse(item.received_at) - Date.parse(item.at));
  expect(Math.max(...latenessMs)).toBeLessThan(2_000);
  for (const item of items) expect(JSON.stringify(item.subject)).not.toMatch(/NGUYỄN|Trần Thị|Xuân|VAN MAU/);
  const verified = await runTram(["journal", "verify", "--data", dataDir, "--json"]);
  expect(JSON.parse(verified.out)).toMatchObject({ ok: true, rows: held.length });
}, 180_000);

test("the centre stops, cards go on, the agent is killed in the middle, both restart: each entry is at the centre once", async () => {
  const dataDir = path.join(folder.path, "shows-3");
  mkdirSync(path.join(dataDir, "central"), { recursive: true });
  const database = `sqlite:${path.join(dataDir, "central", "central.db")}`;
  await using pty = await createPtyDevice();
  const startCentral = (port: string) => startTram("central", "--json", "--port", port, "--database", database);
  const config = path.join(dataDir, "agent.json");

  await using central = startCentral("0");
  const centralUrl = String((await central.line("ready")).url);
  const demo = await ensureDemo(dataDir, centralUrl, async (phone) =>
    String((await central.line("otp", (line) => line.phone === phone)).code),
  );
  writeFileSync(
    config,
    JSON.stringify({
      dataDir,
      central: centralUrl,
      kioskPort: 0,
      readers: [`serial:${pty.path}?direction=in`],
    }),
  );
  const startAgent = async (): Promise<Running> => {
    const agent = startTram("agent", "--no-supervisor", "--json", "--config", config);
    await agent.line("ready");
    await readerIsReady(dataDir);
    return agent;
  };
  const acknowledged: string[] = [];
  const scan = async (agent: Running, from: number, count: number): Promise<void> => {
    const card = heldCards["CCCD 2021"];
    for (let index = from; index < from + count; index++) {
      const before = accepts(agent.lines).length;
      await pty.write(`${card?.(index).payload}\r\n`);
      const line = await until(`card ${index} is accepted`, () => accepts(agent.lines)[before]);
      acknowledged.push(String(line.entryId));
    }
  };

  await using first = await startAgent();
  const client = await connectToAgent(dataDir);
  const codes = central.lines.filter((line) => line.event === "otp").length;
  await enrolStation(client, centralUrl, demo, (phone) =>
    until("the owner's code", () => {
      const told = central.lines.filter((line) => line.event === "otp").slice(codes);
      return told.find((line) => line.phone === phone)?.code as string | undefined;
    }),
  );
  await requestCode(client, demo.staffPhone);
  const otp = await central.line("otp", (line) => line.phone === demo.staffPhone);
  expect(await verifyCode(client, String(otp.code))).toMatchObject({ state: "signed-in" });
  client.close();
  await scan(first, 1, 5);

  await central.end("SIGTERM");
  await scan(first, 6, 25);
  // A card is on its way in while the process dies: it may be recorded or not, but never half and never twice.
  const inFlight = pty.write(`${heldCards["CCCD 2021"]?.(999_999).payload}\r\n`);
  await first.end("SIGKILL");
  await inFlight;

  await using second = await startAgent();
  await scan(second, 31, 25);
  const port = new URL(centralUrl).port;
  await using again = startCentral(port);
  await again.line("ready");
  const rows = await until(
    "everything is stored",
    async () => {
      const exported = jsonLines((await runTram(["journal", "export", "--data", dataDir])).out);
      return (
        exported.length >= 55 &&
        exported.every((row) => row.state === "stored" || row.state === "duplicate") &&
        exported
      );
    },
    60_000,
  );
  const ids = rows.map((row) => String(row.id));
  for (const id of acknowledged) expect(ids).toContain(id);
  expect(acknowledged).toHaveLength(55);
  expect(ids.length).toBeLessThanOrEqual(56);
  const items = await (await atCentre(centralUrl, again, demo.checkpointId)).read();
  expect(items.map((item) => item.entry_id).sort()).toEqual([...ids].sort());
  expect(JSON.parse((await runTram(["journal", "verify", "--data", dataDir, "--json"])).out)).toMatchObject({
    ok: true,
  });
}, 120_000);

/** Bytes sent before the port is open are lost by design of serial ports: wait until the agent says it is. */
async function readerIsReady(dataDir: string): Promise<void> {
  const client = await connectToAgent(dataDir);
  await client.view(
    (view) => (view.readers.every((reader) => reader.state === "ready") ? true : undefined),
    15_000,
    "reader",
  );
  client.close();
}
