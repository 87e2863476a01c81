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
  if (error instanceof ReaderFault) return error;
  const text = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  if (/ENOENT|ENOTDIR|ENODEV|ENXIO|No such (file|device)|File not found/i.test(text)) {
    return new ReaderFault(
      "reader.not-found",
      `${path} is not there: plug the reader in or correct the path.`,
      options,
    );
  }
  if (isWindowsPort(path)) {
    // Windows opens ports unshared and calls a port somebody else holds "Access denied".
    if (/Access (is )?denied/i.test(text)) return busyFault(path, options);
    if (lostError(text) !== null) return unpluggedFault(path, error);
  } else if (/Cannot lock port|EBUSY|Resource busy|Device or resource busy/i.test(text)) {
    return busyFault(path, options);
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

/** The device went away while it was open, or Windows lost it. */
export function unpluggedFault(path: string, cause?: unknown): ReaderFault {
  const lost = lostError(cause instanceof Error ? cause.message : "");
  return new ReaderFault(
    "reader.unplugged",
    lost === null
      ? `The reader on ${path} was unplugged: plug it in again.`
      : `Windows lost the reader on ${path} (error ${lost}, as after sleep or behind a bad hub): it is opened again by ` +
          "itself; if it stays away, plug it in again, directly and not through a hub.",
    { cause },
  );
}

/**
 * The Windows error of a device that is listed and no longer answers: 22 ERROR_BAD_COMMAND, 31 ERROR_GEN_FAILURE,
 * 121 ERROR_SEM_TIMEOUT (node-serialport #1104, #1961). Closing and opening it anew helps.
 */
function lostError(text: string): string | null {
  return /Unknown error code (22|31|121)\b/.exec(text)?.[1] ?? null;
}

function busyFault(path: string, options: ErrorOptions): ReaderFault {
  const holders = isWindowsPort(path)
    ? "a second Trạm QR, the maker's own scanner program, a terminal program, or one that ended badly and is still " +
      "in the task manager"
    : "a second Trạm QR, a terminal program such as screen or minicom, or ModemManager";
  return new ReaderFault(
    "reader.busy",
    `Another program holds the port ${path}: close it; it is often ${holders}.`,
    options,
  );
}
