import { z } from "zod";

/**
 * `ok`: as it should be. `warn`: the station works, but something will cost a person time or data later. `fail`: it does
 * not do its work, or entries are at risk. `unknown`: it could not be looked at.
 */
export const level = z.enum(["ok", "warn", "fail", "unknown"]);
export type Level = z.infer<typeof level>;

export const area = z.enum([
  "program",
  "folder",
  "config",
  "agent",
  "service",
  "keys",
  "journal",
  "readers",
  "network",
  "clock",
  "enrolment",
  "duty",
  "page",
  "log",
]);
export type Area = z.infer<typeof area>;

/** One thing that was looked at. Holds no name, phone, number, code or key of anybody. */
export const finding = z.object({
  area,
  /** Stable within its area, e.g. `space`; several readers have several findings of one name. */
  check: z.string(),
  level,
  /** What was found, English. */
  what: z.string(),
  /** What to do next, English; null when there is nothing to do. */
  next: z.string().nullable(),
});
export type Finding = z.infer<typeof finding>;

/** What `tram doctor --json` prints, on one line. */
export const doctorReport = z.object({
  event: z.literal("doctor"),
  /** `problems`: something failed; `unknown`: nothing failed, but something could not be looked at. */
  verdict: z.enum(["good", "problems", "unknown"]),
  /** When it looked, by this machine's clock. */
  at: z.iso.datetime(),
  /** Version of this program. */
  version: z.string(),
  dataDir: z.string(),
  findings: z.array(finding),
});
export type DoctorReport = z.infer<typeof doctorReport>;

/** 0 good, 1 problems, 2 cannot tell; warnings alone are good. */
export const exitCodes: Readonly<Record<DoctorReport["verdict"], number>> = { good: 0, problems: 1, unknown: 2 };

export function verdictOf(findings: readonly Finding[]): DoctorReport["verdict"] {
  if (findings.some((one) => one.level === "fail")) return "problems";
  return findings.some((one) => one.level === "unknown") ? "unknown" : "good";
}

/** The findings of one area are made with this: `const say = findingsOf("journal")`. */
export const findingsOf =
  (of: Area) =>
  (check: string, found: Level, what: string, next: string | null = null): Finding => ({
    area: of,
    check,
    level: found,
    what,
    next,
  });

/**
 * A finding of one of the program's own sentences (`what is wrong; what to do`): they are taken apart at the first
 * semicolon.
 */
export function fromSentence(make: ReturnType<typeof findingsOf>, check: string, found: Level, text: string): Finding {
  const cut = text.indexOf("; ");
  if (cut < 0) return make(check, found, text);
  const next = text.slice(cut + 2);
  return make(check, found, `${text.slice(0, cut)}.`, `${next.charAt(0).toUpperCase()}${next.slice(1)}`);
}
