/**
 * Cuts the keys of one grabbed device into frames, one frame a scan: pure, bounded, no timers. The device is known to be
 * a reader, so every key belongs to a scan, however slowly or briefly it types; only Enter, Tab or silence end one.
 */
import { aimAt, type Frame } from "../framing/byte-framer.ts";
import { type KeyboardCalibration, silenceMs } from "../keyboard/calibration.ts";
import { createKeyDecoder } from "../keyboard/key-decoder.ts";
import type { KeyStroke } from "../keyboard/key-stroke.ts";
import { createScanText, type ScanText } from "../keyboard/scan-text.ts";

/** A framer for one opening of one device. */
export interface KeyFramer {
  /** Takes a stroke that arrived at `nowMs` and returns the frame it completes. */
  push(stroke: KeyStroke, nowMs: number): Frame[];
  /** The system lost strokes at `nowMs`: the scan they belonged to becomes a frame marked `gap`, even an empty one. */
  lose(nowMs: number): void;
  /** When silence will end what is held, on the clock of `nowMs`; null while nothing is held. */
  deadlineMs(): number | null;
  /** Ends what is held if its silence is over at `nowMs`; otherwise nothing happens. */
  expire(nowMs: number): Frame[];
}

/** Makes a framer. A reader that has ended a scan with a key is given twice the silence, as in `byte-framer.ts`. */
export function createKeyFramer(calibration: () => KeyboardCalibration): KeyFramer {
  // No system stands between these keys and us: there is no layout but the printed one.
  const decoder = createKeyDecoder("us");
  let held: ScanText | null = null;
  let lastMs = 0;
  let endSeen = false;

  const take = (): Frame[] => {
    const frame = held === null ? null : toFrame(held, calibration().prefix, lastMs);
    held = null;
    return frame === null ? [] : [frame];
  };

  return {
    push(stroke, nowMs) {
      const meaning = decoder.take(stroke);
      // Modifiers count as signs of life: a letter spelt as a number takes many strokes.
      if (held !== null) lastMs = nowMs;
      if (meaning?.kind === "end") {
        endSeen = true;
        return take();
      }
      if (meaning?.kind !== "text" && meaning?.kind !== "number") return [];
      held ??= createScanText();
      lastMs = nowMs;
      if (meaning.kind === "text") held.text(meaning.text);
      else held.number(meaning.value);
      return [];
    },

    lose(nowMs) {
      decoder.reset();
      held ??= createScanText();
      held.spoil("gap");
      lastMs = nowMs;
    },

    deadlineMs: () => (held === null ? null : lastMs + silenceMs(calibration()) * (endSeen ? 2 : 1)),

    expire(nowMs) {
      const deadlineMs = this.deadlineMs();
      return deadlineMs === null || nowMs < deadlineMs ? [] : take();
    },
  };
}

/** Null when nothing of a scan is left. Below the desktop no typing tool is at work, so none is ever named. */
function toFrame(scan: ScanText, prefix: string, receivedMs: number): Frame | null {
  const spoiled = scan.spoiled === "input-method" ? "gap" : scan.spoiled;
  const bytes = scan.toBytes(prefix);
  const aim = aimAt(bytes);
  const payload = aim === null ? bytes : bytes.slice(aim.length);
  return payload.length === 0 && spoiled === null ? null : { bytes: payload, aim, spoiled, receivedMs };
}
