import { expect, test } from "vitest";
import { lastKnown } from "./last-known.ts";

test("a list that fails once takes no reader away", async () => {
  const answers = [Promise.resolve(["COM5"]), Promise.reject(new Error("busy")), Promise.resolve([])];
  for (const answer of answers) answer.catch(() => {});
  const list = lastKnown<string>(() => answers.shift() ?? Promise.resolve([]), 1000);
  expect([await list(), await list(), await list()]).toEqual([["COM5"], ["COM5"], []]);
});

test("a list that hangs is not waited for, and not asked for again until it answers", async () => {
  const hanging = Promise.withResolvers<readonly string[]>();
  let asked = 0;
  const list = lastKnown<string>(() => (++asked === 2 ? hanging.promise : Promise.resolve([`answer ${asked}`])), 20);
  expect(await list()).toEqual(["answer 1"]);
  expect([await list(), await list(), await list()]).toEqual([["answer 1"], ["answer 1"], ["answer 1"]]);
  expect(asked).toBe(2);
  hanging.resolve(["late"]);
  expect(await list()).toEqual(["late"]);
  expect(await list()).toEqual(["answer 3"]);
});
