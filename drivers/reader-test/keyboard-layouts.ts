/**
 * What a computer set to another country makes of a reader that presses the keys of a US keyboard (codes.md 8.4). Only
 * the keys the test codes use; rows after the Windows layouts of the same names. One string each: US, then what comes.
 */
interface LayoutRow {
  readonly name: string;
  readonly us: string;
  readonly typed: string;
}

const rows: readonly LayoutRow[] = [
  // KBDVNTC: the digit row types letters and tone marks.
  {
    name: "Vietnamese",
    us: "1234567890]",
    typed: "ăâêô\u0300\u0309\u0303\u0301\u0323đơ",
  },
  { name: "German (QWERTZ)", us: "yzYZ]-/\\|<>:#;", typed: "zyZY+ß-#';:Ö§ö" },
  {
    name: "French (AZERTY)",
    us: "qwaQWAzZmM1234567890]-/\\|<>:#,;.$",
    typed: "azqAZQwW,?&é\"'(-è_çà$)!*µ./M3;m:4",
  },
  { name: "British", us: "\\|#", typed: "#~£" },
];

/** What the system types for each US character; characters that stay are absent. */
export const keyboardLayouts: readonly { readonly name: string; readonly typed: ReadonlyMap<string, string> }[] =
  rows.map(({ name, us, typed }) => ({
    name,
    typed: new Map(zip(us, typed)),
  }));

/** The same key without Shift, for a reader or a driver that loses it. */
export const withoutShift: ReadonlyMap<string, string> = new Map(zip('!@#$%^&*()_+{}|:"<>?', "1234567890-=[]\\;',./"));

function zip(from: string, to: string): (readonly [string, string])[] {
  const characters = Array.from(to);
  return Array.from(from, (character, at) => [character, characters[at] ?? character]);
}
