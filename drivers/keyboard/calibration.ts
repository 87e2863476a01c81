/** What is known of one reader in keyboard mode; the defaults suit every reader measured so far. */
export interface KeyboardCalibration {
  /**
   * The longest ordinary pause between two keys of one scan, in ms. Measured readers take 1 to 19 ms a key, Zebra 80 with
   * peaks of 100 (readers.md 10), so 150 holds for all of them. Twice as much silence ends a scan that no key ends.
   * A scan has no limit on its whole length: a BHYT card takes a slow reader half a minute.
   */
  readonly gapMs: number;
  /**
   * `us`: the keys mean what is printed on a US keyboard, which is how readers leave the factory. `system`: the reader was
   * set to the country of this computer's keyboard layout, so the character the system made of a key is the right one.
   */
  readonly layout: "us" | "system";
  /** Text the reader puts in front of every scan; it proves a scan whatever its rhythm, and is taken off. May be "". */
  readonly prefix: string;
}

/** A reader nobody has tested yet. */
export const uncalibrated: KeyboardCalibration = { gapMs: 150, layout: "us", prefix: "" };

/** How much silence ends a scan, in ms. */
export function silenceMs({ gapMs }: KeyboardCalibration): number {
  return 2 * gapMs;
}
