/** What the guided test teaches about a reader in keyboard mode, and what is known of one. Pure. */
import { type KeyboardCalibration, uncalibrated } from "../drivers/keyboard/calibration.ts";
import { type ReaderProfile, readerProfileLimits } from "../provisioning/reader-profiles.ts";

/** Whatever types on the kiosk page; a page cannot tell one keyboard from another. */
export const pageKeyboardId = "page:keyboard";

/** How the keys of a reader are to be read: as its test taught, or as suits every reader. */
export function calibrationOf(profiles: readonly ReaderProfile[], readerId: string): KeyboardCalibration {
  return profiles.find((profile) => profile.readerId === readerId)?.keyboard ?? uncalibrated;
}

/**
 * `profile`, a test made while the calibration in `before` was in use but for its prefix, with what it teaches. Unchanged
 * for a reader that is no keyboard.
 */
export function withCalibration(profile: ReaderProfile, before: readonly ReaderProfile[]): ReaderProfile {
  if (profile.transport !== "evdev" && profile.readerId !== pageKeyboardId) return profile;
  const used = calibrationOf(before, profile.readerId);
  const { findings, msPerKey } = profile;
  const keyboard: KeyboardCalibration = {
    gapMs: msPerKey === null ? used.gapMs : gapFor(msPerKey),
    layout: findings.some(isOtherLayout) ? (used.layout === "us" ? "system" : "us") : used.layout,
    prefix: findings.map(prefixIn).find((prefix) => prefix !== "") ?? "",
  };
  return { ...profile, keyboard };
}

/** Only upwards: the default is right for every quick reader, and a busy computer makes any of them pause. */
function gapFor(msPerKey: number): number {
  return Math.min(Math.max(uncalibrated.gapMs, Math.round(2 * msPerKey)), readerProfileLimits.gapMs);
}

type Finding = ReaderProfile["findings"][number];

/** Plain characters came as other plain ones. A letter with marks that came without is lost in any layout. */
function isOtherLayout({ code, detail }: Finding): boolean {
  return code === "keyboard-layout" || (code === "substituted" && /(?:^| )[!-~]→[!-~](?: |$)/.test(detail ?? ""));
}

/** The test names a prefix that is too long or too strange to be shown by its length: such a one is for a technician. */
function prefixIn({ code, detail }: Finding): string {
  return code !== "prefix" || detail === null || /^\d+ bytes$/.test(detail) ? "" : detail;
}
