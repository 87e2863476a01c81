import { passesAllChecks } from "./certain.ts";
import { cleanTransport } from "./clean.ts";
import type { Code } from "./code.ts";
import { hasControls, partsBetweenControls } from "./letters.ts";
import { isUsable, withRepairs } from "./outcome.ts";
import { readOne } from "./read-one.ts";

const MOST_JOINED = 8;

interface Cut {
  readonly first: string;
  readonly rest: string;
}

function cutAt(text: string, at: number): Cut | null {
  return at > 0 && at < text.length ? { first: text.slice(0, at), rest: text.slice(at) } : null;
}

/** After the issue date, or after the four pipes of the 2024 tail. */
function cutCard(text: string): Cut | null {
  const fields = text.split("|", 12);
  const [issue = ""] = fields.slice(6);
  if (!/^\d{8}/.test(issue)) return null;
  const afterDate = fields.slice(0, 6).join("|").length + 1 + 8;
  if (issue.length > 8) return cutAt(text, afterDate);
  return text.startsWith("||||", afterDate) ? cutAt(text, afterDate + 4) : null;
}

/** Before the next URL, or after the UUID that ends one. */
function cutUrl(text: string): Cut | null {
  const nextUrl = text.slice(1).search(/(?:\][A-Za-z][0-9A-Za-z])?https?:\/\//i) + 1;
  if (nextUrl > 0) return cutAt(text, nextUrl);
  const id = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(text);
  return id ? cutAt(text, id.index + id[0].length) : null;
}

/** Where the first payload of a joined text has to end, by its own type; null when it fills the text. */
function cutFirst(text: string): Cut | null {
  if (/^\d{12}\|(?:\d{9})?\|/.test(text)) return cutCard(text);
  if (/^(?:\d{10}|[A-Z]{2}[0-9A-Z]{13})\|/.test(text)) {
    const end = /\|[$#]/.exec(text);
    return end ? cutAt(text, end.index + 2) : null;
  }
  if (text.startsWith("HC1:")) return cutAt(text, text.search(/(?!^)(?:\][A-Za-z][0-9A-Za-z])?HC1:/));
  if (/^https?:\/\//i.test(text)) return cutUrl(text);
  const half = text.length / 2;
  if (text.length % 2 === 0 && text.startsWith(text.slice(half))) return cutAt(text, half);
  const fields = text.split("|", 6);
  // The extension of a personal QR is open-ended; only where its last item is closed can another payload begin.
  return fields.length === 6
    ? cutAt(text, fields.slice(0, 5).join("|").length + 1 + (fields[5] ?? "").lastIndexOf("<") + 1)
    : null;
}

function isSame(one: Code, other: Code): boolean {
  return one.kind === other.kind && JSON.stringify(one.fields) === JSON.stringify(other.fields);
}

function collapse(codes: readonly Code[]): Code[] {
  return codes.filter((code, at) => codes.findIndex((earlier) => isSame(earlier, code)) === at);
}

function readPart(text: string, today: string): Code {
  const cleaned = cleanTransport(text);
  return withRepairs(readOne(cleaned.text, today), cleaned.repairs);
}

/** Scans that a reader ended with CR, LF or the like: every line has to be a payload of its own. */
function readLines(text: string, today: string): Code[] | null {
  if (!hasControls(text)) return null;
  const lines = partsBetweenControls(text).filter((line) => line.trim() !== "");
  if (lines.length < 2 || lines.length > MOST_JOINED) return null;
  const codes = lines.map((line) => readPart(line, today));
  const first = codes[0];
  const complete = codes.every(
    (code) => passesAllChecks(code) || code.kind === "number" || (first && isUsable(first) && isSame(first, code)),
  );
  return complete ? codes : null;
}

function readSeams(text: string, today: string): Code[] | null {
  const codes: Code[] = [];
  let rest = text;
  let seamIsCertain = false;
  while (codes.length < MOST_JOINED) {
    const cleaned = cleanTransport(rest);
    const cut = cutFirst(cleaned.uncomposed);
    const code = withRepairs(readPart(cut?.first ?? cleaned.uncomposed, today), cleaned.repairs);
    const first = codes[0];
    const isAgain = first !== undefined && isUsable(first) && isSame(first, code);
    const passes = passesAllChecks(code) || isAgain;
    if (cut === null || !isUsable(code)) {
      // After the `$` of a BHYT card something new begins, whatever its state; elsewhere it has to pass.
      const accepted = passes || (seamIsCertain && code.kind !== "unknown");
      return codes.length > 0 && accepted ? [...codes, code] : null;
    }
    if (!passes && code.kind !== "bhyt" && !cut.rest.startsWith(cut.first)) return null;
    codes.push(code);
    seamIsCertain = code.kind === "bhyt";
    rest = cut.rest;
  }
  return null;
}

/**
 * R5: several scans in one frame (codes.md 8.1). BHYT ends at `|$`; an ID card after its issue date, or its four
 * last pipes, when a whole payload follows; the same code twice collapses to one. Takes the text before NFC.
 * Null when there is one scan, or the parts do not all pass.
 */
export function splitJoined(text: string, today: string): Code[] | null {
  const codes = readLines(text, today) ?? readSeams(text, today);
  return codes && collapse(codes).map((code) => withRepairs(code, ["R5"]));
}
