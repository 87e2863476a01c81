import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assess } from "../drivers/discovery.ts";
import { descriptors, type PluggedIn, type PluggedTree, pluggedTree } from "../testing/plugged-tree.ts";
import { deviceProblems, nodeSentence } from "./reader-problems.ts";
import { reportLine, reportText } from "./readers-report.ts";

// What a technician reads before the first patient comes; the devices come through the real look at a recorded /sys.

const good: PluggedIn = {
  port: "1-1",
  vendor: "0c2e",
  product: "0db3",
  serial: "18230B4F2A",
  maker: "Honeywell",
  name: "Voyager 1602g",
  interfaces: [{ hid: "hidraw1", descriptor: descriptors.pos }],
};
const typing: PluggedIn = {
  port: "1-2.3",
  vendor: "05e0",
  product: "1200",
  maker: "Zebra",
  name: "DS2208",
  interfaces: [{ hid: "hidraw0", descriptor: descriptors.keyboard, keyboard: "event3" }],
};

async function found(tree: PluggedTree, platform: NodeJS.Platform = "linux") {
  return assess(await tree.system.list(), { platform }).map((assessed) => ({ assessed, problems: [] }));
}

describe("tram readers says", () => {
  test("with nothing plugged in: what to do, and that a serial cable is named by hand", () => {
    expect(reportText([])).toBe(
      "No reader is plugged in that can be recognised.\n" +
        "  To do    Plug one in by USB; tram readers --watch shows it the moment it appears.\n" +
        "           One on a serial cable (RS-232) is named by hand: --reader serial:/dev/ttyS0 (Windows: serial:COM1).\n",
    );
  });

  test("with a good one: that it reads by itself, as whom, and that there is nothing to do", async () => {
    using tree = pluggedTree();
    tree.plugIn(good);
    expect(reportText(await found(tree))).toBe(
      "Voyager 1602g  (Honeywell, 0c2e:0db3, serial number 18230B4F2A)\n" +
        "  Mode     HID POS\n" +
        `  Reads    yes, by itself   hid:usb:0c2e:0db3:18230B4F2A   ${tree.dev}/hidraw1\n` +
        "  To do    nothing\n",
    );
  });

  test("with one in keyboard mode: which barcode to scan; on Windows also what works until then", async () => {
    using tree = pluggedTree();
    tree.plugIn(typing);
    expect(reportText(await found(tree))).toBe(
      "DS2208  (Zebra, 05e0:1200, port 1-2.3)\n" +
        "  Mode     keyboard\n" +
        `  Reads    yes, by itself   evdev:usb:05e0:1200@1-2.3   ${tree.dev}/input/event3\n` +
        "  To do    Keyboard mode: accents may be wrong. " +
        "Scan the setup barcode “USB CDC Host” or “HID POS” from its manual.\n",
    );
    expect(reportText(await found(tree, "win32"))).toBe(
      "DS2208  (Zebra, 05e0:1200, port 1-2.3)\n" +
        "  Mode     keyboard\n" +
        "  Reads    only while the kiosk page is in front\n" +
        "  To do    Scan the setup barcode “USB CDC Host” or “HID POS” from its manual. " +
        "Now only the kiosk page takes scans.\n",
    );
  });

  test("with one that software takes over: that no barcode is needed", async () => {
    using tree = pluggedTree();
    tree.plugIn({
      ...good,
      interfaces: [
        { hid: "hidraw0", descriptor: descriptors.keyboard, keyboard: "event3" },
        { hid: "hidraw1", descriptor: descriptors.pos },
      ],
    });
    expect(reportText(await found(tree))).toMatch(
      /Mode {5}keyboard with HID POS beside it: .*no setup barcode\n {2}Reads {4}yes.*\n {2}To do {4}nothing/,
    );
  });

  test("with an adapter, a relay or an ordinary keyboard: after the readers, and how to name it if it is one", async () => {
    using tree = pluggedTree();
    tree.plugIn({
      port: "1-3",
      vendor: "1a86",
      product: "7523",
      name: "USB2.0-Serial",
      interfaces: [{ serial: "ttyUSB0" }],
    });
    tree.plugIn({
      port: "1-4",
      vendor: "16c0",
      product: "05df",
      name: "USBRelay2",
      interfaces: [{ hid: "hidraw5", descriptor: descriptors.vendorOnly }],
    });
    tree.plugIn({ ...typing, port: "1-5", vendor: "046d", product: "c31c", maker: "Logitech", name: "Keyboard K120" });
    const text = reportText(await found(tree));
    expect(text.indexOf("No reader is plugged in")).toBeLessThan(text.indexOf("Left alone"));
    expect(text).toContain('choose it by hand: --reader "serial:usb:1a86:7523@1-3?baud=9600"');
    expect(text).toContain("It is no reader; name it as a relay if it opens the gate.");
    expect(text).toContain('If it is a reader, choose it by hand: --reader "evdev:usb:046d:c31c@1-5"');
  });

  test("with an adapter that has no port: not to look for a setup barcode", async () => {
    using tree = pluggedTree();
    tree.plugIn({ port: "1-3", vendor: "1a86", product: "7523", name: "USB2.0-Serial" });
    expect(reportText(await found(tree))).toContain(
      "  Reads    no\n  To do    It has no port: plug it in again, or install its maker's driver.\n",
    );
  });

  test("to a machine: one line a device with the same words", async () => {
    using tree = pluggedTree();
    tree.plugIn(typing);
    const [device] = await found(tree);
    expect(device && reportLine(device)).toEqual({
      event: "device",
      verdict: "reader",
      mode: "keyboard",
      name: "DS2208",
      address: "usb:05e0:1200@1-2.3",
      port: "1-2.3",
      manufacturer: "Zebra",
      reader: "evdev:usb:05e0:1200@1-2.3",
      nodes: [`${tree.dev}/hidraw0`, `${tree.dev}/input/event3`],
      problems: [],
      todo: expect.stringMatching(/^Keyboard mode: .*“HID POS”/),
    });
  });
});

describe("a problem of this machine", () => {
  test("is told with its remedy in the place of nothing to do", async () => {
    using tree = pluggedTree();
    tree.plugIn(good);
    const [device] = await found(tree);
    if (device?.assessed.verdict !== "reader") throw new Error("no reader");
    const problem = nodeSentence(device.assessed);
    expect(problem).toBe(
      `This user may not open ${tree.dev}/hidraw1: run "tram readers --udev-rules | sudo tee ` +
        "/etc/udev/rules.d/70-tram-qr-scanners.rules && sudo udevadm control --reload && sudo udevadm trigger" +
        '" and plug the reader in again; a service must be in the group plugdev.',
    );
    const text = reportText([{ ...device, problems: [problem] }]);
    expect(text).toContain(`  Problem  ${problem}\n`);
    expect(text).not.toContain("nothing");
  });

  test("is told with a rule of its own for a reader of an unknown maker", async () => {
    using tree = pluggedTree();
    tree.plugIn({ ...good, vendor: "abcd" });
    const [device] = await found(tree);
    if (device?.assessed.verdict !== "reader") throw new Error("no reader");
    expect(nodeSentence(device.assessed)).toContain(
      'KERNEL=="hidraw*", ATTRS{idVendor}=="abcd", TAG+="uaccess", MODE="0660", GROUP="plugdev"',
    );
  });

  test("is told where there is no reader, because it may be the reason, and not beside one that reads", async () => {
    using tree = pluggedTree();
    expect(reportText([], ["brltty takes the adapters."])).toMatch(/serial:COM1\)\.\n {2}Problem {2}brltty takes/);
    tree.plugIn(good);
    expect(reportText(await found(tree), ["brltty takes the adapters."])).not.toContain("brltty");
  });

  test("is looked for at the node that is opened", async () => {
    using tree = pluggedTree();
    tree.plugIn(good);
    const [device] = await found(tree);
    if (device?.assessed.verdict !== "reader") throw new Error("no reader");
    expect(await deviceProblems(device.assessed)).toEqual([]);
    rmSync(`${tree.dev}/hidraw1`);
    expect(await deviceProblems(device.assessed)).toEqual([
      `${tree.dev}/hidraw1 is not there: plug the reader in again.`,
    ]);
  });
});
