/** Notices a reader whose reports nobody can read, so that it is said and not silently deaf. */
import { ReaderFault } from "../reader.ts";
import type { HidDevice } from "./hid-access.ts";
import type { LayoutSource } from "./layouts.ts";

/** One long card on a reader of 56 bytes a report makes eight. */
const MAX_UNREADABLE = 8;

/**
 * `layouts`, counting the reports that no layout fits until the first that one does; a reader that was read once is
 * broken afterwards, not unknown. `onUnknown` is called once, with the report that settled it.
 *
 * Reports with another number than a scan's count too where no descriptor says what they are (a Microscan MS-4 sends
 * its scans as report 1), unless they are empty.
 */
export function noticeUnknownLayout(layouts: LayoutSource, onUnknown: (report: Uint8Array) => void): LayoutSource {
  let unreadable = 0;
  let settled = false;
  return {
    isDescribed: layouts.isDescribed,
    read(report, held) {
      const read = layouts.read(report, held);
      if (settled) return read;
      if (read === "unreadable" || (read === "other" && !layouts.isDescribed && !isEmpty(report))) {
        unreadable++;
        if (unreadable === MAX_UNREADABLE) {
          settled = true;
          onUnknown(report);
        }
      } else if (read !== "other" && read.data.length > 0) {
        settled = true;
      }
      return read;
    },
  };
}

/** What the technician and the log are told: the shape of the report, never its content. */
export function unknownLayoutFault({ vendorId, productId }: HidDevice, path: string, report: Uint8Array): ReaderFault {
  const id = [vendorId, productId].map((part) => part.toString(16).padStart(4, "0")).join(":");
  return new ReaderFault(
    "reader.unknown-layout",
    `The reader ${id} on ${path} sends reports of a layout this program does not know (report ${report[0] ?? 0} of ` +
      `${report.length} bytes): scan the setup code USB serial (virtual COM) of its manual, and send support a recording.`,
  );
}

function isEmpty(report: Uint8Array): boolean {
  return report.subarray(1).every((byte) => byte === 0);
}
