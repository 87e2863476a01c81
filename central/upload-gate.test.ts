import { expect, test } from "vitest";
import { uploadGate } from "./upload-gate.ts";

test("a place is free when everybody has let go, and counts once", () => {
  const gate = uploadGate(1);
  const place = gate.enter();
  place?.hold();
  place?.release();
  expect(gate.enter()).toBeNull();
  place?.release();
  expect(gate.enter()).not.toBeNull();
});

test("a caller who hung up before the service began takes the place while it works, and frees it once", () => {
  const gate = uploadGate(1);
  const place = gate.enter();
  place?.release();
  place?.hold();
  expect(gate.enter()).toBeNull();
  place?.release();
  expect(gate.enter()).not.toBeNull();
  expect(gate.enter()).toBeNull();
});
