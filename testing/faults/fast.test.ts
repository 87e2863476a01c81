import { describe, expect, test } from "vitest";
import { faultFiles, judgeControl, judgeFault, loadFault } from "./judge-fault.ts";

/** The faults of every commit, small; `npm run test:faults` runs all of them in full. */
const faults = await Promise.all(faultFiles().map(loadFault));
const withinMs = 180_000;

test("every fault has a number of its own, from 1 to 25", () => {
  const numbers = faults.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].filter((number) => number >= 1 && number <= 25));
});

for (const fault of faults.filter(({ everyCommit }) => everyCommit)) {
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
