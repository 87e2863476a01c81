/**
 * A USB device with a serial port of its own (CDC-ACM), made of the kernel's gadget framework and its dummy controller:
 * enumerated by the real USB core, driven by the real cdc_acm (Linux, Documentation/usb/gadget_configfs.rst).
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { until } from "../until.ts";
import { PATIENCE_MS } from "./watched-readers.ts";

export interface AcmGadget extends Disposable {
  plug(): void;
  unplug(): void;
  /** Sends bytes; resolves when the host has taken them, which it does while its node is open. */
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
}

const GADGETS = "/sys/kernel/config/usb_gadget";
/** US English, the language a gadget's texts are written in. */
const LANGUAGE = "0x409";

/** Makes a device at one of the two ports of the dummy controller; it is not plugged in until `plug`. */
export function createAcmGadget(identity: GadgetIdentity, port: 0 | 1 = 0): AcmGadget {
  const folder = `${GADGETS}/rig${port}`;
  const texts = `${folder}/strings/${LANGUAGE}`;
  const configuration = `${folder}/configs/c.1`;
  const acm = `${folder}/functions/acm.rig${port}`;
  for (const each of [folder, texts, configuration, acm]) mkdirSync(each);
  writeFileSync(`${folder}/idVendor`, `0x${identity.vendor}`);
  writeFileSync(`${folder}/idProduct`, `0x${identity.product}`);
  writeFileSync(`${texts}/manufacturer`, identity.maker);
  writeFileSync(`${texts}/product`, identity.model);
  if (identity.serialNumber !== undefined) writeFileSync(`${texts}/serialnumber`, identity.serialNumber);
  symlinkSync(acm, `${configuration}/acm`);
  const ownEnd = `/dev/ttyGS${readFileSync(`${acm}/port_num`, "utf8").trim()}`;
  let end: number | undefined;

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
        execFileSync("stty", ["-F", ownEnd, "raw", "-echo"]);
        end = openSync(ownEnd, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
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
      unlinkSync(`${configuration}/acm`);
      for (const each of [configuration, acm, texts, folder]) rmdirSync(each);
    },
  };
}
