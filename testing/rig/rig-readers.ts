/** The HID POS readers of the rig: their descriptors, and the reports in which they send. */
import { DESCRIPTOR_1, DESCRIPTOR_2, type Family, recorded, VENDOR } from "../hid-pos-reports.ts";
import type { HidIdentity } from "./hid-device.ts";

/** A reader to plug in, with the family whose reports it sends. */
export interface RigReader extends HidIdentity {
  readonly sends: Family;
}

const hex = (descriptor: string): Buffer => Buffer.from(descriptor.replace(/\s/g, ""), "hex");

export const honeywell: RigReader = {
  vendorId: VENDOR.honeywell,
  productId: 0x0b61,
  product: "Rig Honeywell",
  serialNumber: "RIG-H1",
  descriptor: hex(DESCRIPTOR_2),
  sends: "honeywell",
};

/**
 * Nobody has published Zebra's descriptor. This one is made up from its captured reports: the count has two bytes,
 * as its second byte, always zero, suggests; so the layout must come from the reports.
 */
export const zebra: RigReader = {
  vendorId: VENDOR.zebra,
  productId: 0x2100,
  product: "Rig Zebra",
  serialNumber: "RIG-Z1",
  descriptor: recorded(`05 8c 09 02 a1 01 09 12 a1 02 85 02 15 00 26 ff 00
    05 01 09 3b 75 10 95 01 81 02 05 8c 09 fb 09 fc 09 fd 75 08 95 03 81 02 09 fe 95 38 82 02 01
    06 66 ff 09 04 95 01 81 02 05 8c 25 01 75 01 95 01 09 ff 81 02 75 07 81 03 c0 c0`),
  sends: "zebra",
};

/** Made up from its manuals too: no AIM identifier, the data right behind the count. */
export const newland: RigReader = {
  vendorId: VENDOR.newland,
  productId: 0x1d10,
  product: "Rig Newland",
  serialNumber: "RIG-N1",
  descriptor: recorded(`05 8c 09 02 a1 01 09 12 a1 02 85 02 15 00 26 ff 00
    05 01 09 3b 75 08 95 01 81 02 05 8c 09 fe 95 38 82 02 01 06 66 ff 09 01 95 04 81 02 09 04 95 01 81 02
    05 8c 25 01 75 01 95 01 09 ff 81 02 75 07 81 03 c0 c0`),
  sends: "newland",
};

/** A vendor that no row knows, with a descriptor that tells all. */
export const unknownMaker: RigReader = {
  vendorId: 0xf1f1,
  productId: 0x0001,
  product: "Rig no-name",
  serialNumber: "RIG-U1",
  descriptor: hex(DESCRIPTOR_1),
  sends: "honeywell",
};

/** A boot keyboard (USB HID 1.11, appendix B.1), which is what a reader in keyboard mode is; `reportId` where it shares its interface. */
export function keyboardDescriptor(reportId?: number): Buffer {
  const id = reportId === undefined ? [] : [0x85, reportId];
  return Buffer.concat([
    recorded("05 01 09 06 a1 01"),
    Buffer.from(id),
    recorded(`05 07 19 e0 29 e7 15 00 25 01 75 01 95 08 81 02 95 01 75 08 81 01 95 06 75 08 15 00 25 65 19 00 29 65
      81 00 c0`),
  ]);
}

/** A Honeywell as it leaves the factory: a keyboard (0C2E:0200, usb.ids). */
export const wedge: HidIdentity = {
  vendorId: 0x0c2e,
  productId: 0x0200,
  product: "Rig wedge",
  serialNumber: "RIG-K1",
  descriptor: keyboardDescriptor(),
};
/** The id under which the station knows a reader that has a serial number. */
export function idOf({ vendorId, productId, serialNumber }: HidIdentity, transport = "hid"): string {
  const digits = (id: number): string => id.toString(16).padStart(4, "0");
  return `${transport}:usb:${digits(vendorId)}:${digits(productId)}:${serialNumber}`;
}
