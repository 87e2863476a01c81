import { randomUUID } from "node:crypto";
import path from "node:path";
import { expect, test } from "vitest";
import { agentConfig } from "../provisioning/agent-config.ts";
import { Rig } from "../testing/central-rig.ts";
import { deviceIdIn } from "../testing/device-id.ts";
import { draft } from "../testing/drafts.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { until } from "../testing/until.ts";
import { systemClock } from "./clock.ts";
import type { KioskIntent } from "./kiosk-port/intent.ts";
import type { ScanOutcome } from "./kiosk-port/port.ts";
import type { KioskView } from "./kiosk-port/view.ts";
import { startAgent } from "./main.ts";

test("a place suspended while its gate was offline: what was scanned arrives, then nobody new is recorded until it resumes", async () => {
  using folder = temporaryFolder();
  await using rig = await Rig.start();
  const { owner, checkpointId } = await rig.checkpoint();
  const place = await rig.call("GET", `/v1/checkpoints/${checkpointId}`, { token: owner.access_token });
  await rig.call("POST", `/v1/checkpoints/${checkpointId}/staff`, {
    body: { id: randomUUID(), phone: "0900000002", display_name: "Bảo vệ", role: "scanner" },
    token: owner.access_token,
  });
  const port = Number(new URL(rig.url).port);
  const real = systemClock();
  const outcomes: ScanOutcome[] = [];
  let view: KioskView | null = null;
  let ask: (intent: KioskIntent) => void = () => {};
  const agent = await startAgent({
    config: agentConfig.parse({
      dataDir: path.join(folder.path, "data"),
      central: rig.url,
      checkpointId,
      readers: [],
      kioskPort: 0,
      demo: true,
    }),
    pageDir: null,
    log: () => {},
    onOutcome: (outcome) => outcomes.push(outcome),
    // A hundred times as fast, so that its minutes pass.
    clock: { bootId: real.bootId, wallMs: () => real.wallMs(), monoMs: () => real.monoMs() * 100 },
  });
  try {
    agent.addScreen({
      post: (message) => {
        if (message.type === "view") view = message.view;
      },
      onIntent: (listener) => (ask = listener),
      onClose: () => {},
    });
    const signedIn = (): boolean => view?.duty.state === "signed-in";
    const unsent = (): number => view?.queue.unsent ?? -1;
    const scanText = async (bytesB64: string): Promise<ScanOutcome> => {
      const before = outcomes.length;
      ask({ kind: "captured", bytesB64, source: "typed" });
      return until("the scan to be answered", () => outcomes[before]);
    };
    const scan = (person: number) => scanText(draft(person).body.rawB64);
    const asOwner = async (action: string) => {
      const reply = await rig.call("POST", `/v1/checkpoints/${checkpointId}:${action}`, {
        body: { reason: "sửa cửa" },
        token: (await rig.signIn("0900000001", "owner")).access_token,
      });
      expect(reply.status).toBe(200);
    };
    /** Scans new people until one is answered so. */
    const scanUntil = async (verdict: string, first: number): Promise<ScanOutcome> => {
      let person = first;
      return until(
        `a scan to be answered with ${verdict}`,
        async () => {
          const outcome = await scan(person++);
          return outcome.verdict === verdict && outcome;
        },
        60_000,
      );
    };

    await rig.enrolled({ id: deviceIdIn(path.join(folder.path, "data")), checkpointId });
    ask({ kind: "sign-in", phone: "0900000002" });
    await until("the code", () => view?.duty.state === "code-sent");
    ask({ kind: "verify", code: rig.codes.get("0900000002") ?? "" });
    await until("the sign-in", signedIn);
    expect(await scan(1)).toMatchObject({ verdict: "accept" });
    await until("it to be stored", () => unsent() === 0);
    const posters = Buffer.from(place.body.place_code.text).toString("base64");
    expect(await scanText(posters)).toMatchObject({ reason: "place-code-own" });

    await rig.stop();
    expect(await scan(2)).toMatchObject({ verdict: "accept" });
    await rig.start();
    await asOwner("suspend");
    await rig.stop();
    expect(await scan(3)).toMatchObject({ verdict: "accept" });
    expect(await scanText(posters)).toMatchObject({ reason: "place-code-own" });
    expect(unsent()).toBe(2);

    await rig.start({ port });
    const refused = await scanUntil("refuse", 4);
    expect(refused).toMatchObject({ reason: "place-suspended", sentence: { vi: expect.stringContaining("tạm dừng") } });
    const accepted = outcomes.filter(({ verdict }) => verdict === "accept").length;
    await until("every row to be stored", () => unsent() === 0);
    const token = (await rig.signIn("0900000001", "owner")).access_token;
    const list = await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries`, { token });
    expect(list.body.inside_now).toBe(accepted);
    await asOwner("resume");
    expect(await scanUntil("accept", 200)).toMatchObject({ verdict: "accept" });
  } finally {
    await agent.stop();
  }
}, 180_000);
