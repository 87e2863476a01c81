/**
 * Reports of HID POS readers for tests: recorded ones, and scans cut into reports as the three families cut them.
 * Offsets are written out here once more, on purpose: they must not come from the code under test.
 */

/** Bytes of hexadecimal text; `00*44` stands for 44 zero bytes, `"text"` for its UTF-8. */
export function recorded(text: string): Buffer {
  const parts = text.match(/"[^"]*"|\S+/g) ?? [];
  return Buffer.concat(
    parts.map((part) => {
      if (part.startsWith('"')) return Buffer.from(JSON.parse(part) as string);
      const zeros = /^00\*(\d+)$/.exec(part)?.[1];
      return zeros === undefined ? Buffer.from(part, "hex") : Buffer.alloc(Number(zeros));
    }),
  );
}

/** From a HID parser's example; the vendor is not told. */
export const DESCRIPTOR_1 = `058C0902A1010912A1028502150026FF00750895010501093B81029503058C09FB09FC09FD81029538
  09FE8202020666FF9502090009008102058C25017501950809FF8102C00914A1028504150025017501
  9508095F0960098509869186C006FFFF0901A10285F0150026FF007508953F0902820202953F0903920202C0C0`;

/** Honeywell / Hand Held Products, as a chip vendor's kit repeats it. */
export const DESCRIPTOR_2 = `058C 0902 A101 0912 A102 8502 1500 26FF00 7508 9501 0501 093B 8102 9503 058C 09FB 09FC 09FD
  8102 9538 09FE 820201 0666FF 9502 0904 0900 8102 058C 2501 7501 9508 09FF 8102 C0
  0914 A102 8504 1500 2501 7501 9508 095E 095F 0960 0900 0900 0985 0986 9186 C0
  0666FF 7508 26FF00 0903 A102 85FE 9501 0903 B28201 C0 0901 A102 85FD 9501 0921 9102 953E 0922 928201 C0 C0`;

export const VENDOR = { zebra: 0x05e0, honeywell: 0x0c2e, newland: 0x1eab };

export const LOREM =
  "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna " +
  "aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat. " +
  "Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur. Excepteur " +
  "sint occaecat cupidatat non proident, sunt in culpa qui officia deserunt mollit anim id est laborum.";

const firstOfLorem = JSON.stringify(LOREM.slice(0, 56));
const lastOfLorem = JSON.stringify(LOREM.slice(-53));

/** Captures: V1 and V4 of a Zebra DS2208, V2 and V5 of a Honeywell Xenon 1900, V6 of a Honeywell Voyager 1602g. */
export const CAPTURES = {
  V1: recorded('02 0c 00 5d5867 "306030209223" 00*44 63 00'),
  V2: recorded('02 0c 5d4530 "306030209223" 00*44 63 41 00'),
  /** Recorded through WebHID, which takes the report ID off; it is put back. */
  V3: recorded("02 0d 5d4530 3330343639323030321d373539 00*43 64 45 00"),
  V4first: recorded(`02 38 00 5d5131 ${firstOfLorem} 73 01`),
  V4last: recorded(`02 35 00 5d5131 ${lastOfLorem} 000000 73 00`),
  V5first: recorded(`02 38 5d5131 ${firstOfLorem} 73 31 01`),
  V5last: recorded(`02 35 5d5131 ${lastOfLorem} 000000 73 31 00`),
  V6: recorded('02 38 5d5830 "Product Name: Voyager 1602g\\r\\nBoot Revision: : 8992\\r\\nSoft" 3f 00 01'),
  V6acknowledgement: recorded("02 08 5d5a36 524556494e46 06 2e 00*48 36 00 00"),
};

export type Family = keyof typeof VENDOR;

const OFFSETS = {
  zebra: { aim: 3, data: 6, codeId: 62 },
  honeywell: { aim: 2, data: 5, codeId: 61 },
  newland: { aim: null, data: 2, codeId: 62 },
};

/** What a reader may do differently. */
export interface ScanHabits {
  readonly aim?: string;
  readonly codeId?: number;
  /** "continued" on every full report, even when nothing follows: the last report of a 56-byte scan never comes. */
  readonly continuedWhenFull?: boolean;
}

/** The reports of one scan. */
export function scanReports(family: Family, payload: Uint8Array | string, habits: ScanHabits = {}): Buffer[] {
  const { aim = "]Q1", codeId = 0x73, continuedWhenFull = false } = habits;
  const bytes = Buffer.from(payload);
  const offsets = OFFSETS[family];
  const reports: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 56) {
    const chunk = bytes.subarray(at, at + 56);
    const report = Buffer.alloc(64);
    report[0] = 2;
    report[1] = chunk.length;
    if (offsets.aim !== null) report.write(aim, offsets.aim, "latin1");
    chunk.copy(report, offsets.data);
    report[offsets.codeId] = codeId;
    report[63] = at + 56 < bytes.length || (continuedWhenFull && chunk.length === 56) ? 1 : 0;
    reports.push(report);
  }
  return reports;
}
