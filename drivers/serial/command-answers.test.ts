import { expect, test } from "vitest";
import { createCommandAnswers } from "./command-answers.ts";

const ACK = 0x06;
const strip = (answers: ReturnType<typeof createCommandAnswers>, text: string, isBetweenScans = true, nowMs = 10) =>
  Buffer.from(answers.strip(Buffer.from(text, "latin1"), isBetweenScans, nowMs)).toString("latin1");

test("the answer to a command is taken out, alone, before a scan and after one", () => {
  for (const [received, left] of [
    ["\x06", ""],
    ["\x06ABC\r", "ABC\r"],
    ["ABC\r\x06DEF\r", "ABC\rDEF\r"],
    ["ABC\r\n\x06", "ABC\r\n"],
  ] as const) {
    const answers = createCommandAnswers([ACK]);
    answers.expect(1000);
    expect(strip(answers, received)).toBe(left);
  }
});

test("one answer a command, and none later or inside a scan", () => {
  const answers = createCommandAnswers([ACK]);
  expect(strip(answers, "\x06A\r")).toBe("\x06A\r");
  answers.expect(1000);
  expect(strip(answers, "B\x06C\r", false)).toBe("B\x06C\r");
  expect(strip(answers, "\x06D\r\x06E\r")).toBe("D\r\x06E\r");
  answers.expect(1000);
  expect(strip(answers, "\x06F\r", true, 1001)).toBe("\x06F\r");
});

test("a reader that is not known to answer keeps every byte", () => {
  const answers = createCommandAnswers([]);
  answers.expect(1000);
  expect(strip(answers, "\x06\x15\x05A\r")).toBe("\x06\x15\x05A\r");
});
