/** No HID device can be made on every machine that runs this: the reports are recorded, the driver is real. */
import { describe, expect, test } from "vitest";
import { dcttechStatus, dcttechSwitch, isDcttechBoard } from "./dcttech.ts";
import { openDcttechBoard, type RelayHid, type RelayHidDevice } from "./dcttech-board.ts";

const board = { vendorId: 0x16c0, productId: 0x05df, product: "USBRelay2", path: "/dev/hidraw3" };
const at = (channel: number) => ({ channel, address: 1 });

/** A board as a HID library shows it: nine-byte reports, the relays in the last byte. */
function plugged(
  devices: readonly (RelayHidDevice & { readonly id: string; readonly broken?: boolean; readonly deaf?: boolean })[],
) {
  const written: string[] = [];
  const opened: string[] = [];
  let onError: (error: unknown) => void = () => {};
  const hid: RelayHid = {
    list: async () => devices,
    open: async (path, listener) => {
      const device = devices.find((each) => each.path === path);
      if (device === undefined) throw new Error(`cannot open device with path ${path}`);
      opened.push(path);
      onError = listener;
      let mask = 0;
      return {
        sendFeatureReport: async (report) => {
          const [, command, channel = 1] = report;
          written.push(Buffer.from(report).toString("hex"));
          if (device.broken !== true)
            mask = command === 0xff ? mask | (1 << (channel - 1)) : mask & ~(1 << (channel - 1));
          return 9;
        },
        getFeatureReport: async () => {
          if (device.deaf === true) throw new Error("could not get feature report from device");
          return Buffer.from([0, ...Buffer.from(device.id), 0, 0, mask]);
        },
        close: async () => void opened.splice(opened.indexOf(path), 1),
      };
    },
  };
  return { hid, written, opened, fail: (error: unknown) => onError(error) };
}

test("the reports are those of the boards", () => {
  expect(Buffer.from(dcttechSwitch(1, true)).toString("hex")).toBe("00ff01000000000000");
  expect(Buffer.from(dcttechSwitch(2, false)).toString("hex")).toBe("00fd02000000000000");
  for (const report of ["0042495446540000" + "02", "42495446540000" + "02"]) {
    const status = dcttechStatus(Buffer.from(report, "hex"));
    expect(status?.id).toBe("BITFT");
    expect([status?.isOn(1), status?.isOn(2)]).toEqual([false, true]);
  }
  expect(dcttechStatus(Buffer.alloc(9))).toBeNull();
});

test("the shared id alone is no board: the name decides", () => {
  expect(isDcttechBoard(board)).toBe(true);
  for (const product of [undefined, "", "USBasp", "USBRelay9", "USBRelay", "xUSBRelay2"]) {
    expect(isDcttechBoard({ ...board, product })).toBe(false);
  }
  expect(isDcttechBoard({ ...board, productId: 0x05dc })).toBe(false);
});

describe("a board", () => {
  test("is found by its five letters among others, and the others are let go", async () => {
    const { hid, opened, written } = plugged([
      { ...board, product: "USBasp", path: "/dev/hidraw1", id: "BITFT" },
      { ...board, path: "/dev/hidraw2", id: "AAAAA" },
      { ...board, path: "/dev/hidraw3", id: "BITFT" },
    ]);
    await using found = await openDcttechBoard("BITFT", hid);
    expect(opened).toEqual(["/dev/hidraw3"]);
    await found.switch(at(2), true);
    await found.switch(at(2), false);
    expect(written).toEqual(["00ff02000000000000", "00fd02000000000000"]);
  });

  test("is found beside one that does not answer, which is let go", async () => {
    const deaf = { ...board, path: "/dev/hidraw2", id: "AAAAA", deaf: true };
    const { hid, opened } = plugged([deaf, { ...board, id: "BITFT" }]);
    await using _found = await openDcttechBoard("BITFT", hid);
    expect(opened).toEqual(["/dev/hidraw3"]);
    await expect(openDcttechBoard("CCCCC", hid)).rejects.toMatchObject({ code: "relay.failed" });
    expect(opened).toEqual(["/dev/hidraw3"]);
  });

  test("is found by its Windows path in any case", async () => {
    const { hid } = plugged([{ ...board, path: "\\\\?\\HID#VID_16C0&PID_05DF#6&1", id: "BITFT" }]);
    await using _found = await openDcttechBoard("\\\\?\\hid#vid_16c0&pid_05df#6&1", hid);
  });

  test("that is not there is told from those that are", async () => {
    const { hid, opened } = plugged([{ ...board, id: "AAAAA" }]);
    await expect(openDcttechBoard("BITFT", hid)).rejects.toMatchObject({
      code: "relay.not-found",
      message: expect.stringContaining("plugged in are AAAAA"),
    });
    expect(opened).toEqual([]);
  });

  test("that is something else at the named path is left alone", async () => {
    const { hid, opened } = plugged([{ ...board, product: "Keyboard", id: "BITFT" }]);
    await expect(openDcttechBoard("/dev/hidraw3", hid)).rejects.toMatchObject({ code: "relay.not-found" });
    expect(opened).toEqual([]);
  });

  test("that does not do what it is told is found out by reading back", async () => {
    const { hid } = plugged([{ ...board, id: "BITFT", broken: true }]);
    await using found = await openDcttechBoard("/dev/hidraw3", hid);
    await expect(found.switch(at(1), true)).rejects.toMatchObject({ code: "relay.no-answer" });
    await expect(found.switch(at(1), false)).resolves.toBeUndefined();
  });

  test("that is pulled says so", async () => {
    const { hid, fail } = plugged([{ ...board, id: "BITFT" }]);
    await using found = await openDcttechBoard("/dev/hidraw3", hid);
    fail("could not read from HID device"); // node-hid gives a string, not an Error.
    expect(await found.gone).toMatchObject({ code: "relay.unplugged" });
  });
});
