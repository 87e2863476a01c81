import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PlaceState } from "../contract/places.ts";
import { placeCodeText, placeMessage } from "../contract/signed-code.ts";
import type { RawScan } from "../drivers/reader.ts";
import { heldCards } from "../testing/cards-at-gate.ts";
import { checkpointId, randomKeys } from "../testing/drafts.ts";
import { temporaryFolder } from "../testing/folder.ts";
import type { Clock } from "./clock.ts";
import { defaultGatePolicy } from "./gate/verdict.ts";
import type { Entry } from "./journal/entry.ts";
import { Journal } from "./journal/journal.ts";
import { JournalStore } from "./journal/store.ts";
import type { ScanOutcome } from "./kiosk-port/port.ts";
import type { PlaceCheck } from "./place-check.ts";
import { type Lane, Station } from "./station.ts";

let folder: ReturnType<typeof temporaryFolder>;
let journal: Journal;
/** The same file, read beside it. */
let store: JournalStore;
let station: Station;
let outcomes: ScanOutcome[];
let onOutcome: (outcome: ScanOutcome) => void;
let recorded: Entry[];
let attended: boolean;
let inFull: boolean;
let setUp: boolean;
let placeState: PlaceState;
let placeCheck: PlaceCheck;
let wall: number;
let mono: number;

const clock: Clock = { bootId: "boot-1", wallMs: () => wall, monoMs: () => mono };
const gateIn: Lane = { readerId: "serial:/dev/ttyACM0", name: "Gate 1", direction: "in" };
const gateAuto: Lane = { readerId: "serial:/dev/ttyACM1", name: "Gate 2", direction: "auto" };
const card = (index: number) => heldCards["CCCD 2021"]?.(index).payload ?? "";

beforeEach(async () => {
  folder = temporaryFolder();
  const file = path.join(folder.path, "journal.db");
  const keys = randomKeys();
  journal = await Journal.open({ file, keys, log: () => {} });
  store = new JournalStore(file, keys, "read");
  outcomes = [];
  onOutcome = () => {};
  recorded = [];
  attended = true;
  inFull = false;
  setUp = true;
  placeState = "active";
  placeCheck = "genuine";
  wall = Date.UTC(2026, 0, 5, 8);
  mono = 1_000_000;
  station = new Station({
    journal,
    clock,
    policy: () => defaultGatePolicy,
    checkpointId: () => (setUp ? checkpointId : null),
    placeState: () => placeState,
    checkPlace: () => placeCheck,
    revoked: () => false,
    onInvitation: () => null,
    duty: () => ({ state: "signed-in", staffRef: "staff-1" }),
    clockOffset: () => null,
    noticeVersion: () => 3,
    attended: () => attended,
    showsInFull: () => inFull,
    onRecorded: (entry) => recorded.push(entry),
    onChange: () => {},
    onOutcome: (outcome) => {
      outcomes.push(outcome);
      onOutcome(outcome);
    },
    log: () => {},
  });
});

afterEach(async () => {
  station.stop();
  store.close();
  await journal.close();
  folder[Symbol.dispose]();
});

let sequence = 0;
/** A scan `afterMs` after the one before. */
async function hold(
  payload: string | Uint8Array,
  lane: Lane = gateIn,
  afterMs = 10_000,
  spoiled: RawScan["spoiled"] = null,
): Promise<ScanOutcome> {
  wall += afterMs;
  mono += afterMs;
  const bytes = typeof payload === "string" ? Buffer.from(payload, "utf8") : payload;
  await station.take(
    { bytes, aim: null, readerId: lane.readerId, receivedMonoMs: mono, sequence: ++sequence, spoiled },
    lane,
  );
  const outcome = outcomes.at(-1);
  if (outcome === undefined) throw new Error("every scan has an outcome");
  return outcome;
}

test("green stands for a row that is in the file: another connection finds it when the outcome is told", async () => {
  let seenByAnother: unknown;
  onOutcome = () => {
    const another = new Database(path.join(folder.path, "journal.db"), { readonly: true });
    seenByAnother = another.prepare("SELECT id FROM entry").all();
    another.close();
  };
  const outcome = await hold(card(1));
  expect(seenByAnother).toEqual([{ id: outcome.entryId }]);
  expect(outcome).toMatchObject({ verdict: "accept", kind: "cccd", direction: "in", seq: 1 });
  expect(station.screen).toMatchObject({ state: "accepted", person: { name: "N••••• V•• A", number: "079•••••0001" } });
  const stored = store.unsent(1).entries[0];
  expect(stored).toMatchObject({
    id: outcome.entryId,
    staffRef: "staff-1",
    checkpointId,
    wallMs: wall,
    clockState: "unknown",
  });
  expect(stored?.body.fields.fullName).toBe("NGUYỄN VĂN A");
  expect(recorded.map((entry) => entry.id)).toEqual([outcome.entryId]);
});

test("a card held for ten seconds at two codes a second is one entry; held again later on an automatic lane it goes out", async () => {
  expect(await hold(card(1), gateAuto)).toMatchObject({ verdict: "accept", direction: "in" });
  for (let again = 0; again < 20; again++) {
    expect(await hold(card(1), gateAuto, 500)).toMatchObject({ verdict: "repeat", reason: "same-scan" });
  }
  expect(await hold(card(1), gateAuto, 3_000)).toMatchObject({ verdict: "accept", direction: "out" });
  expect(journal.figures.lastSeq).toBe(2);
});

test("another card in between re-arms a reader, and two readers do not disturb each other", async () => {
  await hold(card(1), gateAuto);
  await hold(card(2), gateAuto, 200);
  expect(await hold(card(1), gateAuto, 200)).toMatchObject({ verdict: "accept", direction: "out" });
  expect(await hold(card(3), gateIn, 100)).toMatchObject({ verdict: "accept" });
  expect(await hold(card(3), gateAuto, 100)).toMatchObject({ verdict: "accept", direction: "out" });
});

test("a card whose letters a reader dropped is recorded, with the amber remark that its name is not whole", async () => {
  expect(await hold(card(1).replace(/[^ -~]/g, ""))).toMatchObject({ verdict: "accept", kind: "cccd" });
  expect(station.screen).toMatchObject({
    state: "accepted",
    remarks: [{ vi: "Không đọc được tên đầy đủ", en: "The name could not be read in full" }],
  });
  expect(await hold(card(2))).toMatchObject({ verdict: "accept" });
  expect(station.screen).toMatchObject({ state: "accepted", remarks: [] });
});

test("a second scan at an entrance prolongs the stay and adds no entry", async () => {
  const first = await hold(card(1));
  const firstAt = wall;
  expect(await hold(card(1))).toMatchObject({ verdict: "repeat", reason: "already-inside", entryId: null });
  expect(station.screen).toMatchObject({ state: "repeat", sinceMs: firstAt });
  expect(store.presence(store.tagOf("citizen:079098000001"))).toEqual({
    inside: true,
    sinceMs: firstAt,
    lastSeenMs: wall,
  });
  expect(store.newest(10).entries.map((entry) => entry.id)).toEqual([first.entryId]);
});

test("two cards joined in one frame are two people", async () => {
  await hold(`${card(1)}${card(2)}`);
  expect(outcomes.map((outcome) => outcome.verdict)).toEqual(["accept", "accept"]);
  expect(journal.figures.inside).toBe(2);
});

describe("what cannot be recorded is refused aloud and the next person is read", () => {
  test("spoiled, oversized, foreign and empty scans", async () => {
    expect(await hold("x", gateIn, 1, "overflow")).toMatchObject({ verdict: "refuse", reason: "spoiled" });
    expect(await hold("x", gateIn, 1, "gap")).toMatchObject({ verdict: "refuse", reason: "spoiled" });
    expect(await hold("9".repeat(5_000))).toMatchObject({ verdict: "refuse", reason: "spoiled" });
    expect(await hold("https://example.com")).toMatchObject({ verdict: "refuse", reason: "unknown-code" });
    expect(await hold(new Uint8Array(0))).toMatchObject({ verdict: "refuse" });
    expect(station.screen.state).toBe("refused");
    expect(await hold(card(1))).toMatchObject({ verdict: "accept" });
  });

  test("a journal that cannot write shows NOT RECORDED, and the same card goes through when it can again", async () => {
    await hold(card(1));
    const intruder = new Database(path.join(folder.path, "journal.db"));
    intruder.exec("BEGIN IMMEDIATE");
    expect(await hold(card(2))).toMatchObject({ verdict: "refuse", reason: "not-recorded", entryId: null });
    expect(station.screen).toMatchObject({ state: "refused", title: { vi: "CHƯA GHI ĐƯỢC" } });
    intruder.exec("ROLLBACK");
    intruder.close();
    expect(await hold(card(2), gateIn, 500)).toMatchObject({ verdict: "accept", seq: 2 });
  });

  test.each([
    ["suspended", "place-suspended", "Điểm này đang tạm dừng ghi"],
    ["closed", "place-closed", "Điểm này đã đóng, máy không ghi nữa"],
  ] as const)("a %s place records nobody new, says why, and goes on as soon as it may", async (state, reason, vi) => {
    await hold(card(1));
    placeState = state;
    expect(await hold(card(2))).toMatchObject({ verdict: "refuse", reason, entryId: null });
    expect(station.screen).toMatchObject({ state: "refused", title: { vi } });
    expect(journal.figures).toMatchObject({ lastSeq: 1, unsent: 1 });
    placeState = "active";
    expect(await hold(card(2))).toMatchObject({ verdict: "accept", seq: 2 });
  });

  test("a question that was open when the place was suspended records nobody", async () => {
    expect(await hold("079098000001")).toMatchObject({ verdict: "ask" });
    const { screen } = station;
    if (screen.state !== "ask") throw new Error("the question is shown");
    placeState = "suspended";
    await station.answer(screen.scanId, true);
    expect(outcomes.at(-1)).toMatchObject({ verdict: "refuse", reason: "place-suspended" });
    expect(journal.figures.lastSeq).toBe(0);
  });

  test("the gate of a merged place goes on", async () => {
    placeState = "merged";
    expect(await hold(card(1))).toMatchObject({ verdict: "accept" });
  });

  test.each([
    ["own", "Mã thật của điểm này, bản đang dùng"],
    ["outdated", "Mã thật của điểm này, nhưng là bản cũ"],
    ["genuine", "Mã thật, của một điểm khác"],
    ["forged", "MÃ ĐỊA ĐIỂM GIẢ"],
    ["unchecked", "Mã của địa điểm, chưa kiểm tra được thật giả"],
  ] as const)("a place's code is nobody's, and the clerk is told what it is: %s", async (check, vi) => {
    placeCheck = check;
    const message = placeMessage({ kid: "00ab12ff", checkpointId, issuedOn: "2026-11-21", number: 2 });
    const text = placeCodeText("https://qr.example.vn", message, new Uint8Array(64));
    expect(await hold(text)).toMatchObject({ verdict: "refuse", reason: `place-code-${check}` });
    expect(station.screen).toMatchObject({ title: { vi } });
    expect(journal.figures.lastSeq).toBe(0);
  });

  test("a machine without a checkpoint says so", async () => {
    setUp = false;
    expect(await hold(card(1))).toMatchObject({ verdict: "refuse", reason: "not-set-up" });
  });
});

test("a refused code held again at once is refused again, never called just scanned", async () => {
  attended = false;
  expect(await hold("079098000001")).toMatchObject({ verdict: "refuse", reason: "not-confirmed" });
  expect(await hold("079098000001", gateIn, 500)).toMatchObject({ verdict: "refuse", reason: "not-confirmed" });
});

describe("a doubtful card", () => {
  const doubtful = `079098000001|024123456|NGUYỄN VĂN A|01011998|Nữ|Số 1 Đường ABC|01012022`;

  test("is recorded when staff confirm, with a mark, and only once", async () => {
    expect(await hold(doubtful)).toMatchObject({ verdict: "ask", reason: "inconsistent-card", entryId: null });
    const { screen } = station;
    if (screen.state !== "ask") throw new Error("the question is shown");
    expect(journal.figures.lastSeq).toBe(0);
    await station.answer(screen.scanId, true);
    await station.answer(screen.scanId, true);
    expect(store.newest(5).entries).toMatchObject([{ marks: ["confirmed-by-staff"] }]);
    expect(station.screen.state).toBe("accepted");
  });

  test("is not recorded when staff decline, and an answer to an older question changes nothing", async () => {
    await hold(doubtful);
    const { screen } = station;
    if (screen.state !== "ask") throw new Error("the question is shown");
    await hold(card(2));
    await station.answer(screen.scanId, true);
    expect(journal.figures.lastSeq).toBe(1);
    await hold(doubtful);
    const again = station.screen;
    if (again.state !== "ask") throw new Error("the question is shown again");
    await station.answer(again.scanId, false);
    expect(outcomes.at(-1)).toMatchObject({ verdict: "refuse", reason: "not-confirmed" });
    expect(journal.figures.lastSeq).toBe(1);
  });

  test("is recorded with a mark at a gate where nobody can answer", async () => {
    attended = false;
    expect(await hold(doubtful)).toMatchObject({ verdict: "accept" });
    expect(store.newest(1).entries).toMatchObject([{ marks: ["inconsistent-card"] }]);
  });
});
