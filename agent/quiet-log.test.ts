import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { QuietLog } from "./quiet-log.ts";

let lines: [string, Record<string, unknown>][];
let quiet: QuietLog;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  quiet = new QuietLog((event, facts) => lines.push([event, facts]));
});

afterEach(() => {
  quiet[Symbol.dispose]();
  vi.useRealTimers();
});

const rubbish = (readerId: string) =>
  quiet.write("scan", { verdict: "refuse", kind: "unknown", reason: "unreadable", readerId, seq: undefined });

test("a reader that floods rubbish is written a few times, then counted; another reader is heard", () => {
  for (let scan = 0; scan < 3_000; scan++) rubbish("r1");
  rubbish("r2");
  expect(lines.map(([, { readerId }]) => readerId)).toEqual(["r1", "r1", "r1", "r1", "r1", "r2"]);
  vi.advanceTimersByTime(10_000);
  expect(lines.slice(6)).toEqual([["scan", expect.objectContaining({ readerId: "r1", andAgain: 2_995 })]]);
  rubbish("r1");
  expect(lines).toHaveLength(8);
});

test("entries are all written, however fast they come", () => {
  for (let seq = 1; seq <= 500; seq++) quiet.write("scan", { verdict: "accept", readerId: "r1", seq });
  vi.advanceTimersByTime(20_000);
  expect(lines).toHaveLength(500);
});

test("what was counted is told when the agent ends", () => {
  for (let scan = 0; scan < 7; scan++) rubbish("r1");
  quiet[Symbol.dispose]();
  expect(lines.at(-1)).toEqual(["scan", expect.objectContaining({ andAgain: 2 })]);
});
