import { describe, expect, test } from "vitest";
import { viewOf as stationView } from "../agent/policy.ts";
import { viewOf as centralView } from "../central/policy.ts";
import { role } from "../contract/people.ts";
import { checkpointKind } from "../contract/places.ts";
import { type PolicyRow, policyTable } from "./policy-table.ts";

const resultOf = (decision: ReturnType<typeof centralView>): PolicyRow["expected"] =>
  decision.view === "masked-only" ? decision.reason : decision.view;

describe("the policy table", () => {
  test.each(policyTable)("$title", (row) => {
    expect(resultOf(centralView(row))).toBe(row.expected);
    expect(resultOf(stationView(row))).toBe(row.expected);
  });

  test("centre and station agree on every combination there is", () => {
    let full = 0;
    for (const audience of ["staff", "owner", "official", "device"] as const)
      for (const held of [...role.options, null])
        for (const kind of checkpointKind.options)
          for (const kindStatus of ["declared", "approved"] as const)
            for (const fullView of [true, false])
              for (const signInAgeMs of [0, 12 * 3_600_000, 12 * 3_600_000 + 1, Number.POSITIVE_INFINITY])
                for (const wanted of ["masked", "full"] as const)
                  for (const purpose of ["care", null] as const) {
                    const question = { audience, role: held, kind, kindStatus, fullView, signInAgeMs, wanted, purpose };
                    expect(stationView(question)).toEqual(centralView(question));
                    if (centralView(question).view === "full") full += 1;
                  }
    // Two audiences, three roles, two kinds, two fresh ages: nothing else is ever shown in full.
    expect(full).toBe(2 * 3 * 2 * 2);
  });
});
