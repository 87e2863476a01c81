import { expect, test } from "vitest";
import { SameCode } from "./same-code.ts";

/** What counts of a code read at these times, ms. */
function counted(times: readonly number[]): number[] {
  const sameCode = new SameCode();
  return times.filter((timeMs) => sameCode.counts("card", timeMs));
}

test("a code held up for a minute is one scan, with blurred frames in between", () => {
  const everyFrame = Array.from({ length: 900 }, (_, frame) => frame * 66).filter((timeMs) => timeMs % 5_000 > 900);
  expect(counted(everyFrame)).toEqual([everyFrame[0]]);
});

test("taken away and shown again within three seconds it is still the same scan", () => {
  expect(counted([0, 100, 1_400, 2_900])).toEqual([0]);
});

test("shown again after it left the view and three seconds passed, it counts again, once", () => {
  expect(counted([0, 100, 3_200, 3_300, 3_400])).toEqual([0, 3_200]);
});

test("after three seconds in view it does not count again before it left", () => {
  expect(counted([0, 800, 1_600, 2_400, 3_200, 4_000, 4_800])).toEqual([0]);
});

test("two codes in view that are read in turn count once each", () => {
  const sameCode = new SameCode();
  const scans = Array.from({ length: 100 }, (_, frame) => (frame % 2 === 0 ? "one" : "two")).filter((payload, frame) =>
    sameCode.counts(payload, frame * 66),
  );
  expect(scans).toEqual(["one", "two"]);
});
