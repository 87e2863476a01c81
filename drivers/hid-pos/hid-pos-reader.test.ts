import { realpath } from "node:fs/promises";
import { describe, expect, test, vi } from "vitest";
import { collect, hid, PATH, replay } from "../../testing/hid-pos-plug.ts";
import { CAPTURES, DESCRIPTOR_1, LOREM, scanReports, VENDOR } from "../../testing/hid-pos-reports.ts";
import { openReader } from "../open-reader.ts";
import type { HidReaderSpec } from "../reader-spec.ts";
import { superviseReader } from "../supervised-reader.ts";
import { createNodeHidAccess, type HidAccess, type HidDevice } from "./hid-access.ts";
import { hidFault } from "./hid-fault.ts";
import { openHidPosReader } from "./hid-pos-reader.ts";

const CARD = "012345678901|123456789|Nguyễn Thị Hồng Đào|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021";
const until = (check: () => void, timeout = 10_000): Promise<void> => vi.waitFor(check, { timeout, interval: 5 });
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe("scans", () => {
  test("of three families come out as text, numbered, with their reader and symbology", async () => {
    for (const family of ["zebra", "honeywell", "newland"] as const) {
      const plug = replay(VENDOR[family]);
      await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
      const { scans, texts } = collect(reader);
      plug.send(...scanReports(family, LOREM), ...scanReports(family, CARD));
      await until(() => expect(texts()).toEqual([LOREM, CARD]));
      const aim = family === "newland" ? null : "]Q1";
      expect(scans).toMatchObject([
        { sequence: 1, readerId: `hid:${PATH}`, aim, spoiled: null },
        { sequence: 2, readerId: `hid:${PATH}`, aim, spoiled: null },
      ]);
    }
  });

  test("are read by the descriptor where there is one, whoever made the reader", async () => {
    // By its vendor this report would be a Newland's and a broken one.
    const plug = replay(VENDOR.newland, { descriptor: DESCRIPTOR_1 });
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    const { texts } = collect(reader);
    plug.send(...scanReports("honeywell", CARD, { aim: "\0\0\0" }));
    await until(() => expect(texts()).toEqual([CARD]));
  });

  test("are read by their reports where the descriptor tells nothing", async () => {
    const plug = replay(VENDOR.zebra, { descriptor: "0501 0906 A101 C0" });
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    const { texts } = collect(reader);
    plug.send(CAPTURES.V1);
    await until(() => expect(texts()).toEqual(["306030209223"]));
  });

  test("of a full report without a last one come after 250 ms, those without an end as spoiled", async () => {
    const plug = replay(VENDOR.honeywell);
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    const { scans, texts } = collect(reader);
    const sentMs = performance.now();
    plug.send(...scanReports("honeywell", LOREM.slice(0, 112), { continuedWhenFull: true }));
    await until(() => expect(texts()).toEqual([LOREM.slice(0, 112)]));
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(249);
    const half = scanReports("honeywell", "half")[0] as Buffer;
    half[63] = 1;
    plug.send(half);
    await until(() => expect(scans.map((scan) => scan.spoiled)).toEqual([null, "gap"]));
  });

  test("lose nothing while the process stands still between two reports", async () => {
    const plug = replay(VENDOR.honeywell);
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    const { scans, texts } = collect(reader);
    const [first, ...rest] = scanReports("honeywell", CARD) as [Buffer, ...Buffer[]];
    plug.send(first);
    // What the library read meanwhile is delivered after the timers that are due.
    const untilMs = performance.now() + 400;
    while (performance.now() < untilMs);
    setTimeout(() => plug.send(...rest), 5);
    await until(() => expect(texts()).toEqual([CARD]));
    expect(scans[0]?.spoiled).toBeNull();
  });

  test("a flood of 20,000 random reports is bounded, and the next scan is read", async () => {
    const plug = replay(VENDOR.honeywell);
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    const { scans, texts } = collect(reader);
    plug.send(CAPTURES.V2);
    let seed = 1;
    for (let index = 0; index < 20_000; index++) {
      const report = Buffer.alloc(64);
      for (let at = 0; at < 64; at++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        report[at] = seed >>> 24;
      }
      report[0] = 2;
      plug.send(report);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(scans.length).toBeLessThanOrEqual(1026);
    plug.send(...scanReports("honeywell", CARD));
    await until(() => expect(texts().at(-1)).toBe(CARD));
  });
});

const OTHER_MODES: [number, number, string, string][] = [
  [0xff8c, 2, "usage FF8C:2, its remote management, not 8C:2", "name its other path"],
  [1, 6, "usage 1:6, keyboard mode", "setup code USB HID POS"],
  [0xff45, 0x4b00, "usage FF45:4B00, IBM OEM", "setup code USB HID POS"],
  [0xff45, 0x4a00, "usage FF45:4A00, IBM OEM", "setup code USB HID POS"],
  [0x8c, 1, "usage 8C:1, not 8C:2", "setup code USB HID POS"],
];

describe("opening", () => {
  const refused = async (devices: HidDevice[], path = PATH): Promise<unknown> => {
    const plug = replay(VENDOR.honeywell);
    plug.devices = devices;
    const result = await openHidPosReader(hid(path), { access: plug.access }).catch((error: unknown) => error);
    expect(plug.openings).toBe(0);
    return result;
  };
  const device = (path: string, usagePage: number, usage: number): HidDevice => ({
    path,
    vendorId: VENDOR.honeywell,
    productId: 0x1007,
    usagePage,
    usage,
  });

  test("never takes page FF8C, a keyboard or another path", async () => {
    for (const [usagePage, usage, told, advice] of OTHER_MODES) {
      const fault = await refused([device(PATH, usagePage, usage)]);
      expect(fault).toMatchObject({ code: "reader.wrong-mode", message: expect.stringContaining(told) });
      expect(fault).toMatchObject({ message: expect.stringContaining(advice) });
    }
    expect(await refused([{ ...device(PATH, 0xff00, 1), vendorId: VENDOR.zebra, productId: 0x1900 }])).toMatchObject({
      message: expect.stringContaining("SNAPI"),
    });
    // One path with several collections: the one that tells a mode is told; another path of the same reader is named.
    expect(await refused([device(PATH, 0xff00, 1), device(PATH, 1, 6), device("/dev/hidraw8", 0x8c, 2)])).toMatchObject(
      {
        message: `${PATH} is not a reader in HID POS mode (it has usage 1:6, keyboard mode, not 8C:2): name its other path /dev/hidraw8.`,
      },
    );
    expect(await refused([device("/dev/hidraw8", 0x8c, 2)])).toMatchObject({
      code: "reader.not-found",
      message: expect.stringContaining("plugged in as HID POS now: /dev/hidraw8"),
    });
    expect(await refused([])).toMatchObject({ code: "reader.not-found" });
  });

  test("takes the right collection of a device that has several", async () => {
    const plug = replay(VENDOR.honeywell);
    plug.devices = [device(PATH, 0xff8c, 2), device(PATH, 0x8c, 2)];
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    expect(reader.id).toBe(`hid:${PATH}`);
  });

  test.skipIf(process.platform !== "linux")("follows a link, such as a udev rule makes", async () => {
    const plug = replay(VENDOR.honeywell);
    plug.devices = [device(await realpath("/dev/fd"), 0x8c, 2)]; // A link every Linux has.
    await using reader = await openHidPosReader(hid("/dev/fd"), { access: plug.access });
    expect(reader.id).toBe("hid:/dev/fd");
  });

  test("takes a Windows path in any case", async () => {
    const windows = "\\\\?\\HID#VID_0C2E&PID_1007&MI_00#7&1a2b#{4d1e55b2}";
    const plug = replay(VENDOR.honeywell);
    plug.devices = [device(windows.toLowerCase(), 0x8c, 2)];
    await using reader = await openHidPosReader(hid(windows), { access: plug.access });
    expect(reader.id).toBe(`hid:${windows}`);
  });

  test("waits for udev to set the mode of a reader just plugged in", async () => {
    const plug = replay(VENDOR.honeywell);
    const denied = (): Error => new Error("EACCES: permission denied, access '/dev/hidraw7'");
    plug.refusals = [denied(), denied()];
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    expect([reader.id, plug.openings]).toEqual([`hid:${PATH}`, 3]);
  });

  test("names the udev rule when the reader stays forbidden", async () => {
    const plug = replay(VENDOR.zebra);
    plug.refusals = Array.from({ length: 100 }, () => new Error("EACCES: permission denied, access '/dev/hidraw7'"));
    await expect(openHidPosReader(hid(PATH), { access: plug.access, permissionWaitMs: 50 })).rejects.toMatchObject({
      name: "ReaderFault",
      code: "reader.permission",
      message: expect.stringMatching(/run "tram readers --udev-rules .* group plugdev/),
    });
  });

  test("that takes too long is given up, and a device that opens after all is closed", async () => {
    const plug = replay(VENDOR.honeywell);
    let letOpen = (): void => {};
    const gate = new Promise<void>((resolve) => {
      letOpen = resolve;
    });
    const access: HidAccess = {
      ...plug.access,
      open: (path, listeners) => gate.then(() => plug.access.open(path, listeners)),
    };
    await expect(openHidPosReader(hid(PATH), { access, openTimeoutMs: 30 })).rejects.toMatchObject({
      code: "reader.failed",
      message: expect.stringContaining("no answer within 30 ms"),
    });
    letOpen();
    await until(() => expect([plug.openings, plug.closings]).toEqual([1, 1]));
  });
});

describe("a fault has a code and says what to do, whether the library brings an Error or a string", () => {
  test.each([
    ["ENOENT: no such file or directory, access '/dev/hidraw7'", "reader.not-found", "plug the reader in"],
    ["cannot open device with path /dev/hidraw7 (No such device)", "reader.not-found", "plug the reader in"],
    ["cannot open device with path /dev/hidraw7 (Permission denied)", "reader.permission", "udev/rules.d"],
    ["CreateFile: (0x00000005) Access is denied.", "reader.busy", "close it"],
    [
      "CreateFile: (0x00000020) The process cannot access the file because it is being used by another process.",
      "reader.busy",
      "close it",
    ],
    ["cannot open device with path X", "reader.failed", "plug it in again"],
    ["", "reader.failed", "plug it in again"],
  ])("%s", (text, code, advice) => {
    for (const error of [new Error(text), text]) {
      const fault = hidFault(PATH, error, { during: "open", usb: { vendorId: VENDOR.honeywell, productId: 0x1007 } });
      expect(fault).toMatchObject({ code, cause: error, message: expect.stringContaining(advice) });
      expect(fault.message).not.toMatch(/\n|undefined|\[object/);
    }
  });

  test.each([undefined, null, 5, {}])("and even for %j", (error) => {
    expect(hidFault(PATH, error, { during: "open", usb: null }).code).toBe("reader.failed");
  });
});

describe("an error while reading", () => {
  const DISCONNECTED = "hid_read_timeout: device disconnected";

  test.each([
    ["a string, as HIDAsync brings it", DISCONNECTED],
    ["an Error", new Error(DISCONNECTED)],
  ])("with the device gone is unplugged: %s", async (_name, error) => {
    const plug = replay(VENDOR.honeywell);
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    const { texts, ended } = collect(reader);
    const half = scanReports("honeywell", LOREM)[0] as Buffer;
    plug.send(...scanReports("honeywell", CARD), half);
    plug.unplug(error);
    expect(await ended).toMatchObject({ name: "ReaderFault", code: "reader.unplugged", cause: error });
    expect(texts()).toEqual([CARD]);
    expect(plug.closings).toBe(1);
  });

  test("with the device still there is no unplugging, whatever its words", async () => {
    const plug = replay(VENDOR.honeywell);
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    const { ended } = collect(reader);
    plug.listeners?.onError(DISCONNECTED);
    expect(await ended).toMatchObject({ code: "reader.failed", message: expect.stringContaining(DISCONNECTED) });
    expect(plug.closings).toBe(1);
  });

  test("before the iteration began is kept for it, and only the first counts", async () => {
    const plug = replay(VENDOR.honeywell);
    await using reader = await openHidPosReader(hid(PATH), { access: plug.access });
    const { listeners } = plug;
    plug.unplug("first");
    listeners?.onError("second");
    listeners?.onReport(CAPTURES.V2);
    await settled();
    const { scans, ended } = collect(reader);
    expect(await ended).toMatchObject({ code: "reader.unplugged", cause: "first" });
    expect(scans).toEqual([]);
  });
});

describe("disposing", () => {
  test("ends the iteration quietly and closes once", async () => {
    const plug = replay(VENDOR.honeywell);
    const reader = await openHidPosReader(hid(PATH), { access: plug.access });
    const { ended } = collect(reader);
    await reader[Symbol.asyncDispose]();
    await reader[Symbol.asyncDispose]();
    expect(await ended).toBeNull();
    expect(plug.closings).toBe(1);
  });

  test.each([
    ["never answers", () => new Promise<void>(() => {})],
    ["throws", () => Promise.reject(new Error("already closed"))],
  ])("is bounded when closing %s", async (_name, closeDevice) => {
    const plug = replay(VENDOR.honeywell);
    const access: HidAccess = {
      ...plug.access,
      open: async (path, listeners) => ({ ...(await plug.access.open(path, listeners)), close: closeDevice }),
    };
    const reader = await openHidPosReader(hid(PATH), { access, closeTimeoutMs: 50 });
    const beforeMs = performance.now();
    await reader[Symbol.asyncDispose]();
    expect(performance.now() - beforeMs).toBeLessThan(1000);
  });
});

test("a supervised reader is replugged ten times and read ten times, its half scans joined with nothing", async () => {
  const plug = replay(VENDOR.honeywell);
  const texts: string[] = [];
  const words: string[] = [];
  await using _gate = superviseReader(hid(PATH), {
    delaysMs: [5, 10],
    onScan: (scan) => void texts.push(Buffer.from(scan.bytes).toString("utf8")),
    onState: (state) => void words.push(state.code ?? state.state),
    open: (spec) => openHidPosReader(spec as HidReaderSpec, { access: plug.access }),
  });
  for (let round = 1; round <= 10; round++) {
    await until(() => expect(words.filter((word) => word === "ready")).toHaveLength(round));
    const half = scanReports("honeywell", LOREM)[0] as Buffer;
    plug.send(...scanReports("honeywell", `${round} ${CARD}`), half);
    await until(() => expect(texts).toHaveLength(round));
    plug.unplug("device disconnected");
    await until(() => expect(words.at(-1)).toBe("reader.not-found"));
    plug.replug();
  }
  expect(texts).toEqual(Array.from({ length: 10 }, (_, index) => `${index + 1} ${CARD}`));
});

describe("node-hid on this machine", () => {
  test("is loaded and finds no reader at a path where none is", async () => {
    await expect(openReader(hid("/dev/hidraw-none"))).rejects.toMatchObject({ code: "reader.not-found" });
  });

  test("that does not load is one sentence that names the Debian packages", async () => {
    // What Node 24 says on a Debian without the package.
    const missing = new Error("libusb-1.0.so.0: cannot open shared object file: No such file or directory");
    const access = createNodeHidAccess(() => Promise.reject(missing));
    const opening = openHidPosReader(hid(PATH), { access });
    await expect(opening).rejects.toMatchObject({ name: "ReaderFault", code: "reader.failed", cause: missing });
    const sentence = await opening.catch((error: Error) => error.message);
    expect(sentence).toContain("libusb-1.0.so.0");
    if (process.platform === "linux") expect(sentence).toContain("libusb-1.0-0 and libudev1");
    expect(sentence).not.toContain("\n");
  });

  test("has no descriptor to tell for a device that is not there", async () => {
    const access = createNodeHidAccess();
    expect(await access.reportDescriptor("/dev/hidraw-none")).toBeNull();
    expect(await access.reportDescriptor("\\\\?\\HID#X")).toBeNull();
  });

  test.skipIf(process.platform === "win32")("refuses a node that is not there before it asks hidapi", async () => {
    const nobody = { onReport: () => {}, onError: () => {} };
    await expect(createNodeHidAccess().open("/dev/hidraw-none", nobody)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
