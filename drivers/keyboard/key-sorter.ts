/**
 * Tells the scans of a reader in keyboard mode from what a person types on the same page: pure, bounded, no timers.
 *
 * The keys that follow one another closely are one burst. A burst is a scan when
 * - it begins with the reader's calibrated prefix; or
 * - it has 8 characters (every code a gate knows is longer) at a reader's rhythm: half of its pauses are at most four
 *   fifths of `gapMs`.
 * Everything else is typing. While the page waits for a number, digits that can still become a phone number are typing
 * unless they come faster than fingers. Timing is a hint, never proof: what is no scan after all is refused by the
 * recogniser, and what is taken for typing does nothing but fill a number field.
 *
 * Enter, Tab or a silence of twice `gapMs` ends a burst. Its whole length is never limited. While the page waits for a
 * number, a pause longer than `gapMs` between two keys ends what is not a scan yet, so that typed digits appear soon;
 * that pause is measured between the events themselves, because on a busy computer the next key may arrive late.
 */
import { type KeyboardCalibration, silenceMs } from "./calibration.ts";
import { createKeyDecoder, type KeyMeaning } from "./key-decoder.ts";
import type { KeyStroke } from "./key-stroke.ts";
import { createScanText, type ScanText, type Spoiled } from "./scan-text.ts";

/** A key of a person that means something on the page. */
export type TypedKey = `${bigint}` | "Backspace" | "Enter" | "Escape";

/** What a burst of keys was. */
export type Sorted =
  /** `bytes` may be empty when everything was lost; `spoiled` is then set. */
  | { readonly kind: "scan"; readonly bytes: Uint8Array; readonly spoiled: Spoiled | null }
  | { readonly kind: "typing"; readonly keys: readonly TypedKey[] };

/** A sorter for one page. All times are those of the events, in ms of one clock. */
export interface KeySorter {
  /** Takes a stroke; returns what it ended. */
  take(stroke: KeyStroke, atMs: number): Sorted[];
  /** Keys may have gone elsewhere until now: the window was not in front. What is held, or begins at once, is not whole. */
  interrupt(atMs: number): Sorted[];
  /** When silence will end what is held, whatever it is; null while nothing is held. */
  deadlineMs(): number | null;
  /** Ends what is held if its silence is over at `nowMs`. */
  expire(nowMs: number): Sorted[];
}

const MIN_SCAN_LENGTH = 8;
const RHYTHM_SHARE = 0.8;
/** No two fingers type ten digits at this pace, in ms a key; every reader but the slowest is faster. */
const FINGER_MS = 60;
const PHONE_START = /^0[\d .-]*$/;
const PHONE_DIGITS = 10;
/** A reader may end with CR and LF, or be late with its last key: Enter is no person's for so long after a scan, in ms. */
const AFTER_SCAN_MS = 1000;
/** Pauses and typed keys that are remembered of a burst; the rhythm of a scan shows in far fewer. */
const REMEMBERED = 64;

interface Burst {
  readonly text: ScanText;
  readonly pausesMs: number[];
  readonly keys: TypedKey[];
  readonly startMs: number;
  lastTextMs: number;
  lastMs: number;
  ended: boolean;
}

/** Makes a sorter; `numberExpected` tells whether the page waits for a person's number now. */
export function createKeySorter(calibration: KeyboardCalibration, numberExpected: () => boolean): KeySorter {
  const decoder = createKeyDecoder(calibration.layout);
  let burst: Burst | null = null;
  let scanEndedMs = Number.NEGATIVE_INFINITY;
  /** The end of keys that were not whole: what follows at once belongs to them. */
  let brokenMs = Number.NEGATIVE_INFINITY;

  const isScan = ({ text, pausesMs, keys }: Burst): boolean => {
    if (calibration.prefix !== "" && text.start.startsWith(calibration.prefix)) return true;
    const rhythmMs = median(pausesMs);
    if (text.length < MIN_SCAN_LENGTH || rhythmMs > RHYTHM_SHARE * calibration.gapMs) return false;
    const takenBack = keys.filter((key) => key === "Backspace").length;
    const digits = text.start.replace(/\D/g, "").length - takenBack;
    const isPhone = PHONE_START.test(text.start) && digits <= PHONE_DIGITS;
    return !(numberExpected() && isPhone && rhythmMs > FINGER_MS);
  };

  const longestPauseMs = (held: Burst): number =>
    numberExpected() && !isScan(held) ? calibration.gapMs : silenceMs(calibration);

  const finish = (): Sorted[] => {
    const held = burst;
    burst = null;
    if (held === null) return [];
    if (isScan(held)) {
      scanEndedMs = held.lastMs;
      if (held.startMs - brokenMs < silenceMs(calibration)) held.text.spoil("gap");
      return [{ kind: "scan", bytes: held.text.toBytes(calibration.prefix), spoiled: held.text.spoiled }];
    }
    if (!held.ended && held.text.length > 0) brokenMs = held.lastMs;
    const late = held.startMs - scanEndedMs < AFTER_SCAN_MS;
    const keys = late ? held.keys.filter((key) => key !== "Enter") : held.keys;
    return keys.length === 0 ? [] : [{ kind: "typing", keys }];
  };

  /** Ends what the pause before `atMs` ended. */
  const catchUp = (atMs: number): Sorted[] =>
    burst !== null && atMs - burst.lastMs > longestPauseMs(burst) ? finish() : [];

  const hold = (atMs: number): Burst => {
    burst ??= {
      text: createScanText(),
      pausesMs: [],
      keys: [],
      startMs: atMs,
      lastTextMs: atMs,
      lastMs: atMs,
      ended: false,
    };
    burst.lastMs = atMs;
    return burst;
  };

  const remember = (held: Burst, key: TypedKey): void => {
    if (held.keys.length < REMEMBERED) held.keys.push(key);
  };

  const add = (meaning: Exclude<KeyMeaning, { kind: "end" }>, atMs: number): void => {
    const held = hold(atMs);
    if (meaning.kind === "escape") return remember(held, "Escape");
    if (meaning.kind === "hidden") return held.text.spoil("input-method");
    if (meaning.kind === "backspace") {
      // A reader has no reason to press it; typing tools do, to take back the letters they replace.
      held.text.spoil("input-method");
      return remember(held, "Backspace");
    }
    if (held.text.length > 0 && held.pausesMs.length < REMEMBERED) held.pausesMs.push(atMs - held.lastTextMs);
    held.lastTextMs = atMs;
    if (meaning.kind === "number") return held.text.number(meaning.value);
    held.text.text(meaning.text);
    if (meaning.keyless && !isAscii(meaning.text)) held.text.spoil("input-method");
    if (isDigit(meaning.text)) remember(held, meaning.text);
  };

  const end = (atMs: number): Sorted[] => {
    const held = hold(atMs);
    if (isScan(held)) return finish();
    remember(held, "Enter");
    // An Enter before anything else may be the beginning of a scan.
    held.ended = held.text.length > 0;
    return [];
  };

  return {
    take(stroke, atMs) {
      const sorted = catchUp(atMs);
      const meaning = decoder.take(stroke);
      if (meaning === null) {
        // Modifiers are signs of life: a letter spelt as a number takes many strokes.
        if (burst !== null && stroke.down) burst.lastMs = atMs;
        return sorted;
      }
      if (meaning.kind === "end") return [...sorted, ...end(atMs)];
      if (burst?.ended === true) sorted.push(...finish());
      add(meaning, atMs);
      return sorted;
    },

    interrupt(atMs) {
      decoder.reset();
      burst?.text.spoil("gap");
      brokenMs = atMs;
      return finish();
    },

    deadlineMs: () => (burst === null ? null : burst.lastMs + silenceMs(calibration)),

    expire(nowMs) {
      const deadlineMs = this.deadlineMs();
      return deadlineMs === null || nowMs < deadlineMs ? [] : finish();
    },
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

function isDigit(text: string): text is `${bigint}` {
  return /^\d$/.test(text);
}

function isAscii(text: string): boolean {
  return (text.codePointAt(0) ?? 0) < 0x80;
}
