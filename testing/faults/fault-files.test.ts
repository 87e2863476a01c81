import { expect, test } from "vitest";
import { faultFiles, loadFault } from "./judge-fault.ts";
import { sourceOf } from "./mutated-central.ts";
import { builtFiles, mutate } from "./mutated-program.ts";

test("each of the 25 faults is there once, and each has a control", async () => {
  const faults = await Promise.all(faultFiles().map(loadFault));
  expect(faults.map(({ number }) => number)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
  expect(faults.filter(({ controls }) => controls.length === 0)).toEqual([]);
});

test("what the controls take out is there in the product of today", async () => {
  const faults = await Promise.all(faultFiles().map(loadFault));
  const controls = faults.flatMap(({ controls }) => controls);
  for (const { without, mutations } of controls) {
    const build = builtFiles();
    for (const mutation of mutations) {
      const files = mutation.file === undefined ? build : sourceOf(mutation.file);
      expect(() => mutate(files, mutation), `without ${without}`).not.toThrow();
    }
  }
  expect(controls.flatMap(({ mutations }) => mutations).length).toBeGreaterThan(60);
});
