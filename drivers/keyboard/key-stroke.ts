/** One key going down or up, as a platform tells it: the page from `KeyboardEvent`, Linux from `input_event`. */
export interface KeyStroke {
  /**
   * The physical key in the names of W3C UI Events (`KeyA`, `Digit1`, `ShiftLeft`), or "" when the platform knows none.
   * A key that only has a meaning goes by it: `Backspace`, `Enter`, or `Process` when an input method keeps it.
   */
  readonly code: string;
  /** The character the platform made of it, or null when it made none. */
  readonly text: string | null;
  readonly down: boolean;
  /** Whether Shift was held, when the platform tells it with every key; null: follow the Shift keys themselves. */
  readonly shift: boolean | null;
}
