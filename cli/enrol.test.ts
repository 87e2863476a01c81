import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { enrolmentFile } from "../agent/enrolment/enrolment-file.ts";
import type { EnrolmentView } from "../agent/kiosk-port/view.ts";
import type { TokenReply } from "../contract/people.ts";
import { heldCards } from "../testing/cards-at-gate.ts";
import { Rig } from "../testing/central-rig.ts";
import { TcpProxy } from "../testing/faults/tcp-proxy.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { jsonLines, type Running, runTram, startTram } from "../testing/program.ts";
import { createPtyDevice, type PtyDevice } from "../testing/pty.ts";
import { until } from "../testing/until.ts";
import { type AgentClient, connectToAgent } from "./agent-client.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let folder: ReturnType<typeof temporaryFolder>;
let rig: Rig;
let owner: TokenReply;
let checkpointId: string;
let pty: PtyDevice;
let config: string;

beforeEach(async () => {
  folder = temporaryFolder();
  rig = await Rig.start({ clock: { now: () => Date.now() } });
  ({ owner, checkpointId } = await rig.checkpoint());
  pty = await createPtyDevice();
  config = path.join(folder.path, "agent.json");
});
afterEach(async () => {
  await pty[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** A machine that is told nothing but its reader. */
const start = async (more: object = {}): Promise<{ agent: Running; client: AgentClient }> => {
  const { writeFileSync } = await import("node:fs");
  writeFileSync(
    config,
    JSON.stringify({
      dataDir: folder.path,
      kioskPort: 0,
      readers: [`serial:${pty.path}?direction=in&name=Cong 1`],
      ...more,
    }),
  );
  const agent = startTram("agent", "--no-supervisor", "--json", "--config", config);
  await agent.line("ready");
  const client = await connectToAgent(folder.path);
  await client.view((view) => (view.readers[0]?.state === "ready" ? true : undefined), 15_000, "reader");
  return { agent, client };
};
const by = (call: string, body: unknown) => rig.call("POST", call, { body, token: owner.access_token });
const invitation = async (): Promise<string> =>
  (await by(`/v1/checkpoints/${checkpointId}/device-invitations`, {})).body.text;
const approve = (userCode: string, fingerprint: string) =>
  by("/v1/devices:approve", {
    user_code: userCode,
    checkpoint_id: checkpointId,
    name: "Cổng 1",
    key_fingerprint: fingerprint,
  });
const state = <T extends EnrolmentView["state"]>(client: AgentClient, wanted: T) =>
  client.view(
    ({ enrolment }) => (enrolment.state === wanted ? (enrolment as Extract<EnrolmentView, { state: T }>) : undefined),
    100_000,
    wanted,
  );
const card = (index: number) => `${heldCards["CCCD 2021"]?.(index).payload}\r`;
const scans = (agent: Running, verdict: string) =>
  agent.lines.filter((line) => line.event === "scan" && line.verdict === verdict);
const atCentre = async (): Promise<number> =>
  (await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries`, { token: owner.access_token })).body.items.length;

test("a new machine scans the owner's invitation, is approved, records and sends; its secret is nowhere", async () => {
  const first = await start();
  await using agent = first.agent;
  expect((await state(first.client, "none")).centre).toBeNull();
  await pty.write(card(1));
  const refused = await agent.line("scan", (line) => line.verdict === "refuse");
  expect(refused).toMatchObject({ reason: "not-set-up", sentence: { vi: /chưa được đăng ký/ } });

  const text = await invitation();
  await pty.write(`${text}\r`);
  await agent.line("scan", (line) => line.verdict === "enrol");
  const waiting = await state(first.client, "waiting");
  expect(waiting).toMatchObject({ placeName: "Cổng thử nghiệm", centre: new URL(rig.url).host });
  expect((await approve(waiting.userCode, waiting.fingerprint)).status).toBe(200);
  expect(await state(first.client, "enrolled")).toMatchObject({ name: "Cổng 1", placeName: "Cổng thử nghiệm" });

  await pty.write(card(2));
  await agent.line("scan", (line) => line.verdict === "accept");
  await until("the entry is at the centre", async () => (await atCentre()) === 1);
  const devices = await until("the machine has told of itself", async () => {
    const reply = await rig.call("GET", `/v1/checkpoints/${checkpointId}/devices`, { token: owner.access_token });
    return reply.body.items[0]?.readers.length > 0 && reply.body.items;
  });
  expect(devices[0]).toMatchObject({
    name: "Cổng 1",
    key_backend: "file",
    readers: [{ name: "Cong 1", state: "ready" }],
  });

  // A second invitation, another machine's card, changes nothing and says why.
  await pty.write(`${await invitation()}\r`);
  const again = await agent.line("scan", (line) => line.reason === "invitation");
  expect(JSON.stringify(again.sentence)).toMatch(/thuộc về một điểm/);
  const secret = text.slice(-32);
  const written = `${agent.errors()}${JSON.stringify(agent.lines)}${readFileSync(path.join(folder.path, enrolmentFile), "utf8")}`;
  expect(written).not.toContain(secret);
  const exported = (await runTram(["journal", "export", "--data", folder.path])).out;
  expect(jsonLines(exported)).toHaveLength(1);
  expect(exported).not.toContain("TQE1");
  first.client.close();
});

test("tram enrol goes on over a killed agent and a centre that is away, and a removed machine sends what it has", async () => {
  await using proxy = await TcpProxy.before(rig.url);
  const first = await start({ central: proxy.url });
  await using before = first.agent;
  let agent: Running = before;
  const asking = startTram("enrol", "--data", folder.path, "--json");
  const told = await asking.line("enrolment", (line) => line.state === "waiting");
  await asking.end("SIGKILL");
  await agent.end("SIGKILL");
  expect((await approve(String(told.userCode), String(told.fingerprint))).status).toBe(200);
  const second = await start({ central: proxy.url });
  await using again = second.agent;
  agent = again;
  await state(second.client, "enrolled");
  expect((await runTram(["enrol", "--data", folder.path, "--json"])).code).toBe(0);

  await rig.stop();
  await pty.write(card(1));
  await until("recorded without a centre", () => scans(agent, "accept").length === 1);
  await rig.start({ clock: { now: () => Date.now() } });
  proxy.leadTo(rig.url);
  const { body } = await rig.call("GET", `/v1/checkpoints/${checkpointId}/devices`, { token: owner.access_token });
  expect(
    (await rig.call("DELETE", `/v1/devices/${body.items[0].device_id}`, { token: owner.access_token })).status,
  ).toBe(204);
  await state(second.client, "revoked");
  await until("the row from before is sent", async () => (await atCentre()) === 1, 60_000);
  await pty.write(card(2));
  await until("no new scan is taken", () => scans(agent, "refuse").some((line) => line.reason === "revoked"));
  second.client.close();
});
