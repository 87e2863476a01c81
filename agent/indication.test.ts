import { describe, expect, test } from "vitest";
import { indicate, indicationOf } from "./indication.ts";
import type { ScanOutcome } from "./kiosk-port/port.ts";

const defaults = { beepGood: false, beepBad: true };
const loud = { beepGood: true, beepBad: true };
const mute = { beepGood: false, beepBad: false };
type Outcome = Parameters<typeof indicationOf>[0];
const accepted: Outcome = { verdict: "accept", direction: "in", reason: null };
const refused: Outcome = { verdict: "refuse", direction: null, reason: "place-code" };
const asked: Outcome = { verdict: "ask", direction: "in", reason: "number-only" };
const repeated = (reason: string, direction: "in" | "out"): Outcome => ({ verdict: "repeat", direction, reason });

describe("the gate", () => {
  test("opens in the direction that was recorded", () => {
    expect(indicationOf(accepted, defaults).open).toBe("in");
    expect(indicationOf({ ...accepted, direction: "out" }, defaults).open).toBe("out");
  });

  test("stays closed for a refusal, and for a question until somebody answered it", () => {
    expect(indicationOf(refused, defaults).open).toBeNull();
    expect(indicationOf(asked, defaults).open).toBeNull();
  });

  test("opens again for who is recorded but stands before it, and not for a card still lying there", () => {
    expect(indicationOf(repeated("already-inside", "in"), defaults).open).toBe("in");
    expect(indicationOf(repeated("already-outside", "out"), defaults).open).toBe("out");
    expect(indicationOf(repeated("same-scan", "in"), loud)).toEqual({ open: null, beep: null });
  });
});

describe("the reader", () => {
  test("by default sounds only for what was not taken: its own beep said already that it saw a code", () => {
    expect(indicationOf(accepted, defaults).beep).toBeNull();
    expect(indicationOf(refused, defaults).beep).toBe("beep-bad");
    expect(indicationOf(asked, defaults).beep).toBe("beep-bad");
  });

  test("says also what was taken where its own beep was turned off, and nothing where nobody wants it", () => {
    expect(indicationOf(accepted, loud).beep).toBe("beep-good");
    expect(indicationOf(repeated("already-inside", "in"), loud).beep).toBe("beep-good");
    expect([accepted, refused, asked].map((outcome) => indicationOf(outcome, mute).beep)).toEqual([null, null, null]);
  });
});

test("the signs go to the reader the code was shown to", () => {
  const did: unknown[] = [];
  const devices = {
    open: (...what: unknown[]) => void did.push(["open", ...what]),
    beep: (...what: unknown[]) => void did.push(["beep", ...what]),
    onFault: (error: unknown) => void did.push(error),
  };
  const outcome = { ...accepted, readerId: "serial:/dev/ttyACM0" } as ScanOutcome;
  indicate(outcome, loud, devices);
  indicate({ ...outcome, ...refused }, loud, devices);
  expect(did).toEqual([
    ["open", "in", "serial:/dev/ttyACM0"],
    ["beep", "serial:/dev/ttyACM0", "beep-good"],
    ["beep", "serial:/dev/ttyACM0", "beep-bad"],
  ]);
});

test("a device that throws does not undo the scan it was to show", () => {
  const faults: unknown[] = [];
  const fault = new Error("no such device");
  const open = (): never => {
    throw fault;
  };
  const outcome = { ...accepted, readerId: "r" } as ScanOutcome;
  indicate(outcome, defaults, { open, beep: () => {}, onFault: (error) => void faults.push(error) });
  expect(faults).toEqual([fault]);
});
