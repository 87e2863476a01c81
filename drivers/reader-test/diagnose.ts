/** What is wrong with a reader, from what it delivered of a code that is known. Pure. */

import { align, costOf } from "./align.ts";
import { asText, type ByteText, byteText, utf8 } from "./byte-text.ts";
import { type Finding, finding } from "./findings.ts";
import { byCase, type KnownDamage, knownDamages, withoutLetters } from "./known-damages.ts";
import { endMark, startMark, type TestCode } from "./test-codes.ts";
import { typingToolIn } from "./typing-tools.ts";

/** What came of one code. */
export interface Reception {
  readonly scans: readonly {
    readonly bytes: Uint8Array;
    readonly aim: string | null;
    readonly spoiled: "overflow" | "gap" | "input-method" | null;
  }[];
  /** How the device ended its scans: `CR`, `Enter`, `none`; null where the transport does not tell. */
  readonly terminator: string | null;
  /** For a keyboard: the mean time from key to key. */
  readonly msPerKey: number | null;
  /** Whether the device sent anything, scan or not. */
  readonly anything: boolean;
}

/** A key every 25 ms makes three seconds and a half of a citizen card (about 140 characters). */
const slowKeyMs = 25;

/**
 * Names everything that is wrong with `reception` as a delivery of `code`; an empty list says that it is exact and well
 * set. Several things may be wrong at once: the explanation with the fewest faults is given.
 */
export function diagnose(code: TestCode, reception: Reception): Finding[] {
  const { scans, terminator, msPerKey, anything } = reception;
  if (scans.length === 0) return [finding(anything ? "garbage" : "nothing")];
  const pieces = scans.map(({ bytes }) => byteText(bytes));
  const found: Finding[] = [];
  const add = (one: Finding): void => {
    if (!found.some((each) => each.code === one.code)) found.push(one);
  };
  for (const one of explainAll(code, pieces)) add(one);
  const aim = scans.find((scan) => scan.aim !== null)?.aim;
  if (aim) add(finding("aim-identifier", aim));
  if (scans.some(({ spoiled }) => spoiled === "input-method")) add(finding("input-method"));
  if (scans.some(({ spoiled }) => spoiled === "gap")) add(finding("gap"));
  if (terminator === "none") add(finding("no-terminator"));
  if (msPerKey !== null && msPerKey > slowKeyMs) add(finding("slow", `${Math.round(msPerKey)} ms a key`));
  return found;
}

interface Explanation {
  readonly findings: readonly Finding[];
  readonly cost: (findings: readonly Finding[]) => number;
}

/**
 * Each scan is the code for itself (and each counts: visitors get an answer for each), or all together are one that was
 * split.
 */
function explainAll(code: TestCode, pieces: readonly ByteText[]): readonly Finding[] {
  const each = [...new Set(pieces)].map((piece) => explain(code, piece));
  if (pieces.length === 1) return each.flatMap(({ findings }) => findings);
  const whole = explain(code, pieces.join(""));
  const split = [finding("split", `${pieces.length} pieces`), ...whole.findings];
  const eachCost = each.reduce((sum, one) => sum + one.cost(one.findings), 0);
  return whole.cost(split) < eachCost ? split : each.flatMap(({ findings }) => findings);
}

const known = new Map<TestCode, readonly KnownDamage[]>();
const hopeless = 100;

function explain(code: TestCode, arrived: ByteText): Explanation {
  const damages = known.get(code) ?? knownDamages(code.text);
  known.set(code, damages);
  let best: readonly Finding[] | null = null;
  for (const { bytes, findings } of damages) {
    if (best !== null && costOf(findings) >= costOf(best)) continue;
    const around = align(arrived, bytes);
    if (around !== null && (best === null || costOf([...findings, ...around]) < costOf(best))) {
      best = [...around, ...findings];
    }
  }
  if (best !== null) return { findings: best, cost: costOf };
  const { findings, weight } = withoutModel(code, arrived);
  return { findings, cost: (all) => weight + costOf(all) };
}

/** Damage that no model makes: recognised by its traces. */
function withoutModel(code: TestCode, arrived: ByteText): { findings: Finding[]; weight: number } {
  const tool = typingToolIn(code.text, asText(arrived));
  if (tool !== null) return { findings: [finding("input-method", tool), ...lostEnds(arrived)], weight: 2 };
  if (sevenBits(arrived) === sevenBits(byteText(code.bytes))) return { findings: [finding("parity")], weight: 2 };
  const swapped = substitutions(code, asText(arrived));
  if (swapped !== null) return { findings: swapped, weight: 2 };
  const { start, end } = marksIn(arrived);
  if (start || end)
    return { findings: [finding("differs", differsAt(code, arrived)), ...lostEnds(arrived)], weight: 5 };
  return {
    findings: [finding(isGarbage(arrived) ? "garbage" : "other-code", `${arrived.length} bytes`)],
    weight: hopeless,
  };
}

/** The marks survive whatever happens between them. */
function marksIn(arrived: ByteText): { start: boolean; end: boolean } {
  const letters = arrived.replaceAll("\0", "").toUpperCase();
  return { start: letters.includes(startMark), end: letters.includes(endMark) };
}

function lostEnds(arrived: ByteText): Finding[] {
  const { start, end } = marksIn(arrived);
  return [...(start ? [] : [finding("start-lost")]), ...(end ? [] : [finding("truncated", `about ${arrived.length}`)])];
}

/** Other characters in the same places, each always by the same one: a keyboard layout without a row of its own. */
function substitutions(code: TestCode, arrived: string): Finding[] | null {
  const plain = { text: code.text, findings: [] };
  for (const { text, findings } of [plain, ...withoutLetters(plain)].flatMap((one) => [one, ...byCase(one)])) {
    const expected = Array.from(text);
    const got = Array.from(arrived);
    if (got.length !== expected.length) continue;
    const pairs = new Map<string, string>();
    const isConsistent = expected.every((character, at) => {
      const before = pairs.get(character) ?? got[at] ?? "";
      pairs.set(character, before);
      return before === got[at];
    });
    const changed = [...pairs].filter(([from, to]) => from !== to);
    if (!isConsistent || changed.length === 0 || changed.length > pairs.size / 2) continue;
    const detail = changed.slice(0, 6).map((pair) => pair.join("→"));
    return [finding("substituted", detail.join(" ")), ...findings];
  }
  return null;
}

function differsAt(code: TestCode, arrived: ByteText): string {
  const expected = utf8(code.text);
  let at = 0;
  while (at < arrived.length && arrived[at] === expected[at]) at++;
  return `at byte ${at}`;
}

function isGarbage(arrived: ByteText): boolean {
  const strange = Array.from(asText(arrived)).filter((one) => /[\p{Cc}\ufffd]/u.test(one)).length;
  return strange > arrived.length * 0.2;
}

/** Without the bit that a line with parity takes. */
function sevenBits(bytes: ByteText): ByteText {
  return bytes.replace(/[\x80-\xff]/g, (one) => String.fromCharCode(one.charCodeAt(0) & 0x7f));
}
