/** Takes the answers to our own commands out of what a reader sends, so that they never become somebody's code. Pure. */
import { isEndByte } from "../framing/byte-framer.ts";

/** Knows which bytes are answers, and only right after a command and where a scan would begin. */
export interface CommandAnswers {
  /** A command goes out: at most one answer to it may come until `untilMs`. */
  expect(untilMs: number): void;
  /** The bytes that arrived at `nowMs` without an answer; `isBetweenScans` when nothing of a scan came before them. */
  strip(bytes: Uint8Array, isBetweenScans: boolean, nowMs: number): Uint8Array;
}

/** For a reader that answers a command with one of `answers`, single bytes; most answer with nothing. */
export function createCommandAnswers(answers: readonly number[]): CommandAnswers {
  let expectedUntilMs: number[] = [];
  return {
    expect(untilMs) {
      if (answers.length > 0) expectedUntilMs.push(untilMs);
    },
    strip(bytes, isBetweenScans, nowMs) {
      expectedUntilMs = expectedUntilMs.filter((untilMs) => nowMs <= untilMs);
      if (expectedUntilMs.length === 0) return bytes;
      let isStart = isBetweenScans;
      return bytes.filter((byte) => {
        const isAnswer = isStart && answers.includes(byte) && expectedUntilMs.shift() !== undefined;
        if (!isAnswer) isStart = isEndByte(byte);
        return !isAnswer;
      });
    },
  };
}
