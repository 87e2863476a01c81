/** The udev rules that let a station use its readers on Linux, made from the rows of known readers. */
import { FINGERPRINTS, READER_MAKERS } from "./fingerprints.ts";

const RULES_FILE_NAME = "70-tram-qr-scanners.rules";

/** Where udev looks for rules; those of the administrator hide packaged ones of the same name. */
export const RULES_FOLDERS = ["/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"];

/** Where the rules belong when no package installed them. */
export const RULES_FILE = `/etc/udev/rules.d/${RULES_FILE_NAME}`;

/** What a technician types to have the rules at work for what is plugged in already. */
export const INSTALL_RULES = `tram readers --udev-rules | sudo tee ${RULES_FILE} && sudo udevadm control --reload && sudo udevadm trigger`;

/** USB ids the rules are for: all products of a maker of readers, or named products of vendors that make other things. */
interface RuledReader {
  readonly vendorId: number;
  /** Null for all of them. */
  readonly productIds: readonly number[] | null;
  readonly what: string;
}

/**
 * The text of the rules file. Its number sorts before `73-seat-late.rules`, which is what reads the tag `uaccess`
 * (systemd, README of uaccess); the tag serves whoever sits at the screen, the group a service.
 *
 * `ID_MM_DEVICE_IGNORE` keeps ModemManager from writing modem commands to a reader (modemmanager.org, port and device
 * filters). A rule for a vendor opens its readers' keyboards to that user as well.
 */
export function udevRules(): string {
  return [
    `# ${RULES_FILE}: QR readers may be opened by the user at the screen and by members of the groups.`,
    "# ModemManager leaves them alone. After a change: sudo udevadm control --reload && sudo udevadm trigger",
    ...ruledReaders().flatMap((reader) => ["", `# ${reader.what}`, ...productMatches(reader).flatMap(rulesOf)]),
    "",
  ].join("\n");
}

/** A USB product; all that decides whether the rules speak of it. */
export interface UsbProduct {
  readonly vendorId: number;
  readonly productId: number;
}

/** The groups that Debian gives these nodes to. */
const GROUPS = { hidraw: "plugdev", event: "input" } as const;

/**
 * What to do when this user may not open a reader's node: install our rules, or, for a reader that they do not speak of,
 * one of its own. `usb` is null when it is not known which reader stands behind the node.
 */
export function permissionSentence(node: string, kind: keyof typeof GROUPS, usb: UsbProduct | null): string {
  const group = GROUPS[kind];
  const inGroup = `; a service must be in the group ${group}.`;
  if (usb === null || isRuled(usb.vendorId, usb.productId)) {
    return `This user may not open ${node}: run "${INSTALL_RULES}" and plug the reader in again${inGroup}`;
  }
  const vendor = usb.vendorId.toString(16).padStart(4, "0");
  return (
    `This user may not open ${node}: put the line ` +
    `KERNEL=="${kind}*", ATTRS{idVendor}=="${vendor}", TAG+="uaccess", MODE="0660", GROUP="${group}" ` +
    `into a file /etc/udev/rules.d/70-reader.rules and plug the reader in again${inGroup}`
  );
}

/** Whether the rules speak of this product. */
export function isRuled(vendorId: number, productId: number): boolean {
  return ruledReaders().some(
    (reader) => reader.vendorId === vendorId && (reader.productIds === null || reader.productIds.includes(productId)),
  );
}

function ruledReaders(): RuledReader[] {
  const makers = READER_MAKERS.map(({ vendorId, maker }) => ({ vendorId, productIds: null, what: maker }));
  const others = FINGERPRINTS.flatMap(({ vendorId, products, mode, what }): RuledReader[] => {
    const isReader = mode !== "bridge" && mode !== "relay";
    const isOwn = makers.some((maker) => maker.vendorId === vendorId);
    return isReader && !isOwn && !("lastByte" in products) ? [{ vendorId, productIds: products, what }] : [];
  });
  return [...makers, ...others];
}

function productMatches({ vendorId, productIds }: RuledReader): string[] {
  const vendor = `ATTRS{idVendor}=="${hex(vendorId)}"`;
  return productIds?.map((productId) => `${vendor}, ATTRS{idProduct}=="${hex(productId)}"`) ?? [vendor];
}

function rulesOf(match: string): string[] {
  return [
    `KERNEL=="hidraw*", ${match}, TAG+="uaccess", GROUP="plugdev", MODE="0660"`,
    `SUBSYSTEM=="tty", ${match}, TAG+="uaccess", GROUP="dialout", MODE="0660", ENV{ID_MM_DEVICE_IGNORE}="1"`,
    `SUBSYSTEM=="input", KERNEL=="event*", ${match}, TAG+="uaccess", GROUP="input", MODE="0660"`,
  ];
}

/** sysfs writes ids in lower case. */
function hex(id: number): string {
  return id.toString(16).padStart(4, "0");
}
