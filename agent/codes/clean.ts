import type { Repair } from "./code.ts";
import { compose } from "./letters.ts";

/** A payload freed of what the transport put around it. */
export interface CleanText {
  /** NFC: what the recogniser reads. */
  readonly text: string;
  /** Before NFC: what a re-encoding (R12) has to start from, since NFC may replace characters of a wrong page. */
  readonly uncomposed: string;
  readonly repairs: readonly Repair[];
}

function isControl(unit: number): boolean {
  return unit < 0x20 || unit === 0x7f || unit === 0xfeff;
}

function trim(text: string, keepFinalSpaces: boolean): string {
  let start = 0;
  let end = text.length;
  while (start < end && (isControl(text.charCodeAt(start)) || text[start] === " ")) start += 1;
  while (end > start && (isControl(text.charCodeAt(end - 1)) || (!keepFinalSpaces && text[end - 1] === " "))) end -= 1;
  return text.slice(start, end);
}

/** R3. A final space of an HC1 code may be data, so only control characters go there. */
function trimEnds(text: string): string {
  const started = trim(text, true);
  return /^(?:\][A-Za-z][0-9A-Za-z])?HC1:/.test(started) ? started : trim(started, false);
}

/**
 * R1: the AIM identifier, and with it the ECI designator that a reader in ECI mode sends (`]Q2\000026`, every data
 * backslash doubled; readers.md 8.3). No payload here starts with `]` or `\`.
 */
function stripIdentifiers(text: string): string {
  const bare = text.replace(/^\][A-Za-z][0-9A-Za-z]/, "");
  return /^\\0000\d\d/.test(bare) ? bare.slice(7).replaceAll("\\\\", "\\") : bare;
}

/** Transport cleaning and NFC, in the order of codes.md 8.5; each step that changed something is named. */
export function cleanTransport(received: string): CleanText {
  const repairs: Repair[] = [];
  const trimmed = trimEnds(received);
  const bare = stripIdentifiers(trimmed);
  if (bare !== trimmed) repairs.push("R1");
  const uncomposed = bare === trimmed ? trimmed : trimEnds(bare);
  if (uncomposed !== bare || trimmed !== received) repairs.push("R3");
  const text = compose(uncomposed);
  if (text !== uncomposed) repairs.push("R9");
  return { text, uncomposed, repairs };
}
