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
  /**
   * What is held, where the platform tells it with every key: a key that went up unseen (the system's lock screen was in
   * front) is then not held for ever. Null: follow the keys themselves.
   */
  readonly modifiers: HeldModifiers | null;
}

/** The keys held beside another. AltGr is none of them: its character is the system's. */
export interface HeldModifiers {
  readonly shift: boolean;
  readonly control: boolean;
  readonly alt: boolean;
}
