import { describe, expect, test } from "vitest";
import { isPortMessage } from "./carrier.ts";
import { tokenFromHash } from "./loopback-socket.ts";
import { reconnectDelayMs } from "./reconnect-delay.ts";

describe("the way back after a lost connection", () => {
  test("starts at a quarter of a second and never waits longer than five", () => {
    expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => reconnectDelayMs(attempt, 0))).toEqual([
      250, 500, 1_000, 2_000, 4_000, 5_000, 5_000,
    ]);
  });

  test("is spread so that screens do not knock together", () => {
    expect(reconnectDelayMs(5, 0.999)).toBeLessThan(3_800);
  });
});

describe("the token behind #", () => {
  test("is taken as base64url", () => {
    expect(tokenFromHash("#c2NyaXB0ZWQta2lvc2st_-4")).toBe("c2NyaXB0ZWQta2lvc2st_-4");
  });

  // A subprotocol with other characters would make `new WebSocket` throw, and the page would stay empty.
  test.each(["", "#", "#short", "#has space in the middle", "#a+b/c==aaaaaaaaaaaaaaa", "#token,tram.kiosk.1-aaaa"])(
    "%j is no token",
    (hash) => {
      expect(tokenFromHash(hash)).toBeNull();
    },
  );
});

test.each([null, "view", 7, {}, { type: "view" }, { type: "view", view: null }, { type: "other" }])(
  "%j is not a message of the agent",
  (value) => {
    expect(isPortMessage(value)).toBe(false);
  },
);
