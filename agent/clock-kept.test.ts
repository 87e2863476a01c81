import path from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { agentConfig } from "../provisioning/agent-config.ts";
import { checkpointId, draft } from "../testing/drafts.ts";
import { startFakeCentre } from "../testing/fake-centre.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { until } from "../testing/until.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { KioskIntent } from "./kiosk-port/intent.ts";
import type { ScanOutcome } from "./kiosk-port/port.ts";
import { startAgent } from "./main.ts";

test("how wrong the clock is, is known after a restart without a network, and not trusted as fresh after a reboot", async () => {
  using folder = temporaryFolder();
  await using centre = await startFakeCentre();
  const dataDir = path.join(folder.path, "data");
  let people = 0;

  /** Runs the agent and scans new people until one is recorded with the wanted state; the states before it. */
  const statesUntil = async (wanted: string, clock: Clock): Promise<string[]> => {
    const outcomes: ScanOutcome[] = [];
    let ask: (intent: KioskIntent) => void = () => {};
    const config = { dataDir, central: centre.url, checkpointId, readers: [], kioskPort: 0, demo: true };
    const agent = await startAgent({
      config: agentConfig.parse(config),
      pageDir: null,
      log: () => {},
      onOutcome: (outcome) => outcomes.push(outcome),
      clock,
    });
    try {
      agent.addScreen({ post: () => {}, onIntent: (listener) => (ask = listener), onClose: () => {} });
      const states: string[] = [];
      while (states.at(-1) !== wanted && states.length < 200) {
        people += 1;
        ask({ kind: "captured", bytesB64: draft(people).body.rawB64, source: "typed" });
        await until("the scan to be answered", () => outcomes.length > states.length);
        states.push(newestState());
      }
      return states;
    } finally {
      await agent.stop();
    }
  };
  const newestState = (): string => {
    const database = new Database(path.join(dataDir, "journal.db"), { readonly: true });
    try {
      return database.prepare("SELECT clock_state FROM entry ORDER BY seq DESC").pluck().get() as string;
    } finally {
      database.close();
    }
  };

  const clock = systemClock();
  await centre.down();
  expect(await statesUntil("unknown", clock)).toEqual(["unknown"]);
  await centre.up();
  expect((await statesUntil("synced", clock)).at(-1)).toBe("synced");
  await centre.down();
  expect(await statesUntil("synced", clock)).toEqual(["synced"]);
  expect(await statesUntil("drifting", { ...clock, bootId: "another-boot" })).toEqual(["drifting"]);
});
