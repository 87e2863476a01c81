import path from "node:path";
import { expect, test } from "vitest";
import { uncalibrated } from "../drivers/keyboard/calibration.ts";
import { diagnose } from "../drivers/reader-test/diagnose.ts";
import { type TestCode, testCodes } from "../drivers/reader-test/test-codes.ts";
import { agentConfig } from "../provisioning/agent-config.ts";
import { loadReaderProfiles, type ReaderProfile, saveReaderProfile } from "../provisioning/reader-profiles.ts";
import { checkpointId } from "../testing/drafts.ts";
import { createFakeInputDevice } from "../testing/fake-input-device.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { typedEvents } from "../testing/input-events.ts";
import { until } from "../testing/until.ts";
import { calibrationOf, pageKeyboardId, withCalibration } from "./keyboard-calibration.ts";
import type { KioskIntent } from "./kiosk-port/intent.ts";
import type { ScanOutcome } from "./kiosk-port/port.ts";
import type { KioskView } from "./kiosk-port/view.ts";
import { startAgent } from "./main.ts";

const [letters] = testCodes as [TestCode];

/** The profile of a reader that delivers `text` of the first code. */
function tested(text: string, change: Partial<ReaderProfile> = {}): ReaderProfile {
  const scans = [{ bytes: Buffer.from(text), aim: null, spoiled: null }];
  const findings = diagnose(letters, { scans, terminator: "Enter", msPerKey: null, anything: true });
  return {
    readerId: pageKeyboardId,
    name: "keyboard",
    transport: "page",
    testedAt: "2026-11-21T00:00:00.000Z",
    verdict: "faulty",
    findings,
    terminator: "Enter",
    encoding: null,
    layout: null,
    prefix: null,
    msPerKey: null,
    ...change,
  };
}

const keyboardOf = (profile: ReaderProfile, before: readonly ReaderProfile[] = []) =>
  withCalibration(profile, before).keyboard;
const withoutMarks = letters.text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d");
/** A reader set to Germany, its keys read as those of a US keyboard. */
const german = Array.from(withoutMarks, (each) => ({ "-": "/", "#": "\\", ":": ">" })[each] ?? each).join("");

test("a reader that is no keyboard is not calibrated, one nobody tested is read as suits all", () => {
  expect(
    withCalibration(tested(letters.text, { readerId: "hid:/dev/hidraw0", transport: "hid" }), []),
  ).not.toHaveProperty("keyboard");
  expect(calibrationOf([], pageKeyboardId)).toEqual(uncalibrated);
  expect(keyboardOf(tested(letters.text))).toEqual(uncalibrated);
});

test("a prefix is learned, and forgotten by the test that no longer finds it", () => {
  const first = withCalibration(tested(`~~${letters.text}`), []);
  expect(first.keyboard).toEqual({ ...uncalibrated, prefix: "~~" });
  expect(keyboardOf(tested(letters.text), [first])).toEqual(uncalibrated);
  expect(keyboardOf(tested(`a prefix that is long ${letters.text}`))).toEqual(uncalibrated);
});

test("a slow reader is given time, a quick one keeps what suits all", () => {
  const evdev = { readerId: "evdev:usb:0c2e:0b61@1-2", transport: "evdev" };
  expect(keyboardOf(tested(letters.text, { ...evdev, msPerKey: 240 }))?.gapMs).toBe(480);
  expect(keyboardOf(tested(letters.text, { ...evdev, msPerKey: 4 }))?.gapMs).toBe(uncalibrated.gapMs);
  expect(keyboardOf(tested(letters.text, { ...evdev, msPerKey: 5000 }))?.gapMs).toBe(1000);
});

test("a reader of another country is read by the layout of the system from then on, and back when that is no better", () => {
  const first = withCalibration(tested(german), []);
  expect(first.keyboard?.layout).toBe("system");
  expect(keyboardOf(tested(withoutMarks), [first])?.layout).toBe("system");
  expect(keyboardOf(tested(german), [first])?.layout).toBe("us");
});

test("letters that no key has are no sign of another layout", () => {
  for (const text of [withoutMarks, letters.text.replace(/[^ -~]/g, ""), letters.text.replace(/[^ -~]/g, "?")]) {
    expect(keyboardOf(tested(text))?.layout).toBe("us");
  }
});

test("what was learned is kept with the profile", () => {
  using folder = temporaryFolder();
  saveReaderProfile(folder.path, withCalibration(tested(german), []));
  const { readers, problem } = loadReaderProfiles(folder.path);
  expect(problem).toBeNull();
  expect(calibrationOf(readers, pageKeyboardId)).toEqual({ gapMs: 150, layout: "system", prefix: "" });
});

test("the agent reads by it: a reader at the page and one it has grabbed, in and after their tests, without a restart", async () => {
  using folder = temporaryFolder();
  using device = createFakeInputDevice(folder.path);
  const readerId = `evdev:${device.path}`;
  const outcomes: ScanOutcome[] = [];
  let view: KioskView | null = null;
  let ask: (intent: KioskIntent) => void = () => {};
  const agent = await startAgent({
    config: agentConfig.parse({
      dataDir: path.join(folder.path, "data"),
      central: "http://127.0.0.1:9",
      checkpointId,
      readers: [readerId],
      kioskPort: 0,
      demo: true,
    }),
    pageDir: null,
    log: () => {},
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  try {
    agent.addScreen({
      post: (message) => {
        if (message.type === "view") view = message.view;
      },
      onIntent: (listener) => {
        ask = listener;
      },
      onClose: () => {},
    });
    const shown = () => view;
    const type = (text: string) => device.write(typedEvents(text));
    const atPage = (text: string) =>
      ask({ kind: "captured", source: "keyboard", bytesB64: Buffer.from(text).toString("base64") });
    /** Shows the three codes to a reader that puts `~~` in front and knows no Vietnamese, and goes on after each. */
    const goThroughTest = async (id: string, present: (text: string) => void) => {
      ask({ kind: "reader-test-start", readerId: id });
      for (const [at, { text }] of testCodes.entries()) {
        await until(`code ${at + 1} of ${id}`, () => shown()?.readerTest?.step === at + 1);
        present(`~~${text.replace(/[^ -~]/g, "")}`);
        await until(`result ${at + 1} of ${id}`, () => shown()?.readerTest?.state === "result");
        ask({ kind: "reader-test-next" });
      }
      await until(`the end of ${id}`, () => shown()?.readerTest?.state === "done");
      ask({ kind: "reader-test-stop" });
    };

    await until("the reader is ready", () => shown()?.readers.find(({ id }) => id === readerId)?.state === "ready");
    type("~~079098000001\n");
    await until("refused with its prefix", () => outcomes[0]?.verdict === "refuse");
    await goThroughTest(readerId, (text) => type(`${text}\n`));
    type("~~079098000001\n");
    await until("taken without it", () => outcomes[1]?.kind === "number" && outcomes[1].verdict !== "refuse");

    expect(shown()?.keyboardCalibration).toEqual(uncalibrated);
    await goThroughTest(pageKeyboardId, atPage);
    await until("the page knows it", () => shown()?.keyboardCalibration.prefix === "~~");
    ask({ kind: "reader-test-start", readerId: pageKeyboardId });
    await until("the page hears it with its prefix", () => shown()?.keyboardCalibration.prefix === "");
  } finally {
    await agent.stop();
  }
}, 60_000);
