/**
 * Object codes that open a 15-character BHYT code. First the 43 of Decision 1351/QĐ-BHXH by who pays, then those
 * seen in production outside the list (codes.md 4.3). Newer decrees changed the groups: absence is a warning only.
 */
const EMPLOYMENT = ["DN", "HX", "CH", "NN", "TK", "HC", "XK"];
const SOCIAL_INSURANCE = ["HT", "TB", "NO", "CT", "XB", "TN", "CS"];
const STATE_BUDGET = [
  ["QN", "CA", "CY", "XN", "MS", "CC", "CK", "CB", "KC", "HD", "TE", "BT", "HN", "DT", "DK", "XD"],
  ["TS", "TC", "TQ", "TA", "TY", "HG", "LS", "PV"],
].flat();
const STATE_SUPPORT = ["CN", "HS", "SV", "GB"];
const HOUSEHOLD = ["GD"];
const SEEN_IN_USE = ["TV", "TL", "XV", "HK", "ND"];

/** Every object code known. */
export const OBJECT_CODES: ReadonlySet<string> = new Set(
  [EMPLOYMENT, SOCIAL_INSURANCE, STATE_BUDGET, STATE_SUPPORT, HOUSEHOLD, SEEN_IN_USE].flat(),
);
