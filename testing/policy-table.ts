import type { Audience, Role } from "../contract/people.ts";
import type { CheckpointKind } from "../contract/places.ts";
import type { EntriesView, MaskedOnlyReason, ViewPurpose } from "../contract/privacy.ts";

const hourMs = 3_600_000;

/** One row: who wants to see people at which place, and what must come of it at the centre and at a station. */
export interface PolicyRow {
  readonly audience: Audience | "device";
  readonly role: Role | null;
  readonly kind: CheckpointKind;
  readonly kindStatus: "declared" | "approved";
  readonly fullView: boolean;
  readonly signInAgeMs: number;
  readonly wanted: EntriesView;
  readonly purpose: ViewPurpose | null;
  /** `refused`, a view, or why only the masked one. */
  readonly expected: "masked" | "full" | "refused" | MaskedOnlyReason;
}

type Short = [
  who: `${Audience | "device"} ${Role | "nobody"}`,
  place: `${CheckpointKind} ${"declared" | "approved"}`,
  flag: "flag" | "no flag",
  hours: number,
  wanted: EntriesView,
  purpose: ViewPurpose | null,
  expected: PolicyRow["expected"],
];

/** The whole policy of who sees whom. Rows are read as sentences; each differs from a neighbour in one thing. */
const rows: readonly Short[] = [
  // A normal place: masked for everybody who serves it, in full for nobody.
  ["staff scanner", "office declared", "no flag", 0, "masked", null, "masked"],
  ["staff supervisor", "office declared", "no flag", 0, "masked", null, "masked"],
  ["owner owner", "office declared", "no flag", 0, "masked", null, "masked"],
  ["staff owner", "office declared", "no flag", 0, "masked", null, "masked"],
  ["staff scanner", "office declared", "no flag", 0, "full", "care", "kind"],
  ["staff supervisor", "factory declared", "no flag", 0, "full", "incident", "kind"],
  ["owner owner", "office declared", "no flag", 0, "full", "care", "kind"],
  ["owner owner", "office approved", "flag", 0, "full", "care", "kind"],
  ["owner owner", "school approved", "flag", 0, "full", "contact_tracing", "kind"],
  ["owner owner", "household approved", "flag", 0, "full", "legal_order", "kind"],
  // Kinds that may, before an official approved them.
  ["staff scanner", "hospital declared", "no flag", 0, "masked", null, "masked"],
  ["staff scanner", "hospital declared", "flag", 0, "full", "care", "not_approved"],
  ["owner owner", "hospital declared", "flag", 0, "full", "care", "not_approved"],
  ["staff supervisor", "quarantine_post declared", "flag", 0, "full", "care", "not_approved"],
  // Approved, without the flag: a role alone is not enough.
  ["staff scanner", "hospital approved", "no flag", 0, "full", "care", "no_flag"],
  ["staff supervisor", "hospital approved", "no flag", 0, "full", "care", "no_flag"],
  ["owner owner", "hospital approved", "no flag", 0, "full", "care", "no_flag"],
  ["staff supervisor", "quarantine_post approved", "no flag", 0, "full", "identity_check", "no_flag"],
  // With everything.
  ["staff scanner", "hospital approved", "flag", 0, "full", "care", "full"],
  ["staff supervisor", "hospital approved", "flag", 11, "full", "contact_tracing", "full"],
  ["owner owner", "hospital approved", "flag", 12, "full", "incident", "full"],
  ["staff scanner", "quarantine_post approved", "flag", 0, "full", "identity_check", "full"],
  ["staff owner", "quarantine_post approved", "flag", 1, "full", "legal_order", "full"],
  ["staff scanner", "hospital approved", "flag", 0, "masked", null, "masked"],
  ["staff scanner", "hospital approved", "flag", 0, "masked", "care", "masked"],
  // A sign-in of this morning is not one of tonight; the masked view does not care.
  ["staff scanner", "hospital approved", "flag", 12.01, "full", "care", "stale_sign_in"],
  ["owner owner", "quarantine_post approved", "flag", 24 * 90, "full", "care", "stale_sign_in"],
  ["staff scanner", "hospital approved", "flag", 24 * 90, "masked", null, "masked"],
  ["owner owner", "office declared", "no flag", 24 * 90, "masked", null, "masked"],
  // Without saying why.
  ["staff scanner", "hospital approved", "flag", 0, "full", null, "no_purpose"],
  ["owner owner", "quarantine_post approved", "flag", 0, "full", null, "no_purpose"],
  // The first obstacle is the one that is told.
  ["staff scanner", "office declared", "no flag", 24, "full", null, "kind"],
  ["staff scanner", "hospital declared", "no flag", 24, "full", null, "not_approved"],
  ["staff scanner", "hospital approved", "no flag", 24, "full", null, "no_flag"],
  ["staff scanner", "hospital approved", "flag", 24, "full", null, "stale_sign_in"],
  // Officials see no person, not even where the same phone owns the place or has the flag.
  ["official nobody", "office declared", "no flag", 0, "masked", null, "refused"],
  ["official nobody", "hospital approved", "no flag", 0, "full", "contact_tracing", "refused"],
  ["official owner", "office declared", "no flag", 0, "masked", null, "refused"],
  ["official owner", "hospital approved", "flag", 0, "masked", null, "refused"],
  ["official owner", "hospital approved", "flag", 0, "full", "legal_order", "refused"],
  // Strangers, owners of other places, and a machine by itself.
  ["owner nobody", "office declared", "no flag", 0, "masked", null, "refused"],
  ["owner nobody", "hospital approved", "no flag", 0, "full", "care", "refused"],
  ["staff nobody", "office declared", "no flag", 0, "masked", null, "refused"],
  ["staff nobody", "hospital approved", "no flag", 0, "full", "care", "refused"],
  ["device nobody", "office declared", "no flag", 0, "masked", null, "refused"],
  ["device nobody", "hospital approved", "no flag", 0, "full", "care", "refused"],
];

export const policyTable: readonly (PolicyRow & { readonly title: string })[] = rows.map(
  ([who, place, flag, hours, wanted, purpose, expected]) => {
    const [audience, role] = who.split(" ") as [Audience | "device", Role | "nobody"];
    const [kind, kindStatus] = place.split(" ") as [CheckpointKind, "declared" | "approved"];
    return {
      audience,
      role: role === "nobody" ? null : role,
      kind,
      kindStatus,
      fullView: flag === "flag",
      signInAgeMs: hours * hourMs,
      wanted,
      purpose,
      expected,
      title: `${who}, ${place}, ${flag}, signed in ${hours} h ago, ${wanted}${purpose === null ? "" : ` for ${purpose}`}: ${expected}`,
    };
  },
);
