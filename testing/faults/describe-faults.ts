import { describe, expect, test } from "vitest";
import { faultFiles, judgeControl, judgeFault, loadFault } from "./judge-fault.ts";

const withinMs = 180_000;

/**
 * The faults of every commit, small: every third of them from `first` on, so that three files share them. `npm run
 * test:faults` runs all of them in full.
 */
export async function describeFaults(first: 0 | 1 | 2): Promise<void> {
  const faults = await Promise.all(faultFiles().map(loadFault));
  const everyCommit = faults.filter((fault) => fault.everyCommit);
  for (const fault of everyCommit.filter((_, index) => index % 3 === first)) {
    describe(`fault ${fault.number}, ${fault.name}`, () => {
      test(
        "nothing is violated",
        async () => {
          expect((await judgeFault(fault, "fast")).problems).toEqual([]);
        },
        withinMs,
      );
      for (const control of fault.controls) {
        test(
          `without ${control.without} it is`,
          async () => {
            expect((await judgeControl(control, "fast")).problems).toEqual([]);
          },
          withinMs,
        );
      }
    });
  }
}
