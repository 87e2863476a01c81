import type { Code, DamagedCode, DamageReason, Repair, UnknownCode } from "./code.ts";

/** What no rule recognises. */
export const UNKNOWN: UnknownCode = { kind: "unknown", form: null, fields: {}, warnings: [], repairs: [] };

/** A payload that looks like `form` and fails a hard check; `readable` holds what passed its own check. */
export function damaged(
  form: DamagedCode["form"],
  reason: DamageReason,
  readable: Readonly<Record<string, string | readonly string[] | null>> = {},
): DamagedCode {
  return { kind: "damaged", form, fields: { ...readable, reason }, warnings: [], repairs: [] };
}

const REPAIR_ORDER: readonly Repair[] = ["R1", "R2", "R3", "R4", "R5", "R9", "R10", "R11", "R12"];

/** The same code with the repairs that led to it named, each once, in table order. */
export function withRepairs(code: Code, repairs: readonly Repair[]): Code {
  if (repairs.length === 0) return code;
  const named = new Set<Repair>([...code.repairs, ...repairs]);
  return { ...code, repairs: REPAIR_ORDER.filter((repair) => named.has(repair)) };
}

/** True when the code is of a known type and no hard check failed. */
export function isUsable(code: Code): boolean {
  return code.kind !== "unknown" && code.kind !== "damaged";
}
