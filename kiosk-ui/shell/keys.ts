/** A key press as Electron tells it (`before-input-event`). */
export interface KeyPress {
  /** The physical key (`Numpad0`). */
  readonly code: string;
  readonly key: string;
  readonly shift: boolean;
  readonly control: boolean;
  readonly alt: boolean;
  readonly meta: boolean;
}

/**
 * False for key presses the page must never see: combinations with Ctrl, Alt or Meta and function keys. A barcode can
 * make a keyboard reader press them (BadBarcode, PacSec 2015), and a visitor's keyboard can too.
 *
 * Two combinations are the page's, because readers spell letters that no key has with them: Alt with the keypad's digits
 * (Windows) and Ctrl+Shift+U (Linux). The page keeps them from doing anything else.
 */
export function isPageKey(press: KeyPress): boolean {
  const { code, key, control, alt, meta, shift } = press;
  if (key === "Alt" || key === "Control") return true;
  if (alt && !control && !meta) return /^Numpad\d$/.test(code);
  if (control && shift && !alt && !meta) return code === "KeyU";
  return !control && !alt && !meta && !/^(F\d{1,2}|Browser.*|Launch.*)$/.test(key);
}
