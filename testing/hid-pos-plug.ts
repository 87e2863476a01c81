/** A plug with a HID POS reader in it: what node-hid would show and say of it, without the hardware. */
import type { HidAccess, HidDevice, HidListeners } from "../drivers/hid-pos/hid-access.ts";
import type { RawScan, Reader } from "../drivers/reader.ts";
import type { HidReaderSpec } from "../drivers/reader-spec.ts";

export const PATH = "/dev/hidraw7";

/** The specification of the reader at a path. */
export const hid = (path: string): HidReaderSpec => ({
  transport: "hid",
  id: `hid:${path}`,
  path,
  name: "Gate 1",
  direction: "auto",
});

/** The plug, as the test sees it. */
export interface Plug {
  devices: HidDevice[];
  listeners: HidListeners | null;
  openings: number;
  closings: number;
  /** What the next openings reject with. */
  refusals: unknown[];
  /** Every report written, as hexadecimal text; `feature ` in front of a feature report. */
  readonly written: string[];
  /** What writing does besides; by default it succeeds. */
  onWrite: () => Promise<unknown>;
  readonly access: HidAccess;
  send(...reports: Uint8Array[]): void;
  unplug(error: unknown): void;
  replug(): void;
}

/** Plugs a reader in. */
export function replay(vendorId: number, { descriptor = null }: { descriptor?: string | null } = {}): Plug {
  const collection: HidDevice = { path: PATH, vendorId, productId: 0x1007, usagePage: 0x8c, usage: 0x02 };
  const write = (kind: string, report: Uint8Array): Promise<unknown> => {
    plug.written.push(`${kind}${Buffer.from(report).toString("hex")}`);
    return plug.onWrite();
  };
  const plug: Plug = {
    devices: [collection],
    listeners: null,
    openings: 0,
    closings: 0,
    refusals: [],
    written: [],
    onWrite: async () => {},
    send: (...reports) => {
      for (const report of reports) plug.listeners?.onReport(report);
    },
    unplug: (error) => {
      plug.devices = [];
      plug.listeners?.onError(error);
    },
    replug: () => {
      plug.devices = [collection];
    },
    access: {
      list: async () => plug.devices,
      open: async (_path, listeners) => {
        plug.openings++;
        if (plug.refusals.length > 0) throw plug.refusals.shift();
        plug.listeners = listeners;
        return {
          write: (report) => write("", report),
          sendFeatureReport: (report) => write("feature ", report),
          close: async () => {
            plug.closings++;
            plug.listeners = null;
          },
        };
      },
      reportDescriptor: async () => (descriptor === null ? null : Buffer.from(descriptor.replace(/\s/g, ""), "hex")),
    },
  };
  return plug;
}

/** Iterates the reader in the background: what it gave so far, and the fault that ended it. */
export function collect(reader: Reader): { scans: RawScan[]; texts: () => string[]; ended: Promise<unknown> } {
  const scans: RawScan[] = [];
  const run = async (): Promise<unknown> => {
    try {
      for await (const scan of reader) scans.push(scan);
      return null;
    } catch (error) {
      return error;
    }
  };
  return { scans, texts: () => scans.map((scan) => Buffer.from(scan.bytes).toString("utf8")), ended: run() };
}
