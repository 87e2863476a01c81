/** Which device a serial port means right now, and a watch that tells when it means another one. */
import { stat } from "node:fs/promises";
import { SerialPort } from "serialport";
import { isWindowsPort } from "./serial-fault.ts";

/** Ports as serialport lists them. */
export type PortLister = () => Promise<readonly { readonly path: string; readonly pnpId?: string | undefined }[]>;

/**
 * Which device the path means; null when there is none. A node that was unplugged and plugged in again has the same
 * name and another inode, and a link may lead elsewhere, so a replug between two looks is seen too.
 *
 * Windows has no nodes: there the list of ports tells. It rejects when the list cannot be had.
 */
export async function portIdentity(path: string, listPorts: PortLister = SerialPort.list): Promise<string | null> {
  if (isWindowsPort(path)) {
    const port = (await listPorts()).find((one) => one.path.toLowerCase() === path.toLowerCase());
    return port === undefined ? null : (port.pnpId ?? port.path);
  }
  try {
    const { dev, ino, rdev } = await stat(path);
    return `${dev}:${ino}:${rdev}`;
  } catch {
    return null;
  }
}

/**
 * Calls `onGone` once when `look` tells another identity than `opened`: at once, for a device that changed while it was
 * opened, and then every `everyMs`. A look that fails tells nothing. Unplugging is not noticed by every driver
 * (node-serialport #1330, #2043).
 */
export function watchIdentity(
  opened: string,
  look: () => Promise<string | null>,
  everyMs: number,
  onGone: () => void,
): Disposable {
  let stopped = false;
  let looking = false;
  const check = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const identity = await look().catch(() => opened);
    looking = false;
    if (stopped || identity === opened) return;
    stop();
    onGone();
  };
  const timer = setInterval(() => void check(), everyMs);
  timer.unref();
  const stop = (): void => {
    stopped = true;
    clearInterval(timer);
  };
  void check();
  return { [Symbol.dispose]: stop };
}
