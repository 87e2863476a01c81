import type { Role } from "../contract/people.ts";
import type { Grant } from "./store/staff-store.ts";

/** What a gate may decide by itself. */
export const gatePolicyDefaults = { record_when_expired: true, rescan_s: 3 } as const;

/** How far a list reaches. Everybody sees masked people: nothing here can unmask. */
export interface ListView {
  /** Scanners see this window whatever they ask for; null: the whole list, in pages. */
  readonly window: { readonly entries: number; readonly ms: number } | null;
}

const scannerWindow = { entries: 20, ms: 15 * 60_000 } as const;

export function listViewOf(role: Role): ListView {
  return { window: role === "scanner" ? scannerWindow : null };
}

/** Which staff a role may see, add and remove. */
export function rolesManagedBy(role: Role): readonly Role[] {
  switch (role) {
    case "owner":
      return ["scanner", "supervisor", "owner"];
    case "supervisor":
      return ["scanner"];
    case "scanner":
      return [];
  }
}

/**
 * Whether a credential with these grants at a checkpoint may bring a scan made at `scannedAt`. A right of today
 * covers old scans too; an ended one covers what was scanned before its end, so that rows of a removed scanner
 * arrive weeks later. A scan time nobody knows is not a reason to refuse.
 */
export function mayUpload(grants: readonly Grant[], scannedAt: number, timeKnown: boolean): boolean {
  return grants.some(
    ({ validFrom, validTo }) => validTo === null || !timeKnown || (validFrom <= scannedAt && scannedAt < validTo),
  );
}
