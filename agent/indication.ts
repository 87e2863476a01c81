import type { ReaderCommand } from "../drivers/reader.ts";
import type { ScanOutcome } from "./kiosk-port/port.ts";
import type { Direction } from "./kiosk-port/view.ts";

/** Which sounds a reader is asked for; its own beep ("I saw a code") stays as it is. */
export interface IndicationPolicy {
  readonly beepGood: boolean;
  readonly beepBad: boolean;
}

/** What a person at the gate notices of a scan, beside the screen. */
export interface Indication {
  /** Open the gates of this direction. */
  readonly open: Direction | null;
  readonly beep: Extract<ReaderCommand, "beep-good" | "beep-bad"> | null;
}

/** What an indication needs of the station's devices. Both return at once. */
export interface IndicationDevices {
  readonly open: (direction: Direction, readerId: string) => void;
  readonly beep: (readerId: string, command: ReaderCommand) => void;
  /** Told what the others threw. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Decides the physical signs of one outcome. Pure.
 *
 * Somebody who is recorded already and shows the card again stands before a closed gate: the first opening ran out, or
 * the exit of last time was missed. Whoever may pass is let through, so `already-inside` opens inwards and
 * `already-outside` outwards; nothing new is recorded. This is no guard against a card handed back over the barrier.
 * `same-scan` is a card still lying before the reader: it opens nothing and makes no sound.
 */
export function indicationOf(
  outcome: Pick<ScanOutcome, "verdict" | "direction" | "reason">,
  policy: IndicationPolicy,
): Indication {
  switch (outcome.verdict) {
    case "accept":
      return { open: outcome.direction, beep: policy.beepGood ? "beep-good" : null };
    case "repeat":
      if (outcome.reason === "same-scan") return { open: null, beep: null };
      return { open: outcome.direction, beep: policy.beepGood ? "beep-good" : null };
    case "enrol":
      return { open: null, beep: policy.beepGood ? "beep-good" : null };
    case "refuse":
    case "ask":
      return { open: null, beep: policy.beepBad ? "beep-bad" : null };
  }
}

/**
 * Carries the indication of an outcome out. Never throws: the row it speaks of is on the disk, and a fault here would
 * tell the person that it is not.
 */
export function indicate(outcome: ScanOutcome, policy: IndicationPolicy, devices: IndicationDevices): void {
  try {
    const { open, beep } = indicationOf(outcome, policy);
    if (open !== null) devices.open(open, outcome.readerId);
    if (beep !== null) devices.beep(outcome.readerId, beep);
  } catch (error) {
    devices.onFault(error);
  }
}
