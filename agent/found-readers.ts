/** Which of the plugged devices this station reads by itself, and which it cannot. */
import { realpath } from "node:fs/promises";
import { assess, type FoundReader } from "../drivers/discovery.ts";
import { isAt } from "../drivers/plugged/locate-node.ts";
import type { PluggedDevice } from "../drivers/plugged/plugged-device.ts";
import type { ReaderDirection, ReaderSpec } from "../drivers/reader-spec.ts";
import { formatUsbAddress, parseUsbAddress } from "../drivers/usb-address.ts";
import type { UnusableDevice } from "./kiosk-port/view.ts";

/** As many as the configuration may name; a hub full of something else must not take the machine. */
const MAX_FOUND = 16;

const TOO_MANY: Pick<UnusableDevice, "title" | "next"> = {
  title: { vi: `Máy đã dùng đủ ${MAX_FOUND} đầu đọc`, en: `${MAX_FOUND} readers are in use already` },
  next: { vi: "Rút một đầu đọc khác nếu muốn dùng đầu đọc này.", en: "Unplug another reader to use this one." },
};

export interface FoundReaders {
  readonly readers: readonly FoundReader[];
  readonly unusable: readonly UnusableDevice[];
}

/**
 * Sorts what is plugged in. A device that a specification names, by address or by any of its nodes, is left to that;
 * when there are too many, those in `known` (ids) keep their place.
 */
export async function findReaders(
  devices: readonly PluggedDevice[],
  specs: readonly ReaderSpec[],
  known: ReadonlySet<string>,
  direction: ReaderDirection,
): Promise<FoundReaders> {
  const named = await Promise.all(devices.map((device) => isNamed(device, specs)));
  const assessed = assess(
    devices.filter((_, index) => !named[index]),
    { direction },
  );
  const found = assessed
    .filter((one) => one.verdict === "reader")
    .toSorted((one, other) => Number(known.has(other.spec.id)) - Number(known.has(one.spec.id)));
  const unusable = [
    ...assessed.filter((one) => one.verdict === "unusable"),
    ...found.slice(MAX_FOUND).map((one) => ({ ...one, ...TOO_MANY })),
  ];
  return {
    readers: found.slice(0, MAX_FOUND),
    unusable: unusable.map(({ device, name, title, next }) => ({
      id: formatUsbAddress(device.address),
      name,
      title,
      next,
    })),
  };
}

/**
 * Whether one of the devices that came stands where a reader that is gone was, or is that reader in another mode. Those
 * of them that `returned` are readers known before, and none of them is another one that was moved.
 */
export function isReplaced(
  gone: PluggedDevice,
  came: readonly PluggedDevice[],
  returned: ReadonlySet<PluggedDevice>,
): boolean {
  const wasAt = formatUsbAddress({ ...gone.address, port: null });
  return came.some(
    (device) =>
      (gone.port !== null && device.port === gone.port) ||
      // Without a serial number, a reader that was moved to another port.
      (!returned.has(device) && formatUsbAddress({ ...device.address, port: null }) === wasAt),
  );
}

async function isNamed(device: PluggedDevice, specs: readonly ReaderSpec[]): Promise<boolean> {
  const nodes = new Set<string>();
  for (const { path } of device.interfaces) for (const name of await namesOf(path)) nodes.add(name);
  for (const spec of specs) {
    if (spec.transport === "simulated") continue;
    const address = parseUsbAddress(spec.path);
    if (address !== null ? isAt(device, address) : (await namesOf(spec.path)).some((name) => nodes.has(name)))
      return true;
  }
  return false;
}

/** A node by its own name and by what it links to; Windows names have no case. */
async function namesOf(path: string): Promise<string[]> {
  if (process.platform === "win32") return [path.toLowerCase()];
  return [path, await realpath(path).catch(() => path)];
}
