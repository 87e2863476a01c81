/** Turns what the grabbing program says into a coded fault with one sentence. */
import { constants } from "node:os";
import { ReaderFault } from "../reader.ts";
import { permissionSentence } from "../udev-rules.ts";

/** Where the program met an error: at opening the device, at taking it for itself, or later at reading. */
export type GrabPhase = "open" | "grab" | "read";

const { ENOENT, ENODEV, ENXIO, ENOTDIR, EACCES, EPERM, EBUSY, ENOTTY, EINVAL } = constants.errno;

/** The fault behind an error number of the operating system. */
export function grabFault(path: string, phase: GrabPhase, errno: number): ReaderFault {
  if (phase === "read" && errno === ENODEV) {
    return new ReaderFault("reader.unplugged", `The reader on ${path} was unplugged: plug it in again.`);
  }
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
      return new ReaderFault("reader.not-found", `${path} is not there: plug the reader in or correct the path.`);
    case EACCES:
    case EPERM:
      return new ReaderFault("reader.permission", permissionSentence(path, "event", null));
    case EBUSY:
      return new ReaderFault("reader.busy", `Another program holds ${path} for itself: close it.`);
    case ENOTTY:
    case EINVAL:
      return new ReaderFault(
        "reader.failed",
        `${path} is not a keyboard: name an input device such as /dev/input/event3.`,
      );
    default:
      return new ReaderFault(
        "reader.failed",
        `${path} could not be read (${phase}, error ${errno}): plug the reader in again.`,
      );
  }
}

/** The program itself did not run, or ended without a word. */
export function helperFault(path: string, error: NodeJS.ErrnoException | null): ReaderFault {
  if (error?.code === "ENOENT") {
    return new ReaderFault(
      "reader.failed",
      `${path} cannot be read without the program perl: install the Debian package perl-base.`,
    );
  }
  const reason = error === null ? "the program that reads it ended" : error.message;
  return new ReaderFault("reader.failed", `${path} could not be read (${reason}): plug the reader in again.`, {
    cause: error,
  });
}
