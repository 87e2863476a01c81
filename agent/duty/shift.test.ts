import { createSecretKey, randomBytes, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newProofKey } from "../../contract/dpop.ts";
import { operations } from "../../contract/operations.ts";
import { checkpointsPage } from "../../contract/places.ts";
import { heldCards } from "../../testing/cards-at-gate.ts";
import { Rig } from "../../testing/central-rig.ts";
import { randomKeys } from "../../testing/drafts.ts";
import { TcpProxy } from "../../testing/faults/tcp-proxy.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { memberOf } from "../../testing/on-duty.ts";
import { until } from "../../testing/until.ts";
import type { Clock } from "../clock.ts";
import { defaultGatePolicy } from "../gate/verdict.ts";
import type { Entry } from "../journal/entry.ts";
import { Journal } from "../journal/journal.ts";
import { type Lane, Station } from "../station.ts";
import { CentralApi } from "../sync/central-api.ts";
import type { ClockOffset } from "../sync/clock-offset.ts";
import { Outbox } from "../sync/outbox.ts";
import { CredentialStore, type StoredDuty } from "./credential-store.ts";
import { Duty } from "./duty.ts";
import { mostMembers } from "./members.ts";
import { mostTries } from "./pin-tries.ts";

// Several members on one machine, against a real centre behind a line that can be cut, over real sealed files.

const owner = "0900000001";
const an = "0900000002";
const binh = "0900000003";
const deviceId = randomUUID();
const proofKey = await newProofKey();

let folder: ReturnType<typeof temporaryFolder>;
let rig: Rig;
let line: TcpProxy;
let file: string;
let key: ReturnType<typeof createSecretKey>;
let place: string;
let ownerToken: string;
let staffIds: Map<string, string>;
let logged: { event: string; facts: Record<string, unknown> }[];
let wall: number;
let mono: number;
let bootId: string;

const clock: Clock = {
  get bootId() {
    return bootId;
  },
  wallMs: () => wall,
  monoMs: () => mono,
};

beforeEach(async () => {
  folder = temporaryFolder();
  file = path.join(folder.path, "duty.sealed");
  key = createSecretKey(randomBytes(32));
  wall = Date.UTC(2026, 2, 2, 3);
  mono = 1_000_000;
  bootId = "boot-1";
  logged = [];
  staffIds = new Map();
  rig = await Rig.start();
  line = await TcpProxy.before(rig.url);
  const made = await rig.checkpoint(owner);
  place = made.checkpointId;
  ownerToken = made.owner.access_token;
  for (const phone of [an, binh]) await hire(phone);
});

afterEach(async () => {
  await line[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const nameOf = (phone: string): string => `Người ${phone.slice(-3)}`;

async function hire(phone: string): Promise<void> {
  const id = randomUUID();
  const body = { id, phone, display_name: nameOf(phone), role: "scanner" };
  const { status, text } = await rig.call("POST", `/v1/checkpoints/${place}/staff`, { body, token: ownerToken });
  if (status !== 201) throw new Error(text);
  staffIds.set(phone, id);
}

async function dismiss(phone: string): Promise<void> {
  const { status } = await rig.call("DELETE", `/v1/checkpoints/${place}/staff/${staffIds.get(phone)}`, {
    token: ownerToken,
  });
  expect(status).toBe(204);
}

/** The machine as it starts: everything it knows comes from the file. */
function start(): Duty {
  return new Duty({
    api: new CentralApi(line.url, clock, proofKey, () => {}),
    store: new CredentialStore(file, key),
    clock,
    deviceId,
    boundCheckpoint: () => place,
    onCheckpoint: () => {},
    onChange: () => {},
    onSignedIn: () => {},
    log: (event, facts) => logged.push({ event, facts }),
  });
}

async function signIn(duty: Duty, phone: string): Promise<string> {
  rig.clock.advance(61_000);
  await duty.requestCode(phone);
  await duty.verify(rig.codes.get(phone) ?? "");
  expect(duty.staff.onDuty?.name, JSON.stringify(duty.view)).toBe(nameOf(phone));
  return duty.staff.onDuty?.id ?? "";
}

async function admit(duty: Duty, phone: string, pin: string): Promise<string> {
  const ref = await signIn(duty, phone);
  await duty.choosePin(pin, pin);
  expect(duty.view).toMatchObject({ state: "signed-in", pinChoice: null });
  return ref;
}

async function takeOver(duty: Duty, ref: string, pin: string): Promise<boolean> {
  duty.choose(ref);
  await duty.tryPin(pin);
  return duty.present.staffRef === ref;
}

function stationOver(
  journal: Journal,
  duty: Duty,
  offset: ClockOffset | null,
  onRecorded: (entry: Entry) => void,
): Station {
  return new Station({
    journal,
    clock,
    policy: () => defaultGatePolicy,
    checkpointId: () => place,
    placeState: () => "active",
    checkPlace: () => "unchecked",
    revoked: () => false,
    onInvitation: () => null,
    showsInFull: () => false,
    duty: () => duty.present,
    clockOffset: () => offset,
    noticeVersion: () => 3,
    attended: () => true,
    onRecorded,
    onChange: () => {},
    onOutcome: () => {},
    log: () => {},
  });
}

const onDisk = (): StoredDuty => new CredentialStore(file, key).read().content;
const said = (duty: Duty): string => {
  const { view } = duty;
  return "message" in view && view.message !== null ? view.message.en : "";
};

describe("shift change", () => {
  test("by name and PIN, offline and after a restart; the one before goes off duty and stays known", async () => {
    const first = start();
    const refAn = await admit(first, an, "7391");
    const refBinh = await admit(first, binh, "48205");
    line.leadTo();
    wall += 3_600_000;
    const duty = start();
    expect(duty.present).toEqual({ state: "signed-in", staffRef: refBinh });
    expect(await takeOver(duty, refAn, "7391")).toBe(true);
    expect(duty.staff.onDuty).toMatchObject({ id: refAn, name: nameOf(an), role: "scanner", sinceMs: wall });
    expect(duty.staff.known.map(({ id, pin }) => [id, pin])).toEqual([
      [refAn, "set"],
      [refBinh, "set"],
    ]);
    expect(start().present).toEqual({ state: "signed-in", staffRef: refAn });
    expect(await takeOver(duty, refBinh, "48205")).toBe(true);
    line.leadTo(rig.url);
    // Both credentials are alive at the centre: nobody was signed out by the change.
    expect(await duty.probe()).toBe(true);
    expect(await takeOver(duty, refAn, "7391")).toBe(true);
    expect(await duty.probe()).toBe(true);
    expect(duty.present.state).toBe("signed-in");
  });

  test("going off duty leaves nobody on duty, also after a restart, and costs no code", async () => {
    const duty = start();
    const ref = await admit(duty, an, "7391");
    duty.goOffDuty();
    expect(start().present).toEqual({ state: "none", staffRef: null });
    expect(duty.accessToken()).toBeNull();
    expect(await takeOver(start(), ref, "7391")).toBe(true);
  });

  test("no PIN stands anywhere: not in the file, not in what is sealed in it, not in the log", async () => {
    await admit(start(), an, "73915264");
    expect(readFileSync(file).includes("73915264")).toBe(false);
    const kept = JSON.stringify(onDisk());
    expect(kept).not.toContain("73915264");
    expect(onDisk().members[0]?.pin).toMatchObject({ cost: { n: 2 ** 15, r: 8, p: 3 } });
    expect(JSON.stringify(logged)).not.toContain("73915264");
  });

  test("a PIN may be chosen right after a code only; what is weak, differs or is no PIN is told", async () => {
    const duty = start();
    await signIn(duty, an);
    for (const weak of ["0000", "1234", "87654321", "1212", "123123", "1990", "2580", "0002", "000000", "1122"]) {
      await duty.choosePin(weak, weak);
      expect(duty.view, weak).toMatchObject({
        pinChoice: { message: { en: expect.stringContaining("easy to guess") } },
      });
    }
    for (const none of ["123", "123456789", "12a4", ""]) {
      await duty.choosePin(none, none);
      expect(duty.view, none).toMatchObject({ pinChoice: { message: { en: expect.stringContaining("4 to 8") } } });
    }
    await duty.choosePin("7391", "7392");
    expect(duty.view).toMatchObject({ pinChoice: { message: { en: expect.stringContaining("differ") } } });
    mono += 6 * 60_000;
    await duty.choosePin("7391", "7391");
    expect(onDisk().members[0]?.pin).toBeNull();
    await signIn(duty, an);
    duty.cancel();
    await duty.choosePin("7391", "7391");
    expect(onDisk().members[0]?.pin).toBeNull();
  });

  test("a power cut between sign-in and PIN: on duty as before, the PIN needs a code again", async () => {
    const ref = await signIn(start(), an);
    const duty = start();
    expect(duty.present).toEqual({ state: "signed-in", staffRef: ref });
    await duty.choosePin("7391", "7391");
    duty.goOffDuty();
    duty.choose(ref);
    expect(said(duty)).toContain("No PIN was chosen");
    await admit(duty, an, "7391");
    duty.goOffDuty();
    expect(await takeOver(start(), ref, "7391")).toBe(true);
  });

  test("somebody else's failing sign-in is told and leaves who is on duty", async () => {
    const duty = start();
    const ref = await admit(duty, an, "7391");
    rig.clock.advance(61_000);
    await duty.requestCode("0900000099");
    await duty.verify(rig.codes.get("0900000099") ?? "000000");
    expect(said(duty)).not.toBe("");
    expect(duty.staff.onDuty?.id).toBe(ref);
    duty.cancel();
    expect(duty.view.state).toBe("signed-in");
  });

  test("a disk that takes nothing keeps duty as it was, and says so", async () => {
    const duty = start();
    const refAn = await admit(duty, an, "7391");
    const refBinh = await admit(duty, binh, "48205");
    const kept = readFileSync(file);
    folder[Symbol.dispose]();
    expect(await takeOver(duty, refAn, "7391")).toBe(false);
    expect(said(duty)).toContain("could not be saved");
    expect(duty.present.staffRef).toBe(refBinh);
    folder = temporaryFolder();
    file = path.join(folder.path, "duty.sealed");
    writeFileSync(file, kept);
    expect(start().present.staffRef).toBe(refBinh);
  });
});

test("two members in turn while scans arrive: each row has who was on duty when its card was read", async () => {
  const journal = await Journal.open({ file: path.join(folder.path, "journal.db"), keys: randomKeys(), log: () => {} });
  const duty = start();
  const refs = [await admit(duty, an, "7391"), await admit(duty, binh, "48205")] as const;
  const rows = new Map<string, string | null>();
  const station = stationOver(journal, duty, null, ({ readerId, staffRef }) => rows.set(readerId, staffRef));
  const expected = new Map<string, string | null>();
  const taken: Promise<void>[] = [];
  let person = 0;
  const scan = (): void => {
    const readerId = `reader-${++person}`;
    const lane: Lane = { readerId, name: readerId, direction: "in" };
    const bytes = Buffer.from(heldCards["CCCD 2021"]?.(person).payload ?? "");
    expected.set(readerId, duty.present.staffRef);
    const scanned = { bytes, aim: null, readerId, receivedMonoMs: mono++, sequence: person, spoiled: null };
    taken.push(station.take(scanned, lane));
  };
  for (let turn = 0; turn < 4; turn++) {
    const ref = refs[turn % 2] ?? "";
    let isOver = false;
    const change = takeOver(duty, ref, turn % 2 === 0 ? "7391" : "48205").finally(() => (isOver = true));
    while (!isOver) {
      scan();
      await new Promise((resolve) => setImmediate(resolve));
      if (person % 8 === 0) await Promise.all(taken);
    }
    expect(await change).toBe(true);
    scan();
  }
  duty.goOffDuty();
  scan();
  await Promise.all(taken);
  station.stop();
  expect(rows.size).toBeGreaterThan(8);
  expect(new Set(expected.values())).toEqual(new Set([...refs, null]));
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(expected));
  await journal.close();
});

describe("wrong PINs", () => {
  test("are counted before they are looked at, through restarts, wait longer and longer, and end in a code", async () => {
    const ref = await admit(start(), an, "7391");
    line.leadTo();
    const waits: number[] = [];
    let looked = 0;
    for (let guess = 4000; looked < 20; guess++) {
      const duty = start();
      duty.choose(ref);
      if (duty.view.state !== "pin") break;
      if (duty.view.waitS > 0) {
        waits.push(duty.view.waitS);
        await duty.tryPin("7391");
        expect(duty.view, "not even the right one").toMatchObject({ message: { en: expect.stringContaining("wait") } });
        // The wall clock is anybody's to set.
        wall += 30 * 86_400_000;
        expect(duty.view).toMatchObject({ waitS: waits.at(-1) });
        wall -= 60 * 86_400_000;
        mono += (waits.at(-1) ?? 0) * 500;
        expect(start().staff.known).toHaveLength(1);
        // Half of it has passed, but a new boot does not know that.
        bootId = randomUUID();
        const rebooted = start();
        rebooted.choose(ref);
        expect(rebooted.view).toMatchObject({ waitS: waits.at(-1) });
        mono += (waits.at(-1) ?? 0) * 1000;
        rebooted.choose(ref);
        expect(rebooted.view).toMatchObject({ waitS: 0 });
        // The agent is started anew in the same boot: what has passed has passed, once it was written down.
        await rebooted.tryPin(String(guess));
        looked++;
        continue;
      }
      const checked = duty.tryPin(String(guess));
      expect(onDisk().members[0]?.tries.wrong, "before it was looked at").toBe(looked + 1);
      await checked;
      looked++;
    }
    expect(looked).toBe(mostTries);
    expect(waits).toEqual([60, 300, 900]);
    const duty = start();
    expect(duty.staff.known).toMatchObject([{ pin: "locked" }]);
    duty.choose(ref);
    expect(said(duty)).toContain("locked");
    line.leadTo(rig.url);
    await signIn(duty, an);
    duty.goOffDuty();
    expect(await takeOver(duty, ref, "7391")).toBe(true);
  }, 60_000);

  test("the right one after some wrong ones begins anew; one that is cancelled while it is checked is not held against it", async () => {
    const duty = start();
    const ref = await admit(duty, an, "7391");
    duty.goOffDuty();
    for (const wrong of ["7392", "7393", "7394"]) expect(await takeOver(duty, ref, wrong)).toBe(false);
    expect(said(duty)).toContain("2 tries left");
    expect(await takeOver(duty, ref, "7391")).toBe(true);
    expect(onDisk()).toMatchObject({ triesOfAll: 0, members: [{ tries: { wrong: 0 } }] });
    duty.goOffDuty();
    duty.choose(ref);
    const checked = duty.tryPin("7391");
    duty.cancel();
    await checked;
    expect(duty.present.state).toBe("none");
    expect(onDisk()).toMatchObject({ triesOfAll: 0, members: [{ tries: { wrong: 0 } }] });
  });

  test("a few under each name close all PINs, until somebody proves a code", async () => {
    const duty = start();
    const right = await admit(duty, an, "7391");
    duty.goOffDuty();
    const state = onDisk();
    const [known] = state.members;
    const others = Array.from({ length: 6 }, (_, index) =>
      memberOf(`other-${index}`, { accessToken: `a${index}`, refreshToken: `r${index}` }, { pin: known?.pin ?? null }),
    );
    new CredentialStore(file, key).write({ ...state, members: [...state.members, ...others] });
    const machine = start();
    line.leadTo();
    let tries = 0;
    for (const { staffRef } of others) {
      for (let guess = 0; guess < 4; guess++) {
        machine.choose(staffRef);
        if (machine.view.state !== "pin") continue;
        await machine.tryPin(String(5000 + guess));
        tries++;
      }
    }
    expect(tries).toBe(20);
    machine.choose(right);
    expect(said(machine)).toContain("code by phone to open them again");
    const again = start();
    again.choose(right);
    expect(said(again)).toContain("code by phone to open them again");
    line.leadTo(rig.url);
    await signIn(again, binh);
    expect(await takeOver(again, right, "7391")).toBe(true);
  }, 60_000);
});

describe("what the owner takes away", () => {
  test("reaches the machine at its next contact: off duty, forgotten, said; the sign-in ends at the centre", async () => {
    const duty = start();
    await admit(duty, binh, "48205");
    const ref = await admit(duty, an, "7391");
    line.leadTo();
    await dismiss(an);
    await duty.probe();
    expect(duty.present.staffRef).toBe(ref);
    const token = onDisk().members[0]?.tokens.refreshToken ?? "";
    line.leadTo(rig.url);
    mono += 61_000;
    await duty.watch();
    expect(duty.present).toEqual({ state: "none", staffRef: null });
    expect(duty.staff.known.map(({ name }) => name)).toEqual([nameOf(binh)]);
    expect(duty.staff.notice?.vi).toContain(`${nameOf(an)} không còn quyền quét`);
    const again = start();
    expect(again.staff.notice?.en).toContain("no longer");
    again.choose(ref);
    expect(said(again)).toContain("no longer knows");
    expect(onDisk().revocations).toEqual([]);
    expect(JSON.stringify(onDisk())).not.toContain(token);
    rig.clock.advance(61_000);
    await again.requestCode(an);
    await again.verify(rig.codes.get(an) ?? "000000");
    expect(again.present.state).toBe("none");
  });

  test("is also seen of who comes on duty with a PIN, and of who is not on duty", async () => {
    const duty = start();
    const refAn = await admit(duty, an, "7391");
    await admit(duty, binh, "48205");
    await dismiss(an);
    await takeOver(duty, refAn, "7391");
    await until("the centre's word is heard", () => duty.present.state === "none");
    const refAgain = await admit(duty, binh, "48205");
    duty.goOffDuty();
    await dismiss(binh);
    for (let minute = 0; minute < 10; minute++) {
      mono += 61_000;
      await duty.watch();
    }
    expect(duty.staff.known.map(({ id }) => id)).not.toContain(refAgain);
  });

  test("an access token that ran out hides nothing: it is renewed and asked again", async () => {
    const duty = start();
    await admit(duty, an, "7391");
    await dismiss(an);
    rig.clock.advance(11 * 60_000);
    await duty.probe();
    expect(duty.present.state).toBe("none");
    expect(duty.staff.notice).not.toBeNull();
  });

  test("no centre, a foreign answer or a fault of the centre takes nobody off duty", async () => {
    const duty = start();
    const ref = await admit(duty, an, "7391");
    line.leadTo();
    await duty.probe();
    await rig.stop();
    await duty.probe();
    expect(duty.present).toEqual({ state: "signed-in", staffRef: ref });
  });

  test("unsent rows stay, arrive under another sign-in with the right names; later ones are held by the place's rule", async () => {
    const journal = await Journal.open({
      file: path.join(folder.path, "journal.db"),
      keys: randomKeys(),
      log: () => {},
    });
    await rig.enrolled({ id: deviceId, checkpointId: place }, proofKey);
    const duty = start();
    const refBinh = await admit(duty, binh, "48205");
    const refAn = await admit(duty, an, "7391");
    wall = rig.clock.now();
    const station = stationOver(journal, duty, { offsetMs: 0, monoMs: mono, bootId, serverMs: wall }, () => {});
    const scan = async (person: number): Promise<void> => {
      const bytes = Buffer.from(heldCards["CCCD 2021"]?.(person).payload ?? "");
      const lane: Lane = { readerId: "gate", name: "gate", direction: "in" };
      await station.take(
        { bytes, aim: null, readerId: "gate", receivedMonoMs: mono, sequence: person, spoiled: null },
        lane,
      );
    };
    const pass = (ms: number): void => {
      rig.clock.advance(ms);
      mono += ms;
      wall += ms;
    };
    line.leadTo();
    await scan(1);
    pass(60_000);
    await dismiss(an);
    pass(60_000);
    await scan(2);
    expect(journal.figures.unsent).toBe(2);
    line.leadTo(rig.url);
    await duty.probe();
    expect(duty.present.state).toBe("none");
    expect(journal.figures.unsent).toBe(2);
    expect(await takeOver(duty, refBinh, "48205")).toBe(true);
    pass(10_000);
    await scan(3);
    const outbox = new Outbox({
      journal,
      api: new CentralApi(line.url, clock, proofKey, () => {}),
      credential: duty,
      deviceId,
      isEnrolled: () => true,
      clock,
      clockIsImpossible: () => false,
      onChange: () => {},
      log: () => {},
    });
    outbox.start();
    await until("everything is sent", () => journal.figures.unsent === 0);
    await outbox.stop();
    station.stop();
    const entries = (await journal.newest(20)).toReversed();
    expect(entries.map(({ staffRef, state }) => [staffRef, state])).toEqual([
      [refAn, "stored"],
      [refAn, "stored"],
      [refBinh, "stored"],
    ]);
    expect(journal.figures.quarantined).toBe(0);
    const central = new Database(rig.databasePath, { readonly: true });
    expect(central.prepare("SELECT staff_ref, review, notice_version FROM entry ORDER BY seq").raw().all()).toEqual([
      [refAn, null, 3],
      [refAn, "held", 3],
      [refBinh, null, 3],
    ]);
    central.close();
    await journal.close();
  });
});

test("of two hundred members the fifty last on duty are known; the sign-ins of the others end at the centre", async () => {
  const duty = start();
  const chi = "0900000500";
  await hire(chi);
  await signIn(duty, chi);
  const last = await admit(duty, an, "7391");
  const state = onDisk();
  const [known, real] = state.members;
  if (known === undefined || real === undefined) throw new Error("Two members are known.");
  // The first that has to go is a true sign-in, so that the centre can be seen to end it.
  const others = Array.from({ length: 199 }, (_, index) =>
    memberOf(`staff-${index}`, { accessToken: `access-${index}`, refreshToken: `refresh-${index}` }),
  ).toSpliced(mostMembers - 2, 0, real);
  const asked = () =>
    new CentralApi(line.url, clock, proofKey, () => {}).call({
      operation: operations.listMyCheckpoints,
      accessToken: real.tokens.accessToken,
      schema: checkpointsPage,
    });
  expect((await asked()).kind).toBe("ok");
  new CredentialStore(file, key).write({ ...state, members: [known, ...others] });
  const crowded = start();
  expect(crowded.staff.known).toHaveLength(201);
  await signIn(crowded, binh);
  expect(crowded.staff.known).toHaveLength(mostMembers);
  expect(crowded.staff.known.slice(0, 2).map(({ name }) => name)).toEqual([nameOf(binh), nameOf(an)]);
  expect(crowded.staff.known[1]?.id).toBe(last);
  expect(await asked()).toMatchObject({ kind: "refused", status: 401 });
  expect(onDisk().revocations).toEqual([]);
});

test("a damaged file costs a code each, is said on the screen and in the log, and the next sign-in mends it", async () => {
  await admit(start(), an, "7391");
  const bytes = readFileSync(file);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const duty = start();
  expect(duty.present).toEqual({ state: "none", staffRef: null });
  expect(duty.staff.notice?.vi).toContain("không mất");
  expect(logged.at(-1)?.event).toBe("duty.damaged");
  await admit(duty, an, "7391");
  expect(start().staff).toMatchObject({ notice: null, known: [{ name: nameOf(an), pin: "set" }] });
});
