import type { Audience, Role } from "./people.ts";
import type { CheckpointKind } from "./places.ts";
import type { EntriesView, MaskedOnlyReason, ViewPurpose } from "./privacy.ts";

/** Who wants to see whom: what the centre's and the station's policy both decide on, each by itself. */
export interface ViewQuestion {
  readonly audience: Audience | "device";
  /** The right at the place; null where there is none, at a station also with nobody on duty. */
  readonly role: Role | null;
  readonly kind: CheckpointKind;
  readonly kindStatus: "declared" | "approved";
  /** The flag of the right. */
  readonly fullView: boolean;
  /** Since a one-time code or a PIN was proved, ms. */
  readonly signInAgeMs: number;
  readonly wanted: EntriesView;
  readonly purpose: ViewPurpose | null;
}

/** `refused`: nothing of any person; `masked-only`: the masked view, and why not the full one. */
export type ViewDecision =
  | { readonly view: "masked" | "full" | "refused" }
  | { readonly view: "masked-only"; readonly reason: MaskedOnlyReason };
