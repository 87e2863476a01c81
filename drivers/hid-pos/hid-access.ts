/** The few things this driver needs of a HID library: node-hid in the product, recorded reports in tests. */
import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { HIDAsync } from "node-hid";
import { libraryFault } from "./hid-fault.ts";
import { takeReader } from "./sole-reader.ts";

/** One top-level collection of a HID device; a device with several is listed several times under one path. */
export interface HidDevice {
  readonly path?: string | undefined;
  readonly vendorId: number;
  readonly productId: number;
  readonly serialNumber?: string | undefined;
  readonly usagePage?: number | undefined;
  readonly usage?: number | undefined;
}

/** Who listens to an opened device. Both are attached before the first read. */
export interface HidListeners {
  /** The bytes are the library's: copy what must outlive the call. */
  readonly onReport: (report: Uint8Array) => void;
  /** An Error, a string or whatever else the library brings. Unplugging comes here and nowhere else. */
  readonly onError: (error: unknown) => void;
}

/** An opened device. */
export interface HidHandle {
  /** Sends an output report; its ID is byte 0. It may never settle: hold it to a time limit. */
  write(report: Uint8Array): Promise<unknown>;
  /** Sends a feature report; its ID is byte 0. It may never settle either. */
  sendFeatureReport(report: Uint8Array): Promise<unknown>;
  close(): Promise<void>;
}

/** Access to the HID devices of this machine. What it rejects with is turned into a fault by its caller. */
export interface HidAccess {
  list(): Promise<readonly HidDevice[]>;
  open(path: string, listeners: HidListeners): Promise<HidHandle>;
  /** The report descriptor of a device, or null when this system does not hand it out. */
  reportDescriptor(path: string): Promise<Uint8Array | null>;
}

/** The part of node-hid that is used; the synchronous half blocks the event loop and hangs an exit. */
type NodeHid = Pick<typeof import("node-hid"), "HIDAsync" | "devicesAsync" | "getHidapiVersion">;

/**
 * HID devices through node-hid. The library is loaded at the first use, so that a machine without HID readers needs
 * none of what its binding links.
 *
 * @throws {ReaderFault} from every call, one sentence, when the library cannot be loaded.
 */
export function createNodeHidAccess(load: () => Promise<NodeHid> = () => import("node-hid")): HidAccess {
  const library = async (): Promise<NodeHid> => {
    try {
      const hid = await load();
      hid.getHidapiVersion(); // The binding itself is loaded by the first call.
      return hid;
    } catch (error) {
      throw libraryFault(error);
    }
  };

  return {
    list: async () => (await library()).devicesAsync(),

    async open(path, { onReport, onError }) {
      const { HIDAsync } = await library();
      // hidapi tells why in words; Node tells in codes.
      if (isDeviceNode(path)) await access(path, constants.R_OK | constants.W_OK);
      const taken = await takeReader(path);
      const device: HIDAsync = await HIDAsync.open(path).catch((error: unknown) => {
        taken[Symbol.dispose]();
        throw error;
      });
      device.on("error", onError);
      device.on("data", onReport);
      // Reading starts on the next tick and would throw there, past everybody, if the device were closed before it.
      await new Promise((resolve) => setImmediate(resolve));
      return {
        write: (report) => device.write(Buffer.from(report)),
        sendFeatureReport: (report) => device.sendFeatureReport(Buffer.from(report)),
        close() {
          taken[Symbol.dispose]();
          return device.close();
        },
      };
    },

    async reportDescriptor(path) {
      if (!isDeviceNode(path)) return null;
      try {
        return await readFile(`/sys/class/hidraw/${basename(path)}/device/report_descriptor`);
      } catch {
        return null;
      }
    },
  };
}

/** True for `/dev/hidraw0`; a Windows path has no file to look at. */
export function isDeviceNode(path: string): boolean {
  return path.startsWith("/dev/");
}
