import { expect, test } from "vitest";
import { faultFiles, loadFault } from "./judge-fault.ts";

test("each of the 25 faults is there once, and each has a control", async () => {
  const faults = await Promise.all(faultFiles().map(loadFault));
  expect(faults.map(({ number }) => number)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
  expect(faults.filter(({ controls }) => controls.length === 0)).toEqual([]);
});
