import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import type { z } from "zod";
import { type DeviceConfig, deviceConfig } from "../contract/devices.ts";
import { operations } from "../contract/operations.ts";
import { type Checkpoint, checkpoint } from "../contract/places.ts";
import { parseRelaySpecs, type RelaySpec } from "../drivers/gate/relay-spec.ts";
import { type KeyboardCalibration, uncalibrated } from "../drivers/keyboard/calibration.ts";
import type { RawScan } from "../drivers/reader.ts";
import { type AutoSpec, parseReaderChoice, type ReaderSpec } from "../drivers/reader-spec.ts";
import { qrPath } from "../drivers/reader-test/qr-picture.ts";
import { qrSymbol } from "../drivers/reader-test/qr-symbol.ts";
import type { AgentConfig } from "../provisioning/agent-config.ts";
import { AgentError } from "../provisioning/agent-error.ts";
import { appVersion } from "../provisioning/app-version.ts";
import { prepareDataFolder, volatileFileSystem } from "../provisioning/data-folder.ts";
import { writeDurably } from "../provisioning/durable-file.ts";
import { loadOwnerKey } from "../provisioning/owner-key.ts";
import { loadReaderProfiles, saveReaderProfile } from "../provisioning/reader-profiles.ts";
import { keyBackend, loadStationKeys } from "../provisioning/secrets.ts";
import { type LoopbackCarrier, newScreenToken, openLoopback } from "./carriers/loopback.ts";
import { Screens } from "./carriers/screens.ts";
import { takeReceipts } from "./carry/take-receipts.ts";
import { type Clock, systemClock } from "./clock.ts";
import { CodeKeyKeeper, keptCodeKeys } from "./code-keys.ts";
import { warmUp } from "./codes/recognise.ts";
import { deviceKeyFile, loadDeviceKey } from "./device-key.ts";
import { CredentialStore } from "./duty/credential-store.ts";
import { Duty } from "./duty/duty.ts";
import { Credentials, DeviceCredential } from "./enrolment/device-credential.ts";
import { Enrolment } from "./enrolment/enrolment.ts";
import { enrolmentFile } from "./enrolment/enrolment-file.ts";
import { thisMachine } from "./enrolment/machine.ts";
import { lockFolder } from "./folder-lock.ts";
import { refusals } from "./gate/sentences.ts";
import { defaultGatePolicy, type GatePolicy } from "./gate/verdict.ts";
import { healthFigures } from "./health.ts";
import { indicate } from "./indication.ts";
import { giveBackWhereFull } from "./journal/ballast.ts";
import { dataKeysFile, ownerKeyFact } from "./journal/data-keys.ts";
import { answerWithinMs, Journal } from "./journal/journal.ts";
import { journalHoldsRows } from "./journal/store.ts";
import { calibrationOf, pageKeyboardId, withCalibration } from "./keyboard-calibration.ts";
import type { KioskIntent } from "./kiosk-port/intent.ts";
import { type KioskPort, pageAnswerWithinMs, type ScanOutcome } from "./kiosk-port/port.ts";
import type { EnrolmentView, KioskView, NoticeView } from "./kiosk-port/view.ts";
import { checkPlaceCode } from "./place-check.ts";
import { type ScreenRights, screenRights, showsInFull } from "./policy.ts";
import { QuietLog } from "./quiet-log.ts";
import { ReaderTest, testedReader } from "./reader-test.ts";
import { Readers } from "./readers.ts";
import { Recent } from "./recent.ts";
import { Relays } from "./relays.ts";
import { type Lane, Station } from "./station.ts";
import { CentralApi } from "./sync/central-api.ts";
import { type ClockOffset, clockIsImpossible, clockOffset, clockStateOf, measuredOffset } from "./sync/clock-offset.ts";
import { Heartbeat } from "./sync/heartbeat.ts";
import { Outbox } from "./sync/outbox.ts";
import { sendAgain } from "./sync/send-again.ts";

export type AgentLog = (event: string, facts: Record<string, unknown>) => void;

export interface AgentOptions {
  readonly config: AgentConfig;
  /** Folder of the built kiosk page; null serves none (headless). */
  readonly pageDir: string | null;
  readonly log: AgentLog;
  readonly onOutcome?: (outcome: ScanOutcome) => void;
  readonly clock?: Clock;
}

export interface Agent {
  /** Address of the kiosk page, with the screen token in its fragment. */
  readonly pageUrl: string;
  readonly dataDir: string;
  /** Adds a screen that comes over another carrier than the loopback socket. */
  addScreen(port: KioskPort): void;
  /** Resolves when the journal has answered, rejects when it cannot: what a watchdog is fed with. */
  alive(): Promise<void>;
  /** No new scan is taken from anywhere, the call in flight is cut, the journal closes. */
  stop(): Promise<void>;
}

/** How `tram scan` and other commands of the same user find the running agent. */
export const runtimeFile = "agent.run.json";

/** A page (0600) that leads to the kiosk page, so that its token stands in no command line and no log. */
export const pageFile = "kiosk.html";

/** Ages and counts on a quiet screen are redrawn this often. */
const redrawEveryMs = 15_000;
const saveOffsetEveryMs = 600_000;
/** A sign of life for every page; see `silentAfterMs`. */
const beatEveryMs = 1_000;
/** How often duty is reminded to look after its members; how often it asks is its own. */
const watchDutyEveryMs = 15_000;
/** What the journal may take, and what came before it, end before the page says "not recorded" by itself. */
const lateScanMs = pageAnswerWithinMs - answerWithinMs;
/** What the contract's entries have room for. */
const maxReaderIdLength = 200;
const maxReaderNameLength = 120;

/**
 * Builds, wires and starts one agent. Only this file knows everyone.
 *
 * @throws AgentError with one sentence when the machine is not fit to record; nothing has been changed then
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { config } = options;
  const quiet = new QuietLog(options.log);
  const log = quiet.write;
  const clock = options.clock ?? systemClock();
  const readerChoices = config.readers.map(parseReaderChoice);
  const relaySpecs = parseRelaySpecs(config.gate.relays);
  refuseContradictions(readerChoices, relaySpecs);
  const ownerKey = config.journal.ownerKey === undefined ? null : loadOwnerKey(config.journal.ownerKey);
  const dataDir = prepareDataFolder(config.dataDir);
  refuseVolatileFolder(dataDir, config.demo, log);
  const journalFile = path.join(dataDir, "journal.db");
  const ballastBytes = config.journal.ballastMiB * 2 ** 20;
  // A start needs a little room: its lock, its address, the log of the journal.
  giveBackWhereFull(journalFile, ballastBytes);
  const lock = await lockFolder(dataDir);
  const keys = loadStationKeys(path.join(dataDir, "station.key"), !journalHoldsRows(journalFile), ownerKey);
  /** The centre's time as it was told last, and when that was by the monotonic clock. */
  let heard = { serverMs: Number.NaN, monoMs: 0 };
  let onJournal = (): void => {};
  const journal = await Journal.open({
    file: journalFile,
    keys,
    log,
    policy: {
      ballastBytes,
      keepStoredMs: config.journal.keepStoredHours * 3_600_000,
      backUpEveryMs: config.journal.backupMinutes * 60_000,
    },
    serverMs: () => (Number.isNaN(heard.serverMs) ? null : heard.serverMs + clock.monoMs() - heard.monoMs),
    onChange: () => onJournal(),
  });
  warmUp();

  const device = await loadDeviceKey(path.join(dataDir, deviceKeyFile), {
    station: keys.device,
    credentialsDirectory: process.env.CREDENTIALS_DIRECTORY,
  });
  if (device.problem !== null) log("device-key.unusable", { problem: device.problem });
  const deviceId = await persistentId(journal, "device-id");
  let offset = await readFact(journal, "clock-offset", clockOffset);
  let savedOffset = offset;
  const enrolment = new Enrolment({
    file: path.join(dataDir, enrolmentFile),
    key: device.key,
    keyProblem: device.problem,
    deviceId,
    machine: { ...thisMachine(), appVersion },
    configuredCentre: config.central ?? null,
    apiOf: (centre) => new CentralApi(centre, clock, device.key, () => {}),
    clock,
    records: () => checkpointId() !== null,
    unsent: () => journal.figures.unsent,
    onChanged: () => onEnrolment(),
    onChange: () => draw(),
    symbolOf: async (text) => qrPath(await qrSymbol({ bytes: Buffer.from(text, "utf8"), declaresUtf8: false })),
    log,
  });
  let place: Checkpoint | null = await readFact(journal, "checkpoint", checkpoint);
  // A machine of before enrolment goes on where somebody's sign-in bound it.
  const boundBefore = place?.id ?? null;
  const checkpointId = (): string | null => enrolment.registration?.checkpoint_id ?? config.checkpointId ?? boundBefore;
  if (place !== null && place.id !== checkpointId()) place = null;
  /** What the centre said last of the place this machine records for; null when it has said nothing yet. */
  const told = (): (Pick<Checkpoint, "name" | "state" | "policy"> & Pick<DeviceConfig["place"], "notice">) | null => {
    const wanted = enrolment.config?.value.place;
    return wanted !== undefined && wanted.id === checkpointId() ? wanted : place;
  };
  const placeName = (): string | null => told()?.name ?? enrolment.registration?.place_name ?? null;
  const recent = new Recent();
  // A screen without its list is better than no screen.
  const newest = await journal.newest(20).catch(() => []);
  for (const entry of newest.reverse()) recent.add(entry);

  const api = new CentralApi(enrolment.centre, clock, device.key, (offsetMs) => {
    offset = measuredOffset(offsetMs, clock);
    heard = { serverMs: Math.round(clock.wallMs() + offsetMs), monoMs: clock.monoMs() };
    if (!isWorthSaving(offset, savedOffset, clock)) return;
    saveFact("clock-offset", offset);
    savedOffset = offset;
  });
  const duty = new Duty({
    api,
    store: new CredentialStore(path.join(dataDir, "duty.sealed"), keys.duty),
    clock,
    deviceId,
    boundCheckpoint: checkpointId,
    onCheckpoint: (current) => {
      if (current.id !== checkpointId()) return;
      if (JSON.stringify(current) === JSON.stringify(place)) return;
      place = current;
      saveFact("checkpoint", current);
      draw();
    },
    onChange: () => draw(),
    onSignedIn: () => {
      outbox.retryNow();
      heartbeat.soon();
    },
    log,
  });
  const machineCredential = new DeviceCredential({
    api,
    deviceId,
    isEnrolled: () => enrolment.registration !== null,
    onRevoked: () => enrolment.hearRevoked(),
    onReady: () => {
      outbox.retryNow();
      heartbeat.soon();
    },
    log,
  });
  const credentials = new Credentials(duty, machineCredential);
  const outbox = new Outbox({
    journal,
    api,
    credential: credentials,
    deviceId,
    isEnrolled: () => enrolment.registration !== null,
    clock,
    clockIsImpossible: () => clockIsImpossible(offset, clock),
    onChange: () => {
      beside("recent.fault", recent.refresh((ids) => journal.states(ids)).then(draw));
      draw();
    },
    log,
  });
  const heartbeat = new Heartbeat({
    api,
    credential: credentials,
    deviceId,
    figures: () =>
      healthFigures({
        journal,
        journalFile,
        clock,
        clockOffset: () => offset,
        readers: () => readers.views,
        keyBackend: device.backend,
      }),
    onHighWater: async (seq) => void (await journal.noteHighWater(seq)),
    onMissing: async (ranges) => {
      const rows = await sendAgain(journal, ranges);
      if (rows === 0) return;
      log("outbox.sending-again", { rows });
      outbox.nudge();
    },
    onMinVersion: (minVersion) => log("agent.update-wanted", { minVersion }),
    onConfigTag: (etag) => beside("enrolment.config-fault", fetchConfig(etag)),
    onRevoked: () => enrolment.hearRevoked(),
    log,
  });
  /** What the centre wants of this machine; one that cannot be read is not taken and the one before stays. */
  const fetchConfig = async (etag: string): Promise<void> => {
    const accessToken = credentials.accessToken();
    if (etag === enrolment.config?.etag || accessToken === null) return;
    const reply = await api.call({
      operation: operations.deviceConfig,
      parameters: { id: deviceId },
      accessToken,
      schema: deviceConfig,
    });
    if (reply.kind === "ok") return enrolment.takeConfig(reply.value, etag);
    if (reply.kind !== "foreign") return;
    log("enrolment.config-refused", {
      why: `The configuration is not taken, because ${reply.detail}; the one before stays.`,
    });
  };
  let belonged = belongingOf(enrolment);
  const onEnrolment = (): void => {
    const belongs = belongingOf(enrolment);
    if (belongs !== belonged) {
      belonged = belongs;
      api.moveTo(enrolment.centre);
      codeKeys.moved();
      machineCredential.forget();
      if (place !== null && place.id !== checkpointId()) place = null;
      outbox.retryNow();
      heartbeat.soon();
    }
    draw();
  };
  const policy = (): GatePolicy => {
    const wanted = told()?.policy;
    const rescanS = config.gate.rescanS ?? wanted?.rescan_s;
    return {
      ...defaultGatePolicy,
      ...(wanted === undefined ? {} : { recordWithoutDuty: wanted.record_when_expired }),
      ...(rescanS === undefined ? {} : { rescanMs: rescanS * 1000 }),
    };
  };
  const codeKeys = new CodeKeyKeeper({
    api,
    central: () => enrolment.centre,
    clock,
    kept: await readFact(journal, "code-keys", keptCodeKeys),
    keep: (kept) => saveFact("code-keys", kept),
    log,
  });
  const station = new Station({
    journal,
    clock,
    policy,
    checkpointId,
    placeState: () => told()?.state ?? "active",
    revoked: () => enrolment.revoked,
    onInvitation: ({ centre, secret }) => enrolment.begin({ centre, invitation: secret }),
    checkPlace: (text) => {
      const own = place === null ? null : { id: place.id, codeNumber: place.place_code?.number ?? null };
      const found = checkPlaceCode(text, codeKeys.keys, own);
      if (found === "unchecked") codeKeys.unknownKey();
      return found;
    },
    duty: () => duty.present,
    clockOffset: () => offset,
    noticeVersion: () => (screens.attended ? (notice()?.version ?? null) : null),
    attended: () => screens.attended,
    showsInFull: () => showsInFull(place, duty.member, duty.proofAgeMs),
    onRecorded: (entry) => {
      recent.add(entry);
      outbox.nudge();
    },
    onChange: () => draw(),
    onOutcome: (outcome) => {
      screens.tell(outcome);
      options.onOutcome?.(outcome);
      indicate(outcome, config.indication, {
        open: (direction, readerId) =>
          relays.open(direction, readers.views.find((reader) => reader.id === readerId)?.name ?? null),
        beep: (readerId, command) => void readers.command(readerId, command),
        onFault: (error) => log("indication.fault", { error: String(error) }),
      });
    },
    log,
  });

  const notice = (): NoticeView | null => {
    const wanted = told()?.notice ?? null;
    if (wanted === null) return null;
    const { version, vi, en } = wanted;
    return { version, text: { vi, en: en === "" ? vi : en } };
  };
  const rights = (): ScreenRights => screenRights(duty.member ?? (duty.knowsNobody ? "nobody-known" : "nobody"));

  let revision = 0;
  /** Total: a screen is told the truth also when the journal cannot be read. */
  const view = (): KioskView => {
    try {
      return wholeView();
    } catch (error) {
      log("agent.view-fault", { error: String(error) });
      return outOfOrderView(++revision, placeName(), enrolment.view);
    }
  };
  const wholeView = (): KioskView => {
    const settings = enrolment.config?.value.settings;
    const nowMs = clock.wallMs();
    const queue = journal.figures;
    return {
      revision: ++revision,
      placeName: placeName(),
      screen: queue.store.isAccepting ? station.screen : outOfOrder,
      readers: readers.views,
      unusable: readers.unusable,
      relays: relays.views,
      readerTest: readerTest.view,
      tested: profiles.map(testedReader),
      capture: { ...config.capture, camera: settings?.camera ?? config.capture.camera },
      keyboardCalibration: calibration(pageKeyboardId),
      enrolment: enrolment.view,
      duty: duty.view,
      staff: { ...duty.staff, may: rights().may, keyBackend: device.backend },
      notice: notice(),
      queue: {
        online: outbox.status.online,
        unsent: queue.unsent,
        oldestAgeS: queue.oldestWallMs === null ? null : Math.max(0, Math.round((nowMs - queue.oldestWallMs) / 1000)),
        quarantined: queue.quarantined,
        message: outbox.status.message,
      },
      inside: queue.inside,
      recent: recent.list(nowMs).slice(0, rights().recentEntries),
    };
  };
  const screens = new Screens(view, (intent, fromPage) => obey(intent, fromPage));
  const draw = (): void => {
    if (started) screens.draw();
  };
  onJournal = draw;
  const pageLane = (source: string, direction?: Lane["direction"]): Lane => ({
    readerId: `page:${source}`,
    name: source,
    direction: direction ?? config.gate.pageDirection,
  });
  let sequence = 0;
  const beside = (fault: string, work: Promise<unknown>): void => {
    work.catch((error: unknown) => log(fault, { error: String(error) }));
  };
  const saveFact = (name: string, value: unknown): void =>
    beside("agent.fact-not-saved", journal.setFact(name, JSON.stringify(value)));
  const obey = (intent: KioskIntent, fromPage: boolean): void => {
    if (fromPage && !isAllowed(intent, rights(), duty.member?.staffRef)) {
      return log("kiosk.not-allowed", { intent: intent.kind });
    }
    switch (intent.kind) {
      case "captured":
        if (intent.capturedAtMs !== undefined && clock.wallMs() - intent.capturedAtMs > lateScanMs) {
          return log("page.scan-late", { source: intent.source, ageMs: clock.wallMs() - intent.capturedAtMs });
        }
        return take(
          {
            bytes: Buffer.from(intent.bytesB64, "base64"),
            aim: null,
            readerId: `page:${intent.source}`,
            receivedMonoMs: performance.now(),
            sequence: ++sequence,
            spoiled: intent.spoiled ?? null,
          },
          pageLane(intent.source, intent.direction),
          intent.correlationId ?? null,
        );
      case "reader-test-start":
        return beginTest(intent.readerId);
      case "reader-test-next":
        return readerTest.next();
      case "reader-test-stop":
        return readerTest.stop();
      case "sign-in":
        return beside("duty.fault", duty.requestCode(intent.phone));
      case "verify":
        return beside("duty.fault", duty.verify(intent.code));
      case "cancel-sign-in":
        return duty.cancel();
      case "take-over":
        return duty.choose(intent.staffId);
      case "pin":
        return beside("duty.fault", duty.tryPin(intent.pin));
      case "choose-pin":
        return beside("duty.fault", duty.choosePin(intent.pin, intent.again));
      case "go-off-duty":
        return duty.goOffDuty();
      case "sign-out":
        return beside("duty.fault", duty.signOut(intent.staffId));
      case "answer":
        return void station.answer(intent.scanId, intent.accept);
      case "enrol":
        return void enrolment.begin({ centre: intent.centre });
      case "cancel-enrolment":
        return enrolment.cancel();
      case "allow-enrolment":
        return enrolment.allow();
      case "take-receipts":
        return takeInReceipts();
      case "send-refused-again":
        return beside("journal.fault", sendRefusedAgain());
      case "dismiss":
        return station.dismiss(intent.scanId);
    }
  };

  const sendRefusedAgain = async (): Promise<void> => {
    log("journal.refused-released", { entries: await journal.releaseRefused() });
    outbox.retryNow();
    draw();
  };
  const takeInReceipts = (): void =>
    beside("receipt.fault", takeReceipts(dataDir, deviceId, keys.receipts, journal, clock.wallMs(), log).then(draw));

  const known = loadReaderProfiles(dataDir);
  let profiles = known.readers;
  if (known.problem !== null) log("reader-test.profiles", { problem: known.problem });
  const readerTest = new ReaderTest({
    onChange: () => draw(),
    onTested: (profile) => {
      saveReaderProfile(dataDir, withCalibration(profile, profiles));
      profiles = loadReaderProfiles(dataDir).readers;
    },
    wallMs: () => clock.wallMs(),
    log,
  });
  /** In its test a reader is heard with its prefix, so that the test tells whether it still has one. */
  const calibration = (readerId: string): KeyboardCalibration => {
    const known = calibrationOf(profiles, readerId);
    return readerTest.takes(readerId) ? { ...known, prefix: "" } : known;
  };
  const beginTest = (readerId: string): void => {
    const reader = readers.views.find(({ id }) => id === readerId);
    if (reader !== undefined) void readerTest.start(reader);
    else if (readerId === pageKeyboardId) void readerTest.start({ id: readerId, name: "keyboard", transport: "page" });
  };
  const take = (scan: RawScan, lane: Lane, correlationId: string | null = null): void => {
    if (readerTest.takes(lane.readerId)) readerTest.scan(scan);
    else void station.take(scan, lane, correlationId);
  };

  let started = false;
  const readers = new Readers({
    choices: readerChoices,
    onScan: take,
    onRaw: (readerId, event) => readerTest.raw(readerId, event),
    calibration,
    onChange: () => draw(),
    log,
  });
  const relays = new Relays({ specs: relaySpecs, onChange: () => draw(), log });
  const runtime = path.join(dataDir, runtimeFile);
  let loopback: LoopbackCarrier | undefined;
  try {
    loopback = await openLoopback({
      port: config.kioskPort,
      token: screenToken(path.join(dataDir, "screen.token")),
      pageDir: options.pageDir,
      onPort: (port, draws) => screens.add(port, draws),
      log,
    });
    writeDurably(runtime, JSON.stringify({ pid: process.pid, port: loopback.port, token: loopback.token }));
    writeDurably(path.join(dataDir, pageFile), redirectTo(loopback.pageUrl));
  } catch (error) {
    await Promise.all([readers[Symbol.asyncDispose](), relays[Symbol.asyncDispose]()]);
    await loopback?.close();
    await journal.close();
    lock.close();
    throw error;
  }
  started = true;
  const recount = (): void =>
    beside("journal.fault", journal.recount(clock.wallMs() - policy().forgottenExitAfterMs).finally(draw));
  enrolment.start();
  outbox.start();
  heartbeat.start();
  codeKeys.start();
  const redraw = setInterval(() => {
    recount();
  }, redrawEveryMs);
  const beat = setInterval(() => screens.beat(), beatEveryMs);
  const watch = setInterval(() => beside("duty.fault", duty.watch()), watchDutyEveryMs);
  recount();
  beside("journal.fault", sayKeys(journal, log));
  if (ownerKey !== null) saveFact(ownerKeyFact, ownerKey.pem);
  takeInReceipts();
  log("agent.started", { dataDir, deviceId, deviceKeyBackend: device.backend, ...journal.figures });

  return {
    pageUrl: loopback.pageUrl,
    dataDir,
    addScreen: (port) => screens.add(port, true),
    alive: async () => void (await journal.alive()),
    stop: async () => {
      clearInterval(redraw);
      clearInterval(beat);
      clearInterval(watch);
      await Promise.all([readers[Symbol.asyncDispose](), relays[Symbol.asyncDispose](), loopback.close()]);
      readerTest.stop();
      station.stop();
      await Promise.all([enrolment.stop(), outbox.stop(), heartbeat.stop(), codeKeys.stop()]);
      rmSync(runtime, { force: true });
      await journal.close();
      lock.close();
      quiet[Symbol.dispose]();
      options.log("agent.stopped", {});
    },
  };
}

const outOfOrder: KioskView["screen"] = { state: "out-of-order", reason: "journal", ...refusals["not-recorded"] };

/** Tells two answers to "whose is this machine" apart. */
function belongingOf({ registration, revoked, centre }: Enrolment): string {
  return JSON.stringify([centre, registration?.checkpoint_id, revoked]);
}

function outOfOrderView(revision: number, placeName: string | null, enrolment: EnrolmentView): KioskView {
  return {
    revision,
    placeName,
    screen: outOfOrder,
    readers: [],
    unusable: [],
    relays: [],
    readerTest: null,
    tested: [],
    capture: { camera: "off", keyboard: false },
    keyboardCalibration: uncalibrated,
    enrolment,
    duty: { state: "none", message: null },
    staff: { onDuty: null, known: [], notice: null, may: screenRights("nobody").may, keyBackend },
    notice: null,
    queue: { online: false, unsent: 0, oldestAgeS: null, quarantined: 0, message: null },
    inside: 0,
    recent: [],
  };
}

/** What only some may ask at the screen; everything else anybody may. */
function isAllowed(intent: KioskIntent, { may }: ScreenRights, onDuty: string | undefined): boolean {
  switch (intent.kind) {
    case "reader-test-start":
      return may.testReaders;
    case "send-refused-again":
      return may.sendRefusedAgain;
    case "allow-enrolment":
      return may.enrolAgain;
    case "sign-out":
      return may.forgetOthers || intent.staffId === undefined || intent.staffId === onDuty;
    default:
      return true;
  }
}

/** What the readers and the relays say of each other must be possible: a gate that never opens is found too late. */
export function refuseContradictions(choices: readonly (ReaderSpec | AutoSpec)[], relays: readonly RelaySpec[]): void {
  const named = choices.filter((choice) => choice.transport !== "auto");
  const hasAuto = named.length < choices.length;
  if (choices.length - named.length > 1) {
    throw new AgentError("config.invalid", 'The readers name "auto" twice; give it once.');
  }
  for (const { id, name, path: location } of named) {
    if (id.length > maxReaderIdLength || name.length > maxReaderNameLength) {
      throw new AgentError("config.invalid", `The reader ${id.slice(0, 60)}… has too long a path or name; shorten it.`);
    }
    if (relays.some((relay) => relay.path === location)) {
      throw new AgentError("config.invalid", `${location} is named as a reader and as a relay; it can only be one.`);
    }
  }
  for (const { id, readerName } of relays) {
    if (readerName === null || hasAuto || named.some(({ name }) => name === readerName)) continue;
    throw new AgentError(
      "config.invalid",
      `The relay ${id} opens for the reader "${readerName}", but no reader has that name; correct its reader= or the reader's name=.`,
    );
  }
}

/** Where the keys are weak or broken stands in the log of every start. */
async function sayKeys(journal: Journal, log: AgentLog): Promise<void> {
  const { ownerKey, dataKeys, withoutOwner, unusable, repaired, copyFault } = await journal.keyReport();
  log("journal.keys", {
    keyBackend,
    ownerKey,
    dataKeys,
    withoutOwner,
    repaired,
    ...(ownerKey === null
      ? {
          warning:
            'No owner key is configured: losing station.key would lose what was not sent; make one with "tram journal owner-key" and name it in "journal.ownerKey".',
        }
      : {}),
  });
  if (copyFault !== null) log("journal.key-copy", { warning: `${dataKeysFile} cannot be written (${copyFault}).` });
  for (const { id, why } of unusable) {
    log("journal.key-unusable", {
      dataKey: id,
      why,
      warning: 'Rows under this data key cannot be sent from here; read them out with "tram journal recover".',
    });
  }
}

function refuseVolatileFolder(dataDir: string, demo: boolean, log: AgentLog): void {
  const fileSystem = volatileFileSystem(dataDir);
  if (fileSystem === null) return;
  const sentence = `The data folder ${dataDir} is on ${fileSystem}, which forgets everything at power-off`;
  if (!demo) {
    throw new AgentError(
      "data.volatile",
      `${sentence}; choose a folder on a local disk (ext4, xfs, NTFS) with "dataDir".`,
    );
  }
  log("agent.volatile-folder", { warning: `${sentence}; fine for a demonstration, not for a gate.` });
}

function redirectTo(url: string): string {
  return `<!doctype html><html lang="vi" translate="no"><meta charset="utf-8"><meta name="google" content="notranslate"><title>Trạm QR</title><meta http-equiv="refresh" content="0; url=${url}">\n`;
}

/** Kept between starts (0600): a page that outlives the agent finds the restarted one again. */
function screenToken(file: string): string {
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const made = newScreenToken();
  writeDurably(file, made);
  return made;
}

function isWorthSaving(offset: ClockOffset, saved: ClockOffset | null, clock: Clock): boolean {
  return clockStateOf(saved, clock) !== "synced" || offset.monoMs - (saved?.monoMs ?? 0) > saveOffsetEveryMs;
}

async function persistentId(journal: Journal, name: string): Promise<string> {
  const known = await journal.fact(name);
  if (known !== null) return known;
  const made = randomUUID();
  await journal.setFact(name, made);
  return made;
}

async function readFact<T>(journal: Journal, name: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await journal.fact(name);
  if (text === null) return null;
  const parsed = schema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}
