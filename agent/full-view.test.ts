import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fullViewSignInMs } from "../contract/limits.ts";
import { agentConfig } from "../provisioning/agent-config.ts";
import { Rig } from "../testing/central-rig.ts";
import { deviceIdIn } from "../testing/device-id.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { PolicyPlaces } from "../testing/policy-places.ts";
import { type PolicyRow, policyTable } from "../testing/policy-table.ts";
import { until } from "../testing/until.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { KioskIntent } from "./kiosk-port/intent.ts";
import type { KioskView } from "./kiosk-port/view.ts";
import { startAgent } from "./main.ts";

let rig: Rig;
let places: PolicyPlaces;
beforeAll(async () => {
  rig = await Rig.start();
  places = new PolicyPlaces(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());

/**
 * What a station's screen can be asked: it always wants people in full, for the one purpose of a gate, for a member who
 * signed in as staff. Rows that differ in nothing else are one.
 */
const stationRows = [
  ...new Map(
    policyTable
      .filter(
        ({ wanted, purpose, audience, role }) =>
          wanted === "full" && purpose !== null && (audience === "staff" || audience === "owner") && role !== null,
      )
      .map((row) => [
        [row.role, row.kind, row.kindStatus, row.fullView, row.signInAgeMs > fullViewSignInMs].join(),
        row,
      ]),
  ).values(),
];

const card = "079098000001||Nguyễn Văn Mẫu|01011998|Nam|Số 1, Đường Mẫu|01012022";
const masked = { name: "N••••• V•• Mẫu", number: "079•••••0001" };
const full = { name: "Nguyễn Văn Mẫu", number: "079098000001" };

/** A whole station with its member on duty; the row's time passes on its clock between sign-in and scan. */
async function screenAfterScan(row: PolicyRow) {
  const place = await places.placeOf(row);
  const { phone } = await places.memberOf(place, row);
  rig.clock.advance(11 * 60_000);
  using folder = temporaryFolder();
  const real = systemClock();
  let passedMs = 0;
  const clock: Clock = {
    bootId: real.bootId,
    wallMs: () => real.wallMs() + passedMs,
    monoMs: () => real.monoMs() + passedMs,
  };
  const agent = await startAgent({
    config: agentConfig.parse({
      dataDir: path.join(folder.path, "data"),
      central: rig.url,
      checkpointId: place.checkpointId,
      readers: [],
      kioskPort: 0,
      demo: true,
    }),
    pageDir: null,
    log: () => {},
    clock,
  });
  try {
    let view: KioskView | null = null;
    const seen: string[] = [];
    let ask: (intent: KioskIntent) => void = () => {};
    agent.addScreen({
      post: (message) => {
        seen.push(JSON.stringify(message));
        if (message.type === "view") view = message.view;
      },
      onIntent: (listener) => (ask = listener),
      onClose: () => {},
    });
    const now = (): KioskView | null => view;
    await rig.enrolled({ id: deviceIdIn(path.join(folder.path, "data")), checkpointId: place.checkpointId });
    ask({ kind: "sign-in", phone });
    await until("the code", () => now()?.duty.state === "code-sent");
    ask({ kind: "verify", code: rig.codes.get(phone) ?? "" });
    await until("the sign-in", () => now()?.duty.state === "signed-in");
    // The station's time goes on by itself: what is fresh to the minute in the table has ten to spare here.
    passedMs = row.signInAgeMs > fullViewSignInMs ? row.signInAgeMs : Math.max(0, row.signInAgeMs - 600_000);
    ask({ kind: "captured", bytesB64: Buffer.from(card).toString("base64"), source: "typed" });
    const screen = await until("green", () => {
      const shown = now()?.screen;
      return shown?.state === "accepted" && shown;
    });
    await until("it is listed", () => (now()?.recent.length ?? 0) > 0);
    await until("it is stored", () => now()?.queue.unsent === 0);
    const recent = now()?.recent[0]?.person;
    return { place, screen, recent, seen };
  } finally {
    await agent.stop();
  }
}

describe("every row of the policy table at a station's screen", () => {
  test.each(stationRows)(
    "$title",
    async (row) => {
      const { place, screen, recent, seen } = await screenAfterScan(row);
      const isFull = row.expected === "full";
      expect(screen.person).toEqual(isFull ? full : masked);
      // The list stays masked for everybody.
      expect(recent).toEqual(masked);
      if (!isFull) for (const secret of ["Văn", "98000", "1998", "Đường"]) expect(seen.join()).not.toContain(secret);
      // The look is on its row, which went up: the centre has it in the access log.
      const { access_token: token } = await rig.signIn(place.phone, "owner").catch(() => place.owner);
      const log = await rig.call("GET", "/v1/access-records", { token });
      const looks = log.body.items.filter(({ action }: { action: string }) => action === "kiosk_full_view");
      expect(looks).toHaveLength(isFull ? 1 : 0);
      if (isFull) expect(looks[0]).toMatchObject({ objects: [screen.scanId], purpose: "identity_check" });
    },
    60_000,
  );
});
