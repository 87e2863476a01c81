import { describe, expect, test } from "vitest";
import { FINGERPRINTS, READER_MAKERS } from "../fingerprints.ts";
import { SERIAL_VENDORS, serialVendor } from "./serial-vendors.ts";

const CH340 = 0x1a86;

describe("whose commands a serial reader gets", () => {
  test.each([
    ["its USB device tells", null, 0x0c2e, "honeywell"],
    ["a reader nobody knows", null, 0xffff, undefined],
    ["nothing is known", null, null, undefined],
    ["an adapter is no maker", null, CH340, undefined],
    ["a person tells what hangs on an adapter", "honeywell", CH340, "honeywell"],
    ["a person tells what hangs on a real serial line", "mindeo", null, "mindeo"],
    ["a person is wrong about a USB device", "honeywell", 0x05f9, "datalogic"],
    ["a person knows the line of a maker", "datalogic-powerscan", 0x05f9, "datalogic-powerscan"],
    ["a person knows the older line", "hhp-cordless", 0x0536, "hhp-cordless"],
  ])("%s", (_case, named, vendorId, expected) => {
    expect(serialVendor(named, vendorId)?.name).toBe(expected);
  });

  test("adapters and relay boards are in no row, and every id is that of a maker of readers", () => {
    const makers = READER_MAKERS.map(({ vendorId }) => vendorId);
    const others = FINGERPRINTS.filter(({ mode }) => mode === "bridge" || mode === "relay").map((row) => row.vendorId);
    const ids = SERIAL_VENDORS.flatMap(({ vendorIds }) => vendorIds);
    expect(ids.filter((id) => others.includes(id))).toEqual([]);
    expect(ids.filter((id) => !makers.includes(id))).toEqual([]);
  });

  test("names are plain words, each once, each row with a source", () => {
    const names = SERIAL_VENDORS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^[a-z-]+$/.test(name))).toBe(true);
    expect(SERIAL_VENDORS.every(({ source }) => source !== "")).toBe(true);
  });
});

test("no command disables, resets or configures a reader", () => {
  const sent = SERIAL_VENDORS.flatMap(({ name, commands }) =>
    Object.values(commands).map((bytes) => ({ name, text: Buffer.from(bytes).toString("latin1") })),
  );
  // Datalogic: F reads nothing until E, D disables, R resets, P changes the mode.
  expect(sent.filter(({ name, text }) => name.startsWith("datalogic") && /^[FDRPS]$/.test(text))).toEqual([]);
  // CipherLab: D disables. Honeywell and Mindeo: SYN M opens the menu. Newland: ~ SOH 0000 sets.
  expect(sent.filter(({ text }) => text === "D" || text.startsWith("\x16M") || text.startsWith("~"))).toEqual([]);
});
