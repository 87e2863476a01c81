import { Screens } from "../agent/carriers/screens.ts";
import { systemClock } from "../agent/clock.ts";
import { warmUp } from "../agent/codes/recognise.ts";
import { defaultGatePolicy } from "../agent/gate/verdict.ts";
import { Journal } from "../agent/journal/journal.ts";
import type { ScanOutcome } from "../agent/kiosk-port/port.ts";
import type { KioskView } from "../agent/kiosk-port/view.ts";
import { screenRights } from "../agent/policy.ts";
import { Readers } from "../agent/readers.ts";
import { Station } from "../agent/station.ts";
import { uncalibrated } from "../drivers/keyboard/calibration.ts";
import type { RawScan } from "../drivers/reader.ts";
import { parseReaderSpec } from "../drivers/reader-spec.ts";
import { checkpointId, randomKeys } from "../testing/drafts.ts";
import { createPtyDevice, type PtyDevice } from "../testing/pty.ts";
import { until } from "../testing/until.ts";

/** What a bench sees of each scan on its way; times are `performance.now()`. */
export interface StationProbe {
  /** The frame is whole and handed over. */
  readonly onScan?: (scan: RawScan) => void;
  /** Recognised, on its way to the journal. */
  readonly onRecord?: () => void;
  /** The journal has answered. */
  readonly onAnswer?: () => void;
  readonly onOutcome?: (outcome: ScanOutcome) => void;
  /** A view was handed to the carrier, as text. */
  readonly onView?: (text: string) => void;
}

/** The agent's own first line, from real pseudo-terminals to the committed row and the view, without its network. */
export interface MeasuredStation extends AsyncDisposable {
  readonly journal: Journal;
  readonly ptys: readonly PtyDevice[];
}

/** Wires it as `agent/main.ts` does, over a new journal in `file`. */
export async function openMeasuredStation(
  file: string,
  readerCount: number,
  probe: StationProbe,
): Promise<MeasuredStation> {
  warmUp();
  const journal = await Journal.open({ file, keys: randomKeys(), log: () => {} });
  const ptys = await Promise.all(Array.from({ length: readerCount }, () => createPtyDevice()));
  const station = new Station({
    journal: {
      record: async (request) => {
        probe.onRecord?.();
        const answers = await journal.record(request);
        probe.onAnswer?.();
        return answers;
      },
    },
    clock: systemClock(),
    policy: () => defaultGatePolicy,
    checkpointId: () => checkpointId,
    placeState: () => "active",
    checkPlace: () => "unchecked",
    revoked: () => false,
    onInvitation: () => null,
    duty: () => ({ state: "signed-in", staffRef: "staff-1" }),
    clockOffset: () => null,
    noticeVersion: () => 3,
    attended: () => true,
    showsInFull: () => false,
    onRecorded: () => {},
    onChange: () => screens.draw(),
    onOutcome: (outcome) => probe.onOutcome?.(outcome),
    log: () => {},
  });
  let revision = 0;
  const view = (): KioskView => ({
    revision: ++revision,
    placeName: "Quầy lễ tân (mẫu)",
    screen: station.screen,
    readers: readers.views,
    unusable: [],
    relays: [],
    readerTest: null,
    tested: [],
    capture: { camera: "off", keyboard: false },
    keyboardCalibration: uncalibrated,
    enrolment: {
      state: "none",
      records: true,
      fingerprint: "0000-0000",
      centre: null,
      message: null,
      mayScanInvitation: true,
      ended: null,
    },
    duty: { state: "none", message: null },
    staff: { onDuty: null, known: [], notice: null, may: screenRights("nobody").may, keyBackend: "file" },
    notice: null,
    queue: { online: true, oldestAgeS: 0, message: null, ...journal.figures },
    inside: journal.figures.inside,
    recent: [],
  });
  const screens = new Screens(view, () => {});
  const readers = new Readers({
    choices: ptys.map((pty) => parseReaderSpec(`serial:${pty.path}?direction=in`)),
    onScan: (scan, lane) => {
      probe.onScan?.(scan);
      void station.take(scan, lane);
    },
    onChange: () => {},
    log: () => {},
  });
  screens.add(
    { post: (message) => probe.onView?.(JSON.stringify(message)), onIntent: () => {}, onClose: () => {} },
    true,
  );
  await until("all readers are open", () => readers.views.every(({ state }) => state === "ready"));
  return {
    journal,
    ptys,
    [Symbol.asyncDispose]: async () => {
      await readers[Symbol.asyncDispose]();
      await Promise.all(ptys.map((pty) => pty[Symbol.asyncDispose]()));
      station.stop();
      await journal.close();
    },
  };
}
