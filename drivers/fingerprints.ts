/**
 * What is known about USB devices that are readers, could be taken for one, or must not be: rows, each with its source.
 * The interfaces a device shows decide by which driver it is read; a row says what it is and the way out of a mode
 * that cannot be read, or not well.
 */

/** One sentence for the clerk in both languages, Vietnamese first, short enough for a strip on the screen. */
export interface Sentence {
  readonly vi: string;
  readonly en: string;
}

/** What a device shows itself as. `hid-pos` and `cdc` are the good ones; `bridge` and `relay` are no readers. */
export type ReaderMode = "hid-pos" | "cdc" | "keyboard" | "ibm-oem" | "snapi" | "bridge" | "relay";

/** A product, or several that differ in nothing that matters here. */
export interface Fingerprint {
  readonly vendorId: number;
  /** All of these, or all whose last two hexadecimal digits are these (Newland numbers its modes so). */
  readonly products: readonly number[] | { readonly lastByte: number };
  /** Null for a product that keeps its id in several modes. */
  readonly mode: ReaderMode | null;
  /** What it is, for a device that does not tell its name. */
  readonly what: string;
  /** The way out of this mode; null where there is nothing to do, or the maker's own way out is the right one. */
  readonly whatToDo: Sentence | null;
  readonly source: string;
}

/** A maker of readers and nothing else that shows a keyboard or a serial port: whatever of its make is plugged in, it is a reader. */
export interface ReaderMaker {
  readonly vendorId: number;
  readonly maker: string;
  /** The way from any other mode to one that is read well. */
  readonly wayOut: Sentence;
  readonly source: string;
}

/** The sentence that asks for a setup barcode, by the names it has in the maker's manual, best mode first. */
function scanSetupCode(...names: readonly [string, ...string[]]): Sentence {
  const [best, ...others] = names.map((name) => `“${name}”`);
  return {
    vi: `Quét mã cài đặt ${[best, ...others].join(" hoặc ")} trong sách hướng dẫn`,
    en: `Scan the setup barcode ${[best, ...others].join(" or ")} from its manual`,
  };
}

/** For readers whose manual may have no such barcode at all. */
const VIRTUAL_COM_IF_ANY: Sentence = {
  vi: "Nếu sách hướng dẫn có mã cài đặt “USB virtual COM”, hãy quét mã đó",
  en: "If the manual has a setup barcode “USB virtual COM”, scan it",
};

/** The way out for a reader whose maker is not known, or whose maker's names for it are not. */
const ANY_WAY_OUT: Sentence = scanSetupCode("USB COM", "HID POS");

const FIELD = "usb.ids and field reports";

export const READER_MAKERS: readonly ReaderMaker[] = [
  {
    vendorId: 0x0c2e,
    maker: "Honeywell",
    wayOut: scanSetupCode("USB HID Bar Code Scanner", "USB Serial"),
    source: `${FIELD}; Honeywell user's guides, chapter "Programming the Interface"`,
  },
  {
    vendorId: 0x0536,
    maker: "Hand Held Products",
    wayOut: scanSetupCode("USB HID Bar Code Scanner", "USB Serial"),
    source: "usb.ids; Hand Held Products USB Interfaces guide",
  },
  {
    vendorId: 0x23d0,
    maker: "Youjie",
    wayOut: scanSetupCode("USB HID Bar Code Scanner", "USB Serial"),
    source: "NielsLeenheer/WebHidBarcodeScanner, src/main.js",
  },
  {
    vendorId: 0x05e0,
    maker: "Zebra",
    wayOut: scanSetupCode("USB CDC Host", "HID POS"),
    source: "usb.ids; Zebra DS2208 and DS4308 product reference guides, USB device type",
  },
  { vendorId: 0x05f9, maker: "Datalogic", wayOut: scanSetupCode("USB-COM"), source: FIELD },
  { vendorId: 0x080c, maker: "Datalogic", wayOut: scanSetupCode("USB-COM"), source: FIELD },
  {
    vendorId: 0x1eab,
    maker: "Newland",
    wayOut: scanSetupCode("HID-POS", "USB COM"),
    source: `${FIELD}; Newland FM420 integration guide p. 47`,
  },
  { vendorId: 0x065a, maker: "Opticon", wayOut: ANY_WAY_OUT, source: FIELD },
  { vendorId: 0x27dd, maker: "Mindeo", wayOut: ANY_WAY_OUT, source: FIELD },
  { vendorId: 0x11fa, maker: "Code", wayOut: ANY_WAY_OUT, source: "Code CR3600 manual, as printed there" },
];

/** Modes of a maker's products; the first row that fits counts. */
export const FINGERPRINTS: readonly Fingerprint[] = [
  known(0x0c2e, [0x0007], "ibm-oem", "Honeywell reader", FIELD),
  known(0x0c2e, [0x0200, 0x0204, 0x0206], "keyboard", "Honeywell reader", FIELD),
  known(0x0c2e, [0x0700, 0x0720], "cdc", "Honeywell reader", FIELD),
  known(0x0c2e, [0x0a64], null, "Stratos 2700", FIELD),
  known(0x0c2e, [0x0b61, 0x0b6a], null, "Vuquest 3310", FIELD),
  known(0x0c2e, [0x0b81], null, "Voyager 1400g", FIELD),
  known(0x0c2e, [0x0db3], null, "Voyager 1602g", FIELD),
  known(0x0c2e, [0x1007], null, "Xenon 1900", FIELD),

  known(0x05e0, [0x0600], "cdc", "Zebra reader", "usb.ids; Dar-Ko/babylonlib, UsbVid05E0.h"),
  known(0x05e0, [0x1200], "keyboard", "Zebra reader", "usb.ids; Dar-Ko/babylonlib, UsbVid05E0.h"),
  known(0x05e0, [0x1300, 0x1400], "ibm-oem", "Zebra reader", "usb.ids; Dar-Ko/babylonlib, UsbVid05E0.h"),
  known(0x05e0, [0x1701], "cdc", "Zebra reader", "usb.ids; Dar-Ko/babylonlib, UsbVid05E0.h"),
  known(0x05e0, [0x1900], "snapi", "Zebra reader", "usb.ids; Dar-Ko/babylonlib, UsbVid05E0.h"),
  known(0x05e0, [0x2100], "hid-pos", "Zebra reader", "mgaffigan/Itp.HidBarcodeScanner, Examples.txt (DS2208)"),

  known(0x05f9, [0x2206, 0x2210, 0x221c], "keyboard", "Datalogic reader", FIELD),
  known(0x05f9, [0x1206], "ibm-oem", "Datalogic reader", FIELD),
  known(0x05f9, [0x2601, 0x2602], null, "Magellan", FIELD),
  known(0x05f9, [0x4204], "cdc", "Datalogic reader", FIELD),

  known(0x1eab, { lastByte: 0x03 }, "keyboard", "Newland reader", "Newland FM420 guide p. 47, VID and PID table"),
  known(0x1eab, { lastByte: 0x06 }, "cdc", "Newland reader", "Newland FM420 guide p. 47; 8306 seen in the field"),
  known(0x1eab, { lastByte: 0x10 }, "hid-pos", "Newland reader", "Newland FM420 guide p. 47; FM430 is 1D10"),

  known(0x065a, [0x0001], "keyboard", "Opticon reader", FIELD),
  known(0x065a, [0x0009], "cdc", "Opticon reader", FIELD),
  known(0x27dd, [0x0002], "cdc", "Mindeo reader", FIELD),

  // Vendor ids that other products share: these products only. Without a row on purpose: 05FE:1010, a no-name reader in
  // one field report, is the receiver of wireless mice and keyboards in usb.ids.
  known(0x0488, [0x5788], "cdc", "Netum reader", "one field report"),
  wedge(0x04b4, [0x0100], "Cino F760"),
  wedge(0x04b4, [0xbca1, 0xde61, 0xde64], "Barcode Reader"),
  wedge(0xffff, [0x0035], "no-name reader"),
  wedge(0x0218, [0x0210], "no-name reader"),
  wedge(0xe851, [0x2100], "no-name reader"),
  wedge(0x0416, [0xc141], "no-name reader"),
  wedge(0x0525, [0xa4a8], "no-name reader"),

  known(0x1a86, [0x7523], "bridge", "USB-serial adapter CH340", "usb.ids; the relay board LCUS-1 has the same id"),
  known(0x10c4, [0xea60], "bridge", "USB-serial adapter CP210x", "usb.ids"),
  known(0x067b, [0x2303], "bridge", "USB-serial adapter PL2303", "usb.ids"),
  known(0x0403, [0x6001], "bridge", "USB-serial adapter FTDI", "usb.ids"),
  known(0x16c0, [0x05df], "relay", "USB relay board", "darrylb123/usbrelay; the id is shared with other hobby devices"),
  known(0x5131, [0x2007], "relay", "USB relay board LCUS", "pavel-a/usb-relay-hid"),
  known(0x0519, [0x2018], "relay", "USB relay board uCreate", "darrylb123/usbrelay"),
  known(0x0416, [0x5020], "relay", "USB relay board SainSmart", "one field report"),
];

/** Collections that tell a mode whoever made the device. */
const USAGES: readonly {
  readonly usagePage: number;
  readonly usages: readonly number[];
  readonly mode: ReaderMode;
  readonly source: string;
}[] = [
  { usagePage: 0x8c, usages: [0x02], mode: "hid-pos", source: "HID Point of Sale usage tables 1.02" },
  {
    usagePage: 0xff45,
    usages: [0x4b00, 0x4a00],
    mode: "ibm-oem",
    source: "IBM OEM descriptors of hand-held and table-top readers",
  },
  // Page FF8C, Honeywell's remote management, tells no mode: it looks like 8C and never delivers (qzind/tray #1312).
];

/** What is known of a product, or null. */
export function fingerprintOf(vendorId: number, productId: number): Fingerprint | null {
  const fits = ({ products }: Fingerprint): boolean =>
    "lastByte" in products ? productId % 0x100 === products.lastByte : products.includes(productId);
  return FINGERPRINTS.find((row) => row.vendorId === vendorId && fits(row)) ?? null;
}

/** The way to a mode that is read well. */
export function wayOutOf(vendorId: number, productId: number): Sentence {
  return fingerprintOf(vendorId, productId)?.whatToDo ?? makerOf(vendorId)?.wayOut ?? ANY_WAY_OUT;
}

/** The maker of a device that is nothing but a reader, or null. */
export function makerOf(vendorId: number): ReaderMaker | null {
  return READER_MAKERS.find((row) => row.vendorId === vendorId) ?? null;
}

/** The mode a HID collection tells, or null. */
export function modeOfUsage(usagePage: number, usage: number): ReaderMode | null {
  return USAGES.find((row) => row.usagePage === usagePage && row.usages.includes(usage))?.mode ?? null;
}

function known(
  vendorId: number,
  products: Fingerprint["products"],
  mode: Fingerprint["mode"],
  what: string,
  source: string,
): Fingerprint {
  return { vendorId, products, mode, what, whatToDo: null, source };
}

/** A keyboard that is known to be a reader by its product alone. */
function wedge(vendorId: number, products: readonly number[], what: string): Fingerprint {
  return { vendorId, products, mode: "keyboard", what, whatToDo: VIRTUAL_COM_IF_ANY, source: "one field report" };
}
