import { chmodSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { descriptors, type PluggedTree, pluggedTree } from "../../testing/plugged-tree.ts";
import { until } from "../../testing/until.ts";
import { formatUsbAddress, parseUsbAddress, type UsbAddress } from "../usb-address.ts";
import { collectionUsages } from "./collection-usages.ts";
import { locateNode } from "./locate-node.ts";
import type { PluggedDevice } from "./plugged-device.ts";
import { watchPlugged } from "./watch-plugged.ts";
import { gatherListed } from "./windows.ts";

// Linux: a recorded /sys in a temporary folder. Windows: what the two libraries list there.

const voyager = {
  port: "1-2.4",
  vendor: "0c2e",
  product: "0b61",
  serial: "18230B4F2A",
  maker: "Honeywell",
  name: "Voyager 1450g",
  interfaces: [
    { hid: "hidraw0", descriptor: descriptors.keyboard, keyboard: "event3" },
    { hid: "hidraw1", descriptor: descriptors.pos },
  ],
} as const;
const zebra = { vendor: "05e0", product: "1701", maker: "Symbol", name: "DS2208" } as const;

const addresses = (devices: readonly PluggedDevice[]): string[] => devices.map((one) => formatUsbAddress(one.address));
const address = (text: string): UsbAddress => parseUsbAddress(text) as UsbAddress;
const list = (tree: PluggedTree) => tree.system.list();

describe("what is plugged into a Linux machine", () => {
  test("is nothing where there is nothing, not even the folders", async () => {
    using tree = pluggedTree();
    expect(await list(tree)).toEqual([]);
    tree[Symbol.dispose]();
    expect(await list(tree)).toEqual([]);
  });

  test("is one device with all its ways in, whichever interface they are on", async () => {
    using tree = pluggedTree();
    tree.plugIn(voyager);
    expect(await list(tree)).toEqual([
      {
        address: { vendorId: 0x0c2e, productId: 0x0b61, serialNumber: "18230B4F2A", port: null },
        port: "1-2.4",
        manufacturer: "Honeywell",
        product: "Voyager 1450g",
        interfaces: [
          { transport: "hid", path: `${tree.dev}/hidraw0`, usagePage: 1, usage: 6 },
          { transport: "hid", path: `${tree.dev}/hidraw1`, usagePage: 0x8c, usage: 2 },
          { transport: "keyboard", path: `${tree.dev}/input/event3` },
        ],
      },
    ]);
  });

  test("has serial ports of modems and of adapters, and a reader no driver made a node for", async () => {
    using tree = pluggedTree();
    tree.plugIn({ ...zebra, port: "1-1", serial: "S1", interfaces: [{ serial: "ttyACM0" }] });
    tree.plugIn({
      port: "1-3",
      vendor: "1a86",
      product: "7523",
      name: "USB Serial",
      interfaces: [{ serial: "ttyUSB0" }],
    });
    tree.plugIn({ port: "1-4", vendor: "0c2e", product: "0720", serial: "S2" });
    const devices = await list(tree);
    expect(devices.map(({ port, interfaces }) => [port, interfaces])).toEqual([
      ["1-1", [{ transport: "serial", path: `${tree.dev}/ttyACM0` }]],
      ["1-4", []],
      ["1-3", [{ transport: "serial", path: `${tree.dev}/ttyUSB0` }]],
    ]);
  });

  test("tells two of one model without serial number, or with the same one, apart by their ports", async () => {
    using tree = pluggedTree();
    tree.plugIn({ ...zebra, port: "1-1", interfaces: [{ serial: "ttyACM0" }] });
    tree.plugIn({ ...zebra, port: "1-2.3", interfaces: [{ serial: "ttyACM1" }] });
    tree.plugIn({ ...zebra, port: "1-5", vendor: "1eab", product: "0106", serial: "0000000000" });
    tree.plugIn({ ...zebra, port: "1-6", vendor: "1eab", product: "0206", serial: "AB77" });
    tree.plugIn({ ...zebra, port: "1-7", vendor: "1eab", product: "0206", serial: "AB77" });
    expect(addresses(await list(tree))).toEqual([
      "usb:05e0:1701@1-1",
      "usb:05e0:1701@1-2.3",
      "usb:1eab:0106@1-5",
      "usb:1eab:0206@1-6",
      "usb:1eab:0206@1-7",
    ]);
  });

  test("cannot drive a terminal or overflow a record by what it calls itself", async () => {
    using tree = pluggedTree();
    tree.plugIn({
      ...voyager,
      serial: "S".repeat(120),
      name: `Voyager\u001b[2J\u202e ${"g".repeat(100)}`,
      maker: " \u0007 ",
    });
    const [device] = await list(tree);
    expect(device).toMatchObject({ manufacturer: null, address: { serialNumber: null, port: "1-2.4" } });
    expect(device?.product).toMatch(/^Voyager \[2J g{40,60}$/);
  });
});

describe("a HID descriptor", () => {
  test("tells every outermost collection and stays calm when it is broken", () => {
    expect(collectionUsages(Buffer.concat([descriptors.keyboard, descriptors.remoteManagement]))).toEqual([
      { usagePage: 1, usage: 6 },
      { usagePage: 0xff8c, usage: 2 },
    ]);
    expect(collectionUsages(descriptors.ibmHandHeld)).toEqual([{ usagePage: 0xff45, usage: 0x4b00 }]);
    for (let length = 0; length <= descriptors.pos.length; length++) {
      expect(collectionUsages(descriptors.pos.subarray(0, length)).length).toBeLessThanOrEqual(1);
    }
    expect(collectionUsages(Buffer.alloc(5000, 0xa1))).toEqual([]);
  });
});

describe("a USB address", () => {
  test("is found at whatever node the reader has now", async () => {
    using tree = pluggedTree();
    tree.plugIn(voyager);
    const at = address("usb:0c2e:0b61:18230B4F2A");
    expect(locateNode("hid", at, await list(tree))).toBe(`${tree.dev}/hidraw1`);
    expect(locateNode("evdev", at, await list(tree))).toBe(`${tree.dev}/input/event3`);
    tree.unplug("1-2.4");
    tree.plugIn({ ...voyager, port: "1-3", interfaces: [{ hid: "hidraw7", descriptor: descriptors.pos }] });
    expect(locateNode("hid", at, await list(tree))).toBe(`${tree.dev}/hidraw7`);
    expect(locateNode("hid", address("usb:0c2e:0b61@1-3"), await list(tree))).toBe(`${tree.dev}/hidraw7`);
    expect(locateNode("hid", address("usb:0c2e:0b61"), await list(tree))).toBe(`${tree.dev}/hidraw7`);
  });

  test("that is not there, in another mode or not one reader says what is", async () => {
    using tree = pluggedTree();
    tree.plugIn({ ...zebra, port: "1-1", interfaces: [{ serial: "ttyACM0" }] });
    tree.plugIn({ ...zebra, port: "1-2", interfaces: [{ serial: "ttyACM1" }] });
    const devices = await list(tree);
    const fault = (text: string, transport: "hid" | "serial" = "serial"): unknown => {
      try {
        return locateNode(transport, address(text), devices);
      } catch (error) {
        return error;
      }
    };
    expect(fault("usb:1eab:0106")).toMatchObject({
      code: "reader.not-found",
      message: expect.stringContaining("plugged in now in USB serial mode: DS2208 (usb:05e0:1701@1-1), DS2208"),
    });
    expect(fault("usb:1eab:0110", "hid")).toMatchObject({
      code: "reader.not-found",
      message: expect.stringContaining("nothing in HID POS mode is plugged in"),
    });
    expect(fault("usb:05e0:1701@1-1", "hid")).toMatchObject({ code: "reader.wrong-mode" });
    expect(fault("usb:05e0:1701")).toMatchObject({
      code: "reader.bad-spec",
      message: expect.stringContaining("usb:05e0:1701@1-2"),
    });
  });
});

describe("what Windows lists", () => {
  const hidPath = (rest: string): string =>
    `\\\\?\\HID#VID_0C2E&PID_0B61${rest}#{4d1e55b2-f16f-11cf-88cb-001111000030}`;
  const hid = (rest: string, usagePage: number, usage: number, serialNumber = "") => ({
    path: hidPath(rest),
    vendorId: 0x0c2e,
    productId: 0x0b61,
    serialNumber,
    manufacturer: "Honeywell",
    product: "Voyager 1450g",
    usagePage,
    usage,
  });

  test("is put together to one device by its serial number", () => {
    const devices = gatherListed(
      [{ path: "COM5", vendorId: "05E0", productId: "1701", serialNumber: "S20", locationId: "Port_#0002.Hub_#0003" }],
      [hid("&MI_00#8&1&0&0000", 1, 6, "1823"), hid("&MI_01#8&2&0&0000", 0x8c, 2, "1823")],
    );
    expect(addresses(devices)).toEqual(["usb:05e0:1701:S20", "usb:0c2e:0b61:1823"]);
    expect(devices[1]?.interfaces.map(({ transport }) => transport)).toEqual(["keyboard", "hid"]);
    expect(locateNode("serial", address("usb:05e0:1701:S20"), devices)).toBe("COM5");
  });

  test("is told apart by instance where there is no serial number", () => {
    const devices = gatherListed(
      [
        {
          path: "COM5",
          vendorId: "05e0",
          productId: "1701",
          serialNumber: "6&1F&0&2",
          locationId: "Port_#0002.Hub_#0003",
        },
        { path: "COM1" },
      ],
      [hid("&MI_01#8&2&0&0000", 0x8c, 2), hid("&MI_01#8&9&0&0000", 0x8c, 2), hid("&MI_00#8&1&0&0000", 1, 6)],
    );
    expect(addresses(devices)).toEqual([
      "usb:05e0:1701@Port_%230002.Hub_%230003",
      "usb:0c2e:0b61@8%262%260%260000",
      "usb:0c2e:0b61@8%269%260%260000",
    ]);
    expect(locateNode("hid", address(addresses(devices)[2] ?? ""), devices)).toBe(hidPath("&MI_01#8&9&0&0000"));
  });

  test("is two readers also when both tell the same serial number", () => {
    const devices = gatherListed(
      [],
      [hid("&MI_01#8&2&0&0000", 0x8c, 2, "S100"), hid("&MI_01#8&9&0&0000", 0x8c, 2, "S100")],
    );
    expect(addresses(devices)).toEqual(["usb:0c2e:0b61@8%262%260%260000", "usb:0c2e:0b61@8%269%260%260000"]);
  });
});

describe("plugging in and out", () => {
  test("is seen by itself, also in a folder that was not there, long before the regular look", async () => {
    using tree = pluggedTree();
    const looks: string[][] = [];
    using _ = watchPlugged(tree.system, (devices) => void looks.push(addresses(devices)));
    await until("the first look", () => looks.length === 1);
    const before = performance.now();
    for (let round = 0; round < 3; round++) {
      tree.plugIn(voyager);
      await until("plugged in", () => looks.at(-1)?.length === 1, tree.system.lookEveryMs - 1000);
      tree.unplug("1-2.4");
      await until("unplugged", () => looks.at(-1)?.length === 0, tree.system.lookEveryMs - 1000);
    }
    expect((performance.now() - before) / 6).toBeLessThan(tree.system.lookEveryMs / 2);
  });

  test("is seen in /dev/input also after the folder went with its last keyboard and came back", async () => {
    using tree = pluggedTree();
    let looks = 0;
    using _ = watchPlugged(tree.system, () => void looks++);
    for (const round of ["first", "second"]) {
      tree.plugIn(voyager);
      const before = await until(`${round} look`, () => looks || false);
      await until(`${round} plugged in`, () => looks > before);
      tree.unplug("1-2.4");
      await until(`${round} unplugged`, () => looks > before + 1);
    }
    tree.plugIn(voyager);
    const settled = looks;
    await until("it settled", () => looks > settled);
    const before = looks;
    // Only a mode changes, as when udev comes late: nothing happens in /dev itself.
    chmodSync(`${tree.dev}/input/event3`, 0o660);
    await until("a look after the mode changed", () => looks > before, tree.system.lookEveryMs - 2000);
  });

  test("of a device that flaps causes few looks, one after the other", async () => {
    using tree = pluggedTree();
    let running = 0;
    let looks = 0;
    const beganMs = performance.now();
    using _ = watchPlugged(tree.system, async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      looks++;
      running--;
    });
    for (let round = 0; round < 100; round++) {
      tree.plugIn(voyager);
      tree.unplug("1-2.4");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // One look per 300 ms at the most, and the first.
    expect(looks).toBeGreaterThan(1);
    expect(looks).toBeLessThanOrEqual((performance.now() - beganMs) / 300 + 1);
  });
});
