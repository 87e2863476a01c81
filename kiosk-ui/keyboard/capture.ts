import { type ReadonlySignal, signal } from "@preact/signals";
import { type KeyboardCalibration, uncalibrated } from "../../drivers/keyboard/calibration.ts";
import { createKeySorter, type Sorted, type TypedKey } from "../../drivers/keyboard/key-sorter.ts";
import type { Station } from "../station.ts";
import { isTextToCome, strokeOf, textStroke } from "./key-events.ts";

/** All keys of the page: scans of readers in keyboard mode go to the agent, what a person types to whoever listens. */
export interface KeyboardCapture {
  /** False when the station takes no scans from the keyboard: then the page has its keys as any other page. */
  readonly active: ReadonlySignal<boolean>;
  /** A scan came through the keyboard since the page was opened. */
  readonly used: ReadonlySignal<boolean>;
  /** Keys go to another window now. */
  readonly away: ReadonlySignal<boolean>;
  /** Hears what a person types while {@link active}; `number` when it waits for one. Returns how to stop it. */
  readonly onTyped: (listener: (key: TypedKey) => void, number?: boolean) => () => void;
}

/** A timer this late means that the page stood still, so keys may be waiting. */
const stallMs = 40;

/**
 * Takes every key of the page, for as long as it is open. No key ever reaches an element: a reader types Enter, Tab and
 * digits wherever it is scanned, and must neither press a button nor move the focus. What a person may do with keys
 * is therefore decided here: digits, Backspace and Enter fill the number field that is open, and Escape closes the panel;
 * buttons are pressed by touch or mouse. A desk that works by keyboard alone turns `capture.keyboard` off.
 */
export function captureKeyboard(window: Window, station: Station): KeyboardCapture {
  const active = signal(true);
  const used = signal(false);
  const away = signal(!window.document.hasFocus());
  const listeners = new Set<(key: TypedKey) => void>();
  const numberListeners = new Set<(key: TypedKey) => void>();
  let calibration: KeyboardCalibration = uncalibrated;
  let sorter = createKeySorter(calibration, () => numberListeners.size > 0);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let altReleased = false;

  const deliver = (sorted: readonly Sorted[]): void => {
    for (const each of sorted) {
      if (each.kind === "typing") {
        for (const key of each.keys) for (const listener of Array.from(listeners)) listener(key);
      } else {
        used.value = true;
        const bytesB64 = btoa(String.fromCharCode(...each.bytes));
        const spoiled = each.spoiled === null ? {} : { spoiled: each.spoiled };
        station.send({ kind: "captured", source: "keyboard", bytesB64, ...spoiled });
      }
    }
    arm();
  };

  const arm = (): void => {
    clearTimeout(timer);
    const dueMs = sorter.deadlineMs();
    if (dueMs === null) return;
    const expire = () => deliver(sorter.expire(performance.now()));
    timer = setTimeout(
      () => {
        if (performance.now() - dueMs < stallMs) expire();
        else timer = setTimeout(expire, stallMs);
      },
      Math.max(1, dueMs - performance.now()),
    );
  };

  const onKey = (event: KeyboardEvent): void => {
    if (!active.value) return;
    event.stopImmediatePropagation();
    const stroke = strokeOf(event);
    // Stopped here, its character would never be told.
    const toCome = isTextToCome(event);
    if (!toCome) event.preventDefault();
    altReleased = !stroke.down && stroke.code === "AltLeft";
    if (!event.repeat && !(toCome && stroke.code === "")) deliver(sorter.take(stroke, event.timeStamp));
  };

  const onKeyPress = (event: KeyboardEvent): void => {
    if (!active.value) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    // The system's own reading of Alt and a number; the keys themselves were read already.
    const stroke = altReleased ? null : textStroke(event);
    if (stroke !== null) deliver(sorter.take(stroke, event.timeStamp));
  };

  const onFocusChange = (event: Event): void => {
    away.value = event.type === "blur";
    if (active.value) deliver(sorter.interrupt(event.timeStamp));
  };

  // What the agent said last holds while it is away: nothing of a scan may press a button then either.
  station.received.subscribe((received) => {
    if (received === null) return;
    const { capture, keyboardCalibration } = received.view;
    active.value = capture.keyboard;
    if (JSON.stringify(keyboardCalibration) === JSON.stringify(calibration)) return;
    calibration = keyboardCalibration;
    sorter = createKeySorter(calibration, () => numberListeners.size > 0);
  });
  window.addEventListener("keydown", onKey, { capture: true });
  window.addEventListener("keyup", onKey, { capture: true });
  window.addEventListener("keypress", onKeyPress, { capture: true });
  window.addEventListener("blur", onFocusChange);
  window.addEventListener("focus", onFocusChange);

  return {
    active,
    used,
    away,
    onTyped(listener, number = false) {
      listeners.add(listener);
      if (number) numberListeners.add(listener);
      return () => {
        listeners.delete(listener);
        numberListeners.delete(listener);
      };
    },
  };
}
