/** What each plugged device is to this station: a reader to open, one that cannot be read as it is, or neither. Pure. */
import { fingerprintOf, makerOf, modeOfUsage, type ReaderMode, type Sentence, wayOutOf } from "./fingerprints.ts";
import { familyOf } from "./hid-pos/families.ts";
import type { PluggedDevice } from "./plugged/plugged-device.ts";
import { parseReaderSpec, type ReaderDirection, type ReaderSpec } from "./reader-spec.ts";
import { formatUsbAddress } from "./usb-address.ts";

/** A reader that can be opened: by `spec`, in the best of the ways the device offers. */
export interface FoundReader {
  readonly verdict: "reader";
  readonly device: PluggedDevice;
  readonly name: string;
  readonly mode: "hid-pos" | "cdc" | "keyboard";
  readonly spec: ReaderSpec;
  /** What would make it better although it reads; null when there is nothing. */
  readonly advice: Sentence | null;
}

/** A reader that cannot be read as it is. */
export interface UnusableReader {
  readonly verdict: "unusable";
  readonly device: PluggedDevice;
  readonly name: string;
  readonly mode: "keyboard" | "ibm-oem" | "snapi" | "unknown";
  readonly title: Sentence;
  readonly next: Sentence;
}

/** What may be a reader and may as well be something else: never taken unless somebody names it. */
export interface DeviceByHand {
  readonly verdict: "by-hand";
  readonly device: PluggedDevice;
  readonly name: string;
  readonly mode: "bridge" | "relay" | "serial" | "keyboard";
  /** The specification that would take it; null where it cannot be read here. */
  readonly specText: string | null;
}

export type Assessed = FoundReader | UnusableReader | DeviceByHand;

/** Where the reader is used and how it counts. */
export interface AssessOptions {
  readonly direction?: ReaderDirection;
  readonly platform?: NodeJS.Platform;
}

/** What the clerk reads about a mode that cannot be read. */
const TITLES: Readonly<Record<UnusableReader["mode"], Sentence>> = {
  keyboard: { vi: "Đầu đọc đang ở chế độ bàn phím", en: "The reader is in keyboard mode" },
  "ibm-oem": {
    vi: "Đầu đọc đang ở chế độ máy tính tiền IBM",
    en: "The reader is in IBM cash register mode (OEM)",
  },
  snapi: { vi: "Đầu đọc đang ở chế độ riêng của hãng (SNAPI)", en: "The reader is in its maker's own mode (SNAPI)" },
  unknown: {
    vi: "Đầu đọc đang ở chế độ máy này không đọc được",
    en: "The reader is in a mode that cannot be read here",
  },
};

/**
 * Assesses everything plugged in, in the order given; what is clearly no reader (a mouse, a hub) is left out.
 *
 * A device with several ways in is one reader: by HID POS before USB serial before keyboard. Only what is known to be
 * a reader is taken: by its HID POS collection, by a maker of nothing else, or by its product. An ordinary keyboard
 * and an adapter that may drive the gate never are, nor is a keyboard with a mouse beside it: that is the receiver of
 * somebody's wireless set, whatever its id says, and to grab it would lock them out.
 */
export function assess(devices: readonly PluggedDevice[], options: AssessOptions = {}): Assessed[] {
  return devices.flatMap((device) => assessOne(device, options) ?? []);
}

function assessOne(
  device: PluggedDevice,
  { direction = "auto", platform = process.platform }: AssessOptions,
): Assessed | null {
  const { vendorId, productId } = device.address;
  const fingerprint = fingerprintOf(vendorId, productId);
  const maker = makerOf(vendorId);
  const name = device.product ?? fingerprint?.what ?? (maker === null ? "USB" : `${maker.maker} reader`);
  const usages = new Set(
    device.interfaces.map((one) => (one.transport === "hid" ? modeOfUsage(one.usagePage, one.usage) : null)),
  );
  const hasKeyboard = device.interfaces.some(({ transport }) => transport === "keyboard");
  const hasMouse = device.interfaces.some(
    (one) => one.transport === "hid" && one.usagePage === 0x01 && one.usage === 0x02,
  );
  const hasSerial = device.interfaces.some(({ transport }) => transport === "serial");
  const wayOut = wayOutOf(vendorId, productId);

  const reader = (mode: FoundReader["mode"], advice: Sentence | null): FoundReader => ({
    verdict: "reader",
    device,
    name,
    mode,
    spec: { ...parseReaderSpec(specText(transportOf[mode], device)), name, direction },
    advice,
  });
  const unusable = (mode: UnusableReader["mode"], next: Sentence): UnusableReader => ({
    verdict: "unusable",
    device,
    name,
    mode,
    title: TITLES[mode],
    next,
  });
  const byHand = (mode: DeviceByHand["mode"], transport: ReaderSpec["transport"] | null): DeviceByHand => ({
    verdict: "by-hand",
    device,
    name,
    mode,
    specText: transport === null ? null : specText(transport, device),
  });

  if (isNoReader(fingerprint?.mode)) return byHand(fingerprint.mode, hasSerial ? "serial" : null);
  if (usages.has("hid-pos")) return reader("hid-pos", hasKeyboard ? typingAdvice(vendorId, wayOut) : null);
  const isReader = maker !== null || fingerprint !== null;
  if (hasSerial) return isReader ? reader("cdc", null) : byHand("serial", "serial");
  if (fingerprint?.mode === "snapi") return unusable("snapi", ended(wayOut));
  if (usages.has("ibm-oem") || fingerprint?.mode === "ibm-oem") return unusable("ibm-oem", ended(wayOut));
  if (hasKeyboard) {
    if (!isReader || hasMouse) return byHand("keyboard", platform === "linux" ? "evdev" : null);
    return platform === "linux"
      ? reader("keyboard", keyboardAdvice(wayOut))
      : unusable("keyboard", typedAdvice(wayOut));
  }
  return isReader ? unusable("unknown", ended(wayOut)) : null;
}

const transportOf = { "hid-pos": "hid", cdc: "serial", keyboard: "evdev" } as const;

function specText(transport: ReaderSpec["transport"], device: PluggedDevice): string {
  return `${transport}:${formatUsbAddress(device.address)}`;
}

function isNoReader(mode: ReaderMode | null | undefined): mode is "bridge" | "relay" {
  return mode === "bridge" || mode === "relay";
}

/** Beside a keyboard the scans may go to either; only some makers' readers let software choose. */
function typingAdvice(vendorId: number, wayOut: Sentence): Sentence | null {
  if (familyOf(vendorId, null)?.takeover) return null;
  return {
    vi: `Nếu quét mà máy không nhận: ${lowerFirst(wayOut.vi)}.`,
    en: `If scans do not arrive: ${lowerFirst(wayOut.en)}.`,
  };
}

function keyboardAdvice(wayOut: Sentence): Sentence {
  return {
    vi: `Chế độ bàn phím: chữ có dấu dễ sai. ${wayOut.vi}.`,
    en: `Keyboard mode: accents may be wrong. ${wayOut.en}.`,
  };
}

function typedAdvice(wayOut: Sentence): Sentence {
  return {
    vi: `${wayOut.vi}. Hiện chỉ nhận mã khi mở trang này.`,
    en: `${wayOut.en}. Now only the kiosk page takes scans.`,
  };
}

function ended({ vi, en }: Sentence): Sentence {
  return { vi: `${vi}.`, en: `${en}.` };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
