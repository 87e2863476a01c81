import type { StaffRole, StaffView } from "../kiosk-port/view.ts";

/** What whoever is on duty may do at the screen of this machine. */
export interface ScreenRights {
  readonly may: StaffView["may"];
  /** How many of the recent entries the staff panel lists. */
  readonly recentEntries: number;
}

const nothing: ScreenRights = {
  may: { testReaders: false, sendRefusedAgain: false, forgetOthers: false },
  recentEntries: 0,
};

/**
 * Anybody may touch the screen of a gate: what disturbs it needs a supervisor on duty. A machine that knows no staff yet is
 * being set up, and its readers may be tested. Commands of the machine's own user ask nobody.
 */
export function screenRights(
  duty: { readonly role: StaffRole; readonly expired: boolean } | "nobody" | "nobody-known",
): ScreenRights {
  if (duty === "nobody-known") return { ...nothing, may: { ...nothing.may, testReaders: true } };
  if (duty === "nobody") return nothing;
  const leads = duty.role !== "scanner" && !duty.expired;
  return {
    may: { testReaders: leads, sendRefusedAgain: leads, forgetOthers: leads },
    recentEntries: duty.expired ? 0 : leads ? 20 : 8,
  };
}
