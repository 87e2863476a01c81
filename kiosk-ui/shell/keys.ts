/**
 * False for key presses the page must never see: combinations with Ctrl, Alt or Meta and function keys. A barcode can
 * make a keyboard reader press them (BadBarcode, PacSec 2015), and a visitor's keyboard can too.
 */
export function isPageKey(press: { key: string; control: boolean; alt: boolean; meta: boolean }): boolean {
  return !press.control && !press.alt && !press.meta && !/^(F\d{1,2}|Browser.*|Launch.*)$/.test(press.key);
}
