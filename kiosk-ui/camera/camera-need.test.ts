import { expect, test } from "vitest";
import type { KioskView } from "../../agent/kiosk-port/view.ts";
import { calmView } from "../../testing/kiosk-page.ts";
import { cameraNeed } from "./camera-need.ts";

const withCamera = (camera: KioskView["capture"]["camera"], readers = calmView.readers): KioskView => ({
  ...calmView,
  readers,
  capture: { camera, keyboard: false },
});
const [ready] = calmView.readers;
const broken = ready === undefined ? [] : [{ ...ready, state: "fault" as const }];

test("without the agent nothing could be recorded, so the camera is off", () => {
  expect(cameraNeed(null, true)).toBe("off");
});

test("a station that does not use it never does, whatever was pressed", () => {
  expect(cameraNeed(withCamera("off", []), true)).toBe("off");
});

test("always: it runs beside the readers until staff switch it off", () => {
  expect(cameraNeed(withCamera("always"), null)).toBe("on");
  expect(cameraNeed(withCamera("always"), false)).toBe("off");
});

test("in place of readers: offered while none is ready, runs once asked for, rests while one is", () => {
  expect(cameraNeed(withCamera("fallback", broken), null)).toBe("offer");
  expect(cameraNeed(withCamera("fallback", broken), true)).toBe("on");
  expect(cameraNeed(withCamera("fallback", broken), false)).toBe("offer");
  expect(cameraNeed(withCamera("fallback"), true)).toBe("off");
});
