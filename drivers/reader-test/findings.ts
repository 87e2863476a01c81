/** What can be wrong with a reader, as the test names it. What to do about each is in `advice.ts`. */
export const findingCodes = [
  "nothing",
  "garbage",
  "parity",
  "other-code",
  "aim-identifier",
  "control-characters",
  "prefix",
  "suffix",
  "no-terminator",
  "truncated",
  "start-lost",
  "gap",
  "pieces-lost",
  "reports-lost",
  "joined",
  "split",
  "code-page",
  "double-encoded",
  "utf-16",
  "letters-lost",
  "decomposed",
  "eci",
  "input-method",
  "keyboard-layout",
  "shift-lost",
  "substituted",
  "letter-case",
  "slow",
  "differs",
] as const;

export type FindingCode = (typeof findingCodes)[number];

export interface Finding {
  readonly code: FindingCode;
  /** Which one, or where: `windows-1258`, `at byte 56`. English, short, never more than a few characters of a scan. */
  readonly detail: string | null;
}

/**
 * `note`: the scan is exact, the setting could be better. `repaired`: the bytes differ in a way that the station always
 * undoes. `fault`: people will be refused or their names spoiled.
 */
export type Severity = "note" | "repaired" | "fault";

const mild: Partial<Record<FindingCode, Severity>> = {
  "aim-identifier": "note",
  "no-terminator": "note",
  slow: "note",
  "control-characters": "repaired",
  decomposed: "repaired",
  eci: "repaired",
};

export function severityOf({ code }: Finding): Severity {
  return mild[code] ?? "fault";
}

/** `exact`: byte for byte what the code says. */
export type Verdict = "exact" | "usable" | "faulty";

export function verdictOf(findings: readonly Finding[]): Verdict {
  const severities = new Set(findings.map(severityOf));
  if (severities.has("fault")) return "faulty";
  return severities.has("repaired") ? "usable" : "exact";
}

export function finding(code: FindingCode, detail: string | null = null): Finding {
  return { code, detail };
}
