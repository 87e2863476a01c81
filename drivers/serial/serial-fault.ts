/** Turns what the operating system says about a serial port into a coded fault with one sentence. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { ReaderFault } from "../reader.ts";

/** True for `COM5`: a Windows port has no file to look at. */
export function isWindowsPort(path: string): boolean {
  return /^COM\d+$/i.test(path);
}

/**
 * Looks at a device node before it is opened: Node's own errors carry codes, those of the serial binding only text.
 *
 * @throws {ReaderFault} `reader.not-found`, `reader.permission` or `reader.failed` (not a device).
 */
export async function checkDeviceNode(path: string): Promise<void> {
  if (isWindowsPort(path)) return;
  try {
    const node = await stat(path);
    if (!node.isCharacterDevice()) {
      throw new ReaderFault("reader.failed", `${path} is not a serial port: name a device such as /dev/ttyACM0.`);
    }
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw error instanceof ReaderFault ? error : openFault(path, error);
  }
}

/**
 * The fault behind an opening that failed.
 *
 * serialport 13 gives a bare Error without a code (bindings-cpp `serialport_unix.cpp`, `serialport_win.cpp`), so its
 * wording is the only evidence there is; it is matched here and nowhere else.
 */
export function openFault(path: string, error: unknown): ReaderFault {
  const text = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  if (/ENOENT|ENOTDIR|ENODEV|ENXIO|No such (file|device)|File not found/i.test(text)) {
    return new ReaderFault(
      "reader.not-found",
      `${path} is not there: plug the reader in or correct the path.`,
      options,
    );
  }
  // Windows opens ports unshared and calls a port somebody else holds "Access denied".
  const busyOnWindows = isWindowsPort(path) && /Access (is )?denied/i.test(text);
  if (busyOnWindows || /Cannot lock port|EBUSY|Resource busy|Device or resource busy/i.test(text)) {
    return new ReaderFault("reader.busy", `Another program holds the port ${path}: close it.`, options);
  }
  if (/EACCES|EPERM|Permission denied|Operation not permitted/i.test(text)) {
    return new ReaderFault(
      "reader.permission",
      `This user may not open ${path}: add the user to the group dialout and log in again.`,
      options,
    );
  }
  return new ReaderFault(
    "reader.failed",
    `${path} could not be opened (${text}): check the cable and that it is a serial port, then plug the reader in again.`,
    options,
  );
}

/** The device went away while it was open. */
export function unpluggedFault(path: string, cause?: unknown): ReaderFault {
  return new ReaderFault("reader.unplugged", `The reader on ${path} was unplugged: plug it in again.`, { cause });
}
