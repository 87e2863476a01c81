import { basename, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ReaderFault } from "./reader.ts";
import { parseReaderChoice, parseReaderSpec } from "./reader-spec.ts";
import { parseUsbAddress } from "./usb-address.ts";

describe("a reader specification", () => {
  test("names a serial port with its speed, direction and name, in any order", () => {
    const expected = {
      transport: "serial",
      id: "serial:/dev/ttyACM0",
      path: "/dev/ttyACM0",
      baudRate: 115200,
      vendor: null,
      direction: "in",
      name: "Gate 1",
    };
    expect(parseReaderSpec("serial:/dev/ttyACM0?baud=115200&direction=in&name=Gate 1")).toEqual(expected);
    expect(parseReaderSpec("serial:/dev/ttyACM0?name=Gate%201&direction=in&baud=115200")).toEqual(expected);
    expect(parseReaderSpec("serial:/dev/ttyACM0?direction=in&baud=115200&name=Gate+1")).toEqual(expected);
  });

  test("is 9600 baud, direction auto and named by the path when nothing else is said", () => {
    expect(parseReaderSpec("serial:/dev/serial/by-id/usb-Honeywell_1450-if00")).toEqual({
      transport: "serial",
      id: "serial:/dev/serial/by-id/usb-Honeywell_1450-if00",
      path: "/dev/serial/by-id/usb-Honeywell_1450-if00",
      baudRate: 9600,
      vendor: null,
      direction: "auto",
      name: "usb-Honeywell_1450-if00",
    });
  });

  test("says whose reader hangs on a line, at the speed its maker sets unless another is given", () => {
    expect(parseReaderSpec("serial:COM5?vendor=Honeywell")).toMatchObject({ vendor: "honeywell", baudRate: 115_200 });
    expect(parseReaderSpec("serial:COM5?vendor=zebra")).toMatchObject({ vendor: "zebra", baudRate: 9600 });
    expect(parseReaderSpec("serial:COM5?vendor=honeywell&baud=9600")).toMatchObject({ baudRate: 9600 });
    expect(parseReaderSpec("serial:COM5?vendor=honeywell").id).toBe(parseReaderSpec("serial:COM5").id);
  });

  test("takes a Windows port as it is, however it is written", () => {
    for (const text of ["serial:COM5", "serial:com5", "serial:\\\\.\\COM5"]) {
      expect(parseReaderSpec(text)).toMatchObject({ id: "serial:COM5", path: "COM5", name: "COM5" });
    }
  });

  test("names a HID POS reader by its device node or its Windows device path", () => {
    expect(parseReaderSpec("hid:/dev/hidraw0?direction=out&name=Cổng 2")).toEqual({
      transport: "hid",
      id: "hid:/dev/hidraw0",
      path: "/dev/hidraw0",
      direction: "out",
      name: "Cổng 2",
    });
    const windows = "\\\\?\\HID#VID_0C2E&PID_1007&MI_00#7&1a2b&0&0000#{4d1e55b2-f16f-11cf-88cb-001111000030}";
    expect(parseReaderSpec(`hid:${windows}?direction=in&name=Gate 1`)).toMatchObject({
      id: `hid:${windows}`,
      path: windows,
      direction: "in",
      name: "Gate 1",
    });
    expect(parseReaderSpec(`hid:${windows}`)).toMatchObject({ path: windows, direction: "auto" });
  });

  test("has the same id whether the path is relative or absolute", () => {
    const relative = parseReaderSpec("serial:A?direction=in");
    expect(relative).toMatchObject({ path: resolve("A"), name: "A", direction: "in" });
    expect(relative.id).toBe(parseReaderSpec(`serial:${resolve("A")}`).id);
    expect(parseReaderSpec("simulated:demo.scans?direction=out")).toEqual({
      transport: "simulated",
      id: `simulated:${resolve("demo.scans")}`,
      path: resolve("demo.scans"),
      name: basename("demo.scans"),
      direction: "out",
    });
  });

  test("keeps a Vietnamese name and a parameter that follows & directly", () => {
    expect(parseReaderSpec("serial:COM5&direction=out&name=Cổng%20số 2")).toMatchObject({
      path: "COM5",
      direction: "out",
      name: "Cổng số 2",
    });
  });

  test("names a USB reader by vendor, product and what tells it from its twins", () => {
    expect(parseReaderSpec("hid:usb:0C2E:0b61:A%20%3F1?direction=in")).toMatchObject({
      id: "hid:usb:0c2e:0b61:A%20%3F1",
      path: "usb:0c2e:0b61:A%20%3F1",
      direction: "in",
    });
    expect(parseReaderSpec("serial:usb:05e0:1701@1-2.4")).toMatchObject({ path: "usb:05e0:1701@1-2.4" });
    expect(parseReaderSpec("evdev:usb:05e0:1200?name=Gate 1")).toMatchObject({ transport: "evdev", name: "Gate 1" });
    expect(parseUsbAddress("usb:0c2e:0b61:A%20%3F1")).toEqual({
      vendorId: 0x0c2e,
      productId: 0x0b61,
      serialNumber: "A ?1",
      port: null,
    });
    expect(parseUsbAddress("usb:0c2e")).toBeNull();
    expect(parseUsbAddress("usb:0c2e:0b61:%")).toBeNull();
  });

  test("may be auto: all that is plugged in", () => {
    expect(parseReaderChoice("auto")).toEqual({ transport: "auto", direction: "auto" });
    expect(parseReaderChoice(" auto?direction=in")).toEqual({ transport: "auto", direction: "in" });
    expect(parseReaderChoice("serial:COM5")).toEqual(parseReaderSpec("serial:COM5"));
  });

  test("keeps a path with & and % as it is", () => {
    expect(parseReaderSpec("simulated:/tmp/a&b%20c?name=X")).toMatchObject({ path: "/tmp/a&b%20c", name: "X" });
  });

  test.each([
    ["", "start with serial:, hid:, evdev: or simulated:"],
    ["/dev/ttyACM0", "start with serial:, hid:, evdev: or simulated:"],
    ["usb:1", "start with serial:, hid:, evdev: or simulated:"],
    ["serial", "path after serial: is empty"],
    ["serial:", "path after serial: is empty"],
    ["serial:?baud=9600", "path after serial: is empty"],
    ["simulated:", "path after simulated: is empty"],
    ["serial:A?speed=9600", "allowed are baud, direction, name, vendor"],
    ["serial:A?vendor=acme", "allowed are honeywell, hhp-cordless, mindeo, datalogic"],
    ["serial:A?vendor=", "or leave it out and nothing is sent"],
    ["hid:/dev/hidraw0?vendor=honeywell", "allowed are direction, name"],
    ["simulated:A?baud=9600", "allowed are direction, name"],
    ["serial:A?baud=fast", "whole numbers from 50 to 4000000"],
    ["serial:A?baud=", "whole numbers from 50 to 4000000"],
    ["serial:A?baud=0", "whole numbers from 50 to 4000000"],
    ["serial:A?baud=9600.5", "whole numbers from 50 to 4000000"],
    ["serial:A?direction=both", "allowed are in, out, auto"],
    ["serial:A?direction=in&direction=out", "given twice"],
    ["serial:A?name=", "name is empty"],
    ["hid:", "path after hid: is empty; write for example hid:/dev/hidraw0"],
    ["hid:/dev/hidraw0?baud=9600", "allowed are direction, name"],
    ["evdev:/dev/input/event3?baud=9600", "allowed are direction, name"],
    ["auto:x", "must be auto, or start with"],
    ["auto?name=Gate", '"name" is not a parameter of auto; allowed are direction'],
  ])("%j is refused in one sentence", (text, reason) => {
    let fault: unknown;
    try {
      parseReaderChoice(text);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(ReaderFault);
    expect(fault).toMatchObject({ code: "reader.bad-spec", message: expect.stringContaining(reason) });
    expect((fault as ReaderFault).message).not.toContain("\n");
  });
});
