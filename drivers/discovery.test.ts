import { describe, expect, test } from "vitest";
import { descriptors, type InterfaceMade, type PluggedIn, pluggedTree } from "../testing/plugged-tree.ts";
import { type Assessed, assess } from "./discovery.ts";
import { fingerprintOf } from "./fingerprints.ts";
import { parseReaderSpec } from "./reader-spec.ts";

// The devices come through the real look at a recorded /sys.

type Unplaced = Omit<PluggedIn, "port">;

const keyboard = (at = "event3") => ({ hid: "hidraw0", descriptor: descriptors.keyboard, keyboard: at });
const pos = { hid: "hidraw1", descriptor: descriptors.pos };
const serial = { serial: "ttyACM0" };
const vendorHid = { hid: "hidraw2", descriptor: descriptors.vendorOnly };

async function assessed(device: Unplaced, platform: NodeJS.Platform = "linux"): Promise<Assessed[]> {
  using tree = pluggedTree();
  tree.plugIn({ port: "1-2.4", ...device });
  return assess(await tree.system.list(), { platform });
}

const words = (all: readonly Assessed[]): string[] =>
  all.map((one) => [one.verdict, one.mode, one.verdict === "reader" ? one.spec.id : ""].join(" ").trim());

const honeywell = { vendor: "0c2e", product: "0b61", serial: "18230B4F2A", name: "Voyager 1450g" };
const zebra = { vendor: "05e0", name: "DS2208" };

describe("one device is one reader", () => {
  test.each<[string, Unplaced, string]>([
    ["in HID POS mode", { ...honeywell, interfaces: [pos] }, "reader hid-pos hid:usb:0c2e:0b61:18230B4F2A"],
    [
      "a Honeywell in keyboard mode that shows HID POS beside it",
      { ...honeywell, interfaces: [keyboard(), { hid: "hidraw3", descriptor: descriptors.remoteManagement }, pos] },
      "reader hid-pos hid:usb:0c2e:0b61:18230B4F2A",
    ],
    [
      "with HID POS and serial",
      { ...honeywell, interfaces: [serial, pos] },
      "reader hid-pos hid:usb:0c2e:0b61:18230B4F2A",
    ],
    [
      "with serial and keyboard",
      { ...honeywell, interfaces: [keyboard(), serial] },
      "reader cdc serial:usb:0c2e:0b61:18230B4F2A",
    ],
    [
      "in USB serial mode",
      { ...zebra, product: "1701", interfaces: [serial] },
      "reader cdc serial:usb:05e0:1701@1-2.4",
    ],
    [
      "in keyboard mode",
      { ...zebra, product: "1200", interfaces: [keyboard()] },
      "reader keyboard evdev:usb:05e0:1200@1-2.4",
    ],
    [
      "Newland's keyboard",
      { vendor: "1eab", product: "1403", interfaces: [keyboard()] },
      "reader keyboard evdev:usb:1eab:1403@1-2.4",
    ],
    [
      "a no-name wedge",
      { vendor: "0416", product: "c141", interfaces: [keyboard()] },
      "reader keyboard evdev:usb:0416:c141@1-2.4",
    ],
    [
      "an unknown maker's HID POS",
      { vendor: "abcd", product: "0001", interfaces: [pos] },
      "reader hid-pos hid:usb:abcd:0001@1-2.4",
    ],
  ])("%s", async (_, device, expected) => {
    expect(words(await assessed(device))).toEqual([expected]);
  });

  test("its specification is one a person can write, with its own name and the direction asked for", async () => {
    using tree = pluggedTree();
    tree.plugIn({ ...honeywell, port: "1-1", interfaces: [pos] });
    const [one] = assess(await tree.system.list(), { direction: "in" });
    if (one?.verdict !== "reader") throw new Error("no reader");
    expect(one.spec).toEqual({ ...parseReaderSpec(one.spec.id), name: "Voyager 1450g", direction: "in" });
  });
});

describe("never taken by itself is", () => {
  test.each<[string, Unplaced, string[]]>([
    ["an ordinary keyboard", { vendor: "046d", product: "c31c", interfaces: [keyboard()] }, ["by-hand keyboard"]],
    [
      "a modem or a board with a serial port",
      { vendor: "2341", product: "0043", interfaces: [serial] },
      ["by-hand serial"],
    ],
    [
      "an adapter, which may drive the gate",
      { vendor: "1a86", product: "7523", interfaces: [{ serial: "ttyUSB0" }] },
      ["by-hand bridge"],
    ],
    ["a relay board", { vendor: "16c0", product: "05df", interfaces: [vendorHid] }, ["by-hand relay"]],
    [
      "a mouse",
      { vendor: "046d", product: "c077", interfaces: [{ hid: "hidraw0", descriptor: descriptors.mouse }] },
      [],
    ],
    [
      "a keyboard with a mouse beside it, though readers were seen with its id",
      {
        vendor: "04b4",
        product: "0100",
        interfaces: [keyboard(), { hid: "hidraw1", descriptor: descriptors.mouse }],
      },
      ["by-hand keyboard"],
    ],
    [
      "the receiver of a wireless keyboard",
      { vendor: "05fe", product: "1010", interfaces: [keyboard()] },
      ["by-hand keyboard"],
    ],
    ["a hub", { vendor: "1d6b", product: "0002" }, []],
    [
      "a device that shares only the vendor id of a wedge",
      { vendor: "04b4", product: "6560", interfaces: [keyboard()] },
      ["by-hand keyboard"],
    ],
  ])("%s", async (_, device, expected) => {
    expect(words(await assessed(device))).toEqual(expected);
  });

  test("an adapter can be named by hand", async () => {
    const [one] = await assessed({ vendor: "1a86", product: "7523", interfaces: [{ serial: "ttyUSB0" }] });
    expect(one).toMatchObject({ specText: "serial:usb:1a86:7523@1-2.4" });
  });
});

describe("a reader that cannot be read as it is", () => {
  test.each<[string, Unplaced, string, RegExp]>([
    [
      "IBM by its collection, whoever made it",
      { vendor: "abcd", product: "1", interfaces: [{ hid: "hidraw0", descriptor: descriptors.ibmHandHeld }] },
      "ibm-oem",
      /“USB COM”/,
    ],
    ["IBM by its product", { ...zebra, product: "1300", interfaces: [vendorHid] }, "ibm-oem", /“USB CDC Host”/],
    ["SNAPI", { ...zebra, product: "1900", interfaces: [vendorHid] }, "snapi", /“USB CDC Host” or “HID POS”/],
    ["of a known maker, without any node", { vendor: "05f9", product: "5204" }, "unknown", /“USB-COM”/],
  ])("%s says what it is and which barcode to scan", async (_, device, mode, barcode) => {
    const [one] = await assessed({ ...device, product: device.product.padStart(4, "0") });
    if (one?.verdict !== "unusable") throw new Error(`not unusable: ${one?.verdict}`);
    expect(one.mode).toBe(mode);
    expect(one.next.en).toMatch(barcode);
    expect(one.next.vi).toMatch(/^Quét mã cài đặt “.+\.$/);
    expect(one.title.vi).toMatch(/^Đầu đọc/);
  });

  test("in keyboard mode: Linux reads it and advises; Windows asks for the barcode and says that the page still reads", async () => {
    const datalogic = { vendor: "05f9", product: "2206", interfaces: [keyboard()] };
    const [onLinux] = await assessed(datalogic, "linux");
    expect(onLinux).toMatchObject({
      verdict: "reader",
      advice: { vi: expect.stringContaining("“USB-COM”"), en: expect.stringContaining("“USB-COM”") },
    });
    const [onWindows] = await assessed(datalogic, "win32");
    expect(onWindows).toMatchObject({
      verdict: "unusable",
      next: { vi: expect.stringContaining("khi mở trang này"), en: expect.stringContaining("only the kiosk page") },
    });
  });

  test("beside a keyboard that software cannot silence, HID POS is read with advice", async () => {
    const [taken] = await assessed({ ...honeywell, interfaces: [keyboard(), pos] });
    const [other] = await assessed({ ...zebra, product: "2100", interfaces: [keyboard(), pos] });
    expect(taken).toMatchObject({ verdict: "reader", advice: null });
    expect(other).toMatchObject({
      verdict: "reader",
      advice: { vi: expect.stringMatching(/^Nếu quét mà máy không nhận: quét/) },
    });
  });
});

test("every sentence fits the 120 characters that a screen shows", async () => {
  const makers = ["0c2e", "0536", "23d0", "05e0", "05f9", "080c", "1eab", "065a", "27dd", "11fa"];
  const typing = (index: number) => ({
    hid: `hidraw${index}0`,
    descriptor: descriptors.keyboard,
    keyboard: `event${index}`,
  });
  const scanning = (index: number) => ({ hid: `hidraw${index}1`, descriptor: descriptors.pos });
  using tree = pluggedTree();
  let index = 0;
  const plugIn = (vendor: string, product: string, ...interfaces: ((at: number) => InterfaceMade)[]): void => {
    index++;
    tree.plugIn({ port: `1-${index}`, vendor, product, interfaces: interfaces.map((make) => make(index)) });
  };
  for (const vendor of makers) {
    plugIn(vendor, "9999", typing);
    plugIn(vendor, "9999", typing, scanning);
    plugIn(vendor, "9999");
  }
  plugIn("0416", "c141", typing);
  plugIn("05e0", "1900");
  plugIn("05e0", "1300");
  const plugged = await tree.system.list();
  const all = [...assess(plugged, { platform: "linux" }), ...assess(plugged, { platform: "win32" })];
  const sentences = all.flatMap((one) => {
    const said = one.verdict === "unusable" ? [one.title, one.next] : one.verdict === "reader" ? [one.advice] : [];
    return said.flatMap((sentence) => (sentence === null ? [] : [sentence.vi, sentence.en]));
  });
  expect(sentences.length).toBeGreaterThan(100);
  expect(sentences.filter((sentence) => sentence.length > 120)).toEqual([]);
});

test("what a product is called when it does not tell", async () => {
  const name = async (device: Unplaced) => (await assessed(device))[0]?.name;
  expect(await name({ vendor: "0c2e", product: "0b81", interfaces: [pos] })).toBe("Voyager 1400g");
  expect(await name({ vendor: "065a", product: "1234", interfaces: [keyboard()] })).toBe("Opticon reader");
  expect(fingerprintOf(0x1eab, 0x1d10)?.mode).toBe("hid-pos");
  expect(fingerprintOf(0x1eab, 0x8306)?.mode).toBe("cdc");
});
