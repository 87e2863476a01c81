/** Turns what node-hid and the operating system say about a HID device into a coded fault with one sentence. */
import { ReaderFault } from "../reader.ts";
import { permissionSentence, type UsbProduct } from "../udev-rules.ts";

/** When it was said: while opening, or while reading, with whether the device is gone from the list of devices. */
export type HidMoment =
  | { readonly during: "open"; readonly usb: UsbProduct | null }
  | { readonly during: "read"; readonly gone: boolean };

/**
 * The fault behind an error of a HID device.
 *
 * node-hid rejects with an Error while opening and gives a bare string as its `error` event, and an exception of a
 * `data` listener comes as that event too. So text is the only evidence there is, it is matched here and nowhere
 * else, and "unplugged" is never told from text: the device must be gone from the list.
 */
export function hidFault(path: string, error: unknown, moment: HidMoment): ReaderFault {
  if (error instanceof ReaderFault) return error;
  const text = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  if (moment.during === "read") {
    return moment.gone
      ? new ReaderFault("reader.unplugged", `The reader on ${path} was unplugged: plug it in again.`, options)
      : new ReaderFault("reader.failed", `The reader on ${path} failed (${text}): plug it in again.`, options);
  }
  if (/ENOENT|ENOTDIR|ENODEV|ENXIO|No such (file|device)|cannot find the (file|path|device)/i.test(text)) {
    return notFoundFault(path, [], options);
  }
  if (/EACCES|EPERM|Permission denied|Operation not permitted/i.test(text)) {
    return new ReaderFault("reader.permission", permissionSentence(path, "hidraw", moment.usb), options);
  }
  // Windows shares a HID device unless somebody claimed it alone; then it is "denied" or "used by another process".
  if (/EBUSY|Resource busy|used by another process|Access (is )?denied|sharing violation/i.test(text)) {
    return new ReaderFault("reader.busy", `Another program holds the reader ${path}: close it.`, options);
  }
  return new ReaderFault(
    "reader.failed",
    `The reader ${path} could not be opened (${text}): plug it in again, directly and not through a hub.`,
    options,
  );
}

/** Nothing of that path is plugged in; `others` are the paths of HID POS readers that are. */
export function notFoundFault(path: string, others: readonly string[], options?: ErrorOptions): ReaderFault {
  const plugged = others.length === 0 ? "" : `; plugged in as HID POS now: ${others.join(", ")}`;
  return new ReaderFault(
    "reader.not-found",
    `${path} is not there: plug the reader in or correct the path${plugged}.`,
    options,
  );
}

/** node-hid itself could not be loaded: on Linux its prebuilt binding links libusb-1.0.so.0 and libudev.so.1. */
export function libraryFault(error: unknown): ReaderFault {
  const text = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0];
  const advice =
    process.platform === "linux"
      ? "install the Debian packages libusb-1.0-0 and libudev1 and start again"
      : "install the program again";
  return new ReaderFault(
    "reader.failed",
    `HID readers cannot be used, their library did not load (${text}): ${advice}.`,
    {
      cause: error,
    },
  );
}
