/**
 * USB devices made of the kernel's gadget framework and its dummy controller: enumerated by the real USB core, driven by
 * the real drivers, so that udev sees of them all it sees of a real one (Linux, Documentation/usb/gadget_configfs.rst).
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { until } from "../until.ts";
import { PATIENCE_MS } from "./watched-readers.ts";

export interface UsbGadget extends Disposable {
  plug(): void;
  unplug(): void;
  /** Sends bytes, or one report; resolves when the host has taken them, which it does while its node is open. */
  send(bytes: Uint8Array | string): Promise<void>;
}

/** What it tells of itself; ids as four hexadecimal digits. */
export interface GadgetIdentity {
  readonly vendor: string;
  readonly product: string;
  readonly maker: string;
  readonly model: string;
  /** Left out where the device tells none. */
  readonly serialNumber?: string;
  /** A HID device with this descriptor and reports of 64 bytes; without one, a serial port (CDC-ACM). */
  readonly descriptor?: Buffer;
}

const GADGETS = "/sys/kernel/config/usb_gadget";
/** US English, the language a gadget's texts are written in. */
const LANGUAGE = "0x409";

/** Makes a device at one of the two ports of the dummy controller; it is not plugged in until `plug`. */
export function createUsbGadget(identity: GadgetIdentity, port: 0 | 1 = 0): UsbGadget {
  const { descriptor } = identity;
  const folder = `${GADGETS}/rig${port}`;
  const texts = `${folder}/strings/${LANGUAGE}`;
  const configuration = `${folder}/configs/c.1`;
  const purpose = `${folder}/functions/${descriptor === undefined ? "acm" : "hid"}.rig${port}`;
  for (const each of [folder, texts, configuration, purpose]) mkdirSync(each);
  writeFileSync(`${folder}/idVendor`, `0x${identity.vendor}`);
  writeFileSync(`${folder}/idProduct`, `0x${identity.product}`);
  writeFileSync(`${texts}/manufacturer`, identity.maker);
  writeFileSync(`${texts}/product`, identity.model);
  if (identity.serialNumber !== undefined) writeFileSync(`${texts}/serialnumber`, identity.serialNumber);
  if (descriptor !== undefined) {
    writeFileSync(`${purpose}/report_length`, "64");
    writeFileSync(`${purpose}/report_desc`, descriptor);
  }
  symlinkSync(purpose, `${configuration}/purpose`);
  let end: number | undefined;

  /** The node of the device's own end of the cable. */
  const ownEnd = (): string => {
    if (descriptor === undefined) return `/dev/ttyGS${readFileSync(`${purpose}/port_num`, "utf8").trim()}`;
    const number = readFileSync(`${purpose}/dev`, "utf8").trim();
    return `/dev/${path.basename(realpathSync(`/sys/dev/char/${number}`))}`;
  };
  const unplug = (): void => {
    if (end !== undefined) closeSync(end);
    end = undefined;
    writeFileSync(`${folder}/UDC`, "\n");
  };

  return {
    plug: () => writeFileSync(`${folder}/UDC`, `dummy_udc.${port}`),
    unplug,
    async send(bytes) {
      if (end === undefined) {
        if (descriptor === undefined) execFileSync("stty", ["-F", ownEnd(), "raw", "-echo"]);
        end = openSync(ownEnd(), constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
      }
      const opened = end;
      let left = Buffer.from(bytes);
      await until(
        "the host to take the bytes",
        () => {
          left = left.subarray(writeSync(opened, left));
          return left.length === 0;
        },
        PATIENCE_MS,
      );
    },
    [Symbol.dispose]() {
      if (readFileSync(`${folder}/UDC`, "utf8").trim() !== "") unplug();
      unlinkSync(`${configuration}/purpose`);
      for (const each of [configuration, purpose, texts, folder]) rmdirSync(each);
    },
  };
}
