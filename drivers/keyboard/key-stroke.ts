/** One key going down or up, as a platform tells it: the page from `KeyboardEvent`, Linux from `input_event`. */
export interface KeyStroke {
  /** The physical key in the names of W3C UI Events (`KeyA`, `Digit1`, `ShiftLeft`), or "" when the platform knows none. */
  readonly code: string;
  /** The character the platform made of it, or null when it made none. */
  readonly text: string | null;
  readonly down: boolean;
  /** Whether Shift was held, when the platform tells it with every key; null: follow the Shift keys themselves. */
  readonly shift: boolean | null;
}
