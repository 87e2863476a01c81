import { describe, expect, test } from "vitest";
import { parseRelaySpecs } from "./relay-spec.ts";

const parse = (text: string) => parseRelaySpecs([text])[0];

test("a relay is named by its board, its path and what it does", () => {
  expect(parse("lcus:/dev/ttyUSB0?channel=2&direction=in&pulse=500&reader=Gate%201&name=Barrier 1")).toEqual({
    id: "lcus:/dev/ttyUSB0#2",
    name: "Barrier 1",
    board: "lcus",
    path: "/dev/ttyUSB0",
    baudRate: 9600,
    address: 1,
    channel: 2,
    direction: "in",
    readerName: "Gate 1",
    pulseMs: 500,
  });
});

test("what is left out is the first channel, both directions, 300 ms and every reader", () => {
  expect(parse("modbus:/dev/ttyUSB1")).toMatchObject({
    id: "modbus:/dev/ttyUSB1#1.1",
    name: "ttyUSB1 #1",
    address: 1,
    channel: 1,
    direction: "both",
    pulseMs: 300,
    readerName: null,
  });
});

test.each([
  ["devantech:COM5", "COM5"],
  ["lcus:\\\\.\\com12", "COM12"],
  ["lcus:usb:1A86:7523@1-2.4", "usb:1a86:7523@1-2.4"],
  ["dcttech:BITFT", "BITFT"],
  ["dcttech:/dev/hidraw3", "/dev/hidraw3"],
  ["dcttech:\\\\?\\HID#VID_16C0&PID_05DF#7&1#{4d1e}?channel=2", "\\\\?\\HID#VID_16C0&PID_05DF#7&1#{4d1e}"],
])("%s stands at %s", (text, path) => {
  expect(parse(text)?.path).toBe(path);
});

describe("what cannot be used is said in one sentence that names what is allowed", () => {
  test.each([
    ["/dev/ttyUSB0", "it must start with lcus:, dcttech:, modbus:, devantech:"],
    ["relay:/dev/ttyUSB0", "it must start with lcus:"],
    ["lcus:", "the path after lcus: is empty; write for example lcus:/dev/ttyUSB0?channel=1"],
    ["lcus:/dev/ttyUSB0?channel=5", 'channel "5" is not possible; allowed are whole numbers from 1 to 4'],
    ["lcus:/dev/ttyUSB0?address=2", '"address" is not a parameter of lcus; allowed are channel, direction'],
    ["modbus:/dev/ttyUSB0?address=300", 'address "300" is not possible; allowed are whole numbers from 1 to 247'],
    ["lcus:/dev/ttyUSB0?pulse=50", 'pulse "50" is not possible; allowed are whole numbers from 100 to 1000'],
    ["lcus:/dev/ttyUSB0?pulse=5000", 'pulse "5000" is not possible'],
    ["lcus:/dev/ttyUSB0?direction=up", 'direction "up" is not known; allowed are in, out, both'],
    ["lcus:/dev/ttyUSB0?channel=1&channel=2", '"channel" is given twice'],
    ["lcus:/dev/ttyUSB0?name=", "the name is empty"],
    ["dcttech:usb:16c0:05df", "write its five letters, for example dcttech:BITFT"],
  ])("%s", (text, why) => {
    expect(() => parse(text)).toThrowError(
      expect.objectContaining({ code: "relay.bad-spec", message: expect.stringContaining(why) }),
    );
  });

  test("one relay named twice, and two kinds of board on one port", () => {
    expect(() => parseRelaySpecs(["lcus:/dev/a?channel=1", "lcus:/dev/a"])).toThrow(/lcus:\/dev\/a#1 is given twice/);
    expect(() => parseRelaySpecs(["lcus:/dev/a", "modbus:/dev/a"])).toThrow(/different kind of board or line speed/);
    expect(() => parseRelaySpecs(["modbus:/dev/a?address=1", "modbus:/dev/a?address=2&baud=19200"])).toThrow(
      /line speed/,
    );
    expect(parseRelaySpecs(["modbus:/dev/a?address=1", "modbus:/dev/a?address=2"])).toHaveLength(2);
  });
});
