/** A dcttech USB relay board over HID feature reports. Every command is read back. */
import { realpath } from "node:fs/promises";
import type { HIDAsync } from "node-hid";
import { dcttechStatus, dcttechSwitch, isDcttechBoard } from "./dcttech.ts";
import type { RelayBoard } from "./relay-board.ts";
import { RelayFault } from "./relay-fault.ts";

/** The few things this driver needs of a HID library: node-hid in the product, recorded reports in tests. */
export interface RelayHid {
  list(): Promise<readonly RelayHidDevice[]>;
  /** `onError` is told when the device went away. */
  open(path: string, onError: (error: unknown) => void): Promise<RelayHidHandle>;
}

export interface RelayHidDevice {
  readonly path?: string | undefined;
  readonly vendorId: number;
  readonly productId: number;
  readonly product?: string | undefined;
}

export type RelayHidHandle = Pick<HIDAsync, "sendFeatureReport" | "getFeatureReport" | "close">;

const REPORT_LENGTH = 9;
const ANSWER_TIMEOUT_MS = 400;

/**
 * Opens the board with this device path or five-letter id. A device that is not called `USBRelayN` is left alone,
 * whatever the path says.
 *
 * @throws {RelayFault} not-found or failed.
 */
export async function openDcttechBoard(location: string, hid: RelayHid = nodeHid): Promise<RelayBoard> {
  const gone = Promise.withResolvers<RelayFault>();
  const handle = await find(location, hid, (error) => gone.resolve(unplugged(location, error))).catch(
    (error: unknown) => {
      throw error instanceof RelayFault ? error : failed(location, error);
    },
  );

  const switchOnce = async (channel: number, on: boolean): Promise<void> => {
    await handle.sendFeatureReport(Buffer.from(dcttechSwitch(channel, on)));
    const status = dcttechStatus(await handle.getFeatureReport(0, REPORT_LENGTH));
    if (status?.isOn(channel) !== on) throw noAnswer(location);
  };

  let line: Promise<unknown> = Promise.resolve();
  return {
    gone: gone.promise,
    switch({ channel }, on) {
      const switched = line.then(() => withinTime(switchOnce(channel, on), location));
      line = switched.catch(() => {});
      return switched;
    },
    async [Symbol.asyncDispose]() {
      await handle.close().catch(() => {}); // An unplugged device does not close; there is nothing left to hold.
    },
  };
}

/** Looks at all boards with the id: one that somebody else holds, or that does not answer, hides no other. */
async function find(location: string, hid: RelayHid, onError: (error: unknown) => void): Promise<RelayHidHandle> {
  const path = location.startsWith("/") ? await realpath(location).catch(() => location) : location;
  const wantsId = location.length === 5;
  const others: string[] = [];
  let refusal: unknown = null;
  for (const device of await hid.list()) {
    if (!isDcttechBoard(device) || device.path === undefined) continue;
    if (!wantsId && !isSamePath(device.path, path)) continue;
    try {
      const handle = await hid.open(device.path, onError);
      const id = wantsId ? await idOf(handle) : null;
      if (id === location || !wantsId) return handle;
      if (id !== null) others.push(id);
      await handle.close();
    } catch (error) {
      refusal = error;
    }
  }
  if (refusal !== null) throw refusal;
  const seen = others.length === 0 ? "" : ` (plugged in are ${others.join(", ")})`;
  throw new RelayFault(
    "relay.not-found",
    `There is no relay board USBRelay1 to USBRelay8 at ${location}${seen}: plug it in, or correct its path or its id.`,
  );
}

/** The five letters of an opened board, closed again if it does not tell them: nobody else would close it. */
async function idOf(handle: RelayHidHandle): Promise<string | null> {
  try {
    return dcttechStatus(await handle.getFeatureReport(0, REPORT_LENGTH))?.id ?? null;
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
}

/** Windows paths have no case. */
function isSamePath(one: string, other: string): boolean {
  return other.startsWith("/") ? one === other : one.toLowerCase() === other.toLowerCase();
}

const nodeHid: RelayHid = {
  list: async () => (await import("node-hid")).devicesAsync(),
  async open(path, onError) {
    const device = await (await import("node-hid")).HIDAsync.open(path);
    device.on("error", onError);
    // Only a device that is read tells that it was unplugged; these boards send nothing.
    device.on("data", () => {});
    await new Promise((resolve) => setImmediate(resolve)); // Reading starts on the next tick; closed before, it throws.
    return device;
  },
};

async function withinTime(work: Promise<void>, location: string): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(noAnswer(location)), ANSWER_TIMEOUT_MS);
  try {
    await Promise.race([work, promise]);
  } catch (error) {
    throw error instanceof RelayFault ? error : failed(location, error);
  } finally {
    clearTimeout(timer);
  }
}

function unplugged(location: string, cause: unknown): RelayFault {
  return new RelayFault("relay.unplugged", `The relay board ${location} was unplugged: plug it in again.`, { cause });
}

function noAnswer(location: string): RelayFault {
  return new RelayFault(
    "relay.no-answer",
    `The relay board ${location} does not confirm its commands: check the channel and its power, then plug it in again.`,
  );
}

function failed(location: string, cause: unknown): RelayFault {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new RelayFault(
    "relay.failed",
    `The relay board ${location} cannot be used (${text}): check the permission of its device and plug it in again.`,
    { cause },
  );
}
