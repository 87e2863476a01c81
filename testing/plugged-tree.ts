/**
 * A machine's /sys and /dev in a temporary folder: the folders, links and attributes the Linux kernel makes for USB
 * readers, recorded from real ones (kernel 6.1). Its nodes are plain files, or links to pseudo-terminals that really
 * send. What it has not: permissions, drivers, udev; the rig with virtual USB devices has.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { linuxSystem, type PluggedSystem } from "../drivers/plugged/system.ts";
import { temporaryFolder } from "./folder.ts";

/** A USB device as it is plugged in; each interface makes the node the kernel would make. */
export interface PluggedIn {
  /** `1-2.4`: bus, then the ports of the hubs on the way. */
  readonly port: string;
  readonly vendor: string;
  readonly product: string;
  readonly serial?: string;
  readonly maker?: string;
  readonly name?: string;
  readonly interfaces?: readonly InterfaceMade[];
}

export type InterfaceMade =
  | { readonly hid: string; readonly descriptor: Buffer; readonly keyboard?: string }
  | { readonly serial: string; readonly linkTo?: string };

/** Top-level collections of real descriptors; what is inside them does not matter here. */
export const descriptors = {
  keyboard: Buffer.from("05010906a101050719e029e715002501750195088102c0", "hex"),
  pos: Buffer.from("058c0902a1010912a1028502150026ff00750895010501093b8102c0c0", "hex"),
  remoteManagement: Buffer.from("068cff0902a10109128502150026ff007508953f8102c0", "hex"),
  ibmHandHeld: Buffer.from("0645ff0a004ba1010a024a15002500750895408102c0", "hex"),
  vendorOnly: Buffer.from("0600ff0901a101150026ff007508953f09018102c0", "hex"),
  mouse: Buffer.from("05010902a1010901a10005091901290315002501950375018102950175058101c0c0", "hex"),
};

/** What the kernel tells of the keys of a keyboard and of a mouse. */
const KEYBOARD_KEYS = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe";

export interface PluggedTree extends Disposable {
  readonly system: PluggedSystem;
  readonly dev: string;
  plugIn(device: PluggedIn): void;
  /** Takes the device in a port away, with its nodes. */
  unplug(port: string): void;
}

/** An empty machine. */
export function pluggedTree(): PluggedTree {
  const folder = temporaryFolder();
  const sys = path.join(folder.path, "sys");
  const dev = path.join(folder.path, "dev");
  const host = path.join(sys, "devices/pci0000:00/0000:00:14.0/usb1");
  const made = new Map<string, string[]>();
  for (const one of [
    host,
    dev,
    ...["bus/usb/devices", "class/hidraw", "class/tty", "class/input"].map((name) => path.join(sys, name)),
  ]) {
    mkdirSync(one, { recursive: true });
  }

  const folderOf = (port: string): string => {
    const hubs = port.split(".");
    return path.join(host, ...hubs.map((_, index) => hubs.slice(0, index + 1).join(".")));
  };
  const attributes = (at: string, values: Record<string, string | Buffer | undefined>): void => {
    mkdirSync(at, { recursive: true });
    for (const [name, value] of Object.entries(values)) {
      if (value !== undefined) writeFileSync(path.join(at, name), typeof value === "string" ? `${value}\n` : value);
    }
  };
  const link = (at: string, target: string, port: string): void => {
    symlinkSync(path.relative(path.dirname(at), target), at);
    made.get(port)?.push(at);
  };
  const node = (name: string, port: string, linkTo?: string): void => {
    const at = path.join(dev, name);
    mkdirSync(path.dirname(at), { recursive: true });
    if (linkTo === undefined) writeFileSync(at, "");
    else symlinkSync(linkTo, at);
    made.get(port)?.push(at);
  };

  let count = 0;
  const makeHid = (
    device: PluggedIn,
    at: string,
    one: Extract<InterfaceMade, { hid: string }>,
    input: number,
  ): void => {
    const { port, vendor, product, serial } = device;
    const ids = `0003:${vendor}:${product}`.toUpperCase();
    const hid = path.join(at, `${ids}.${(++count).toString(16).padStart(4, "0")}`);
    attributes(hid, {
      report_descriptor: one.descriptor,
      uevent: [
        "DRIVER=hid-generic",
        `HID_ID=0003:0000${vendor}:0000${product}`.toUpperCase(),
        `HID_NAME=${device.maker ?? ""} ${device.name ?? ""}`,
        `HID_PHYS=usb-0000:00:14.0-${port.slice(2)}/input${input}`,
        `HID_UNIQ=${serial ?? ""}`,
      ].join("\n"),
    });
    mkdirSync(path.join(hid, "hidraw", one.hid), { recursive: true });
    symlinkSync("../..", path.join(hid, "hidraw", one.hid, "device"));
    link(path.join(sys, "class/hidraw", one.hid), path.join(hid, "hidraw", one.hid), port);
    node(one.hid, port);
    if (one.keyboard === undefined) return;
    const inputFolder = path.join(hid, "input", `input${count}`);
    attributes(path.join(inputFolder, "capabilities"), { key: KEYBOARD_KEYS, ev: "120013" });
    mkdirSync(path.join(inputFolder, one.keyboard));
    symlinkSync("..", path.join(inputFolder, one.keyboard, "device"));
    link(path.join(sys, "class/input", one.keyboard), path.join(inputFolder, one.keyboard), port);
    node(path.join("input", one.keyboard), port);
  };
  const makeSerial = (port: string, at: string, one: Extract<InterfaceMade, { serial: string }>): void => {
    // cdc_acm puts its port under the interface, the adapters' drivers put one of the port's name in between.
    const parent = one.serial.startsWith("ttyUSB") ? path.join(at, one.serial) : at;
    mkdirSync(path.join(parent, "tty", one.serial), { recursive: true });
    symlinkSync("../..", path.join(parent, "tty", one.serial, "device"));
    link(path.join(sys, "class/tty", one.serial), path.join(parent, "tty", one.serial), port);
    node(one.serial, port, one.linkTo);
  };

  return {
    system: linuxSystem({ sys, dev }),
    dev,
    plugIn(device) {
      const { port } = device;
      made.set(port, []);
      attributes(folderOf(port), {
        idVendor: device.vendor,
        idProduct: device.product,
        serial: device.serial,
        manufacturer: device.maker,
        product: device.name,
      });
      link(path.join(sys, "bus/usb/devices", port), folderOf(port), port);
      for (const [index, one] of (device.interfaces ?? []).entries()) {
        const at = path.join(folderOf(port), `${port}:1.${index}`);
        mkdirSync(at, { recursive: true });
        if ("hid" in one) makeHid(device, at, one, index);
        else makeSerial(port, at, one);
      }
    },
    unplug(port) {
      for (const at of made.get(port) ?? []) rmSync(at, { force: true });
      made.delete(port);
      rmSync(folderOf(port), { recursive: true, force: true });
      // The kernel takes the folder away with its last node.
      const input = path.join(dev, "input");
      if (existsSync(input) && readdirSync(input).length === 0) rmSync(input, { recursive: true });
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
