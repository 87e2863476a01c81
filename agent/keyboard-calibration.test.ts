import { expect, test } from "vitest";
import { uncalibrated } from "../drivers/keyboard/calibration.ts";
import { diagnose } from "../drivers/reader-test/diagnose.ts";
import { type TestCode, testCodes } from "../drivers/reader-test/test-codes.ts";
import { loadReaderProfiles, type ReaderProfile, saveReaderProfile } from "../provisioning/reader-profiles.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { calibrationOf, pageKeyboardId, withCalibration } from "./keyboard-calibration.ts";

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
