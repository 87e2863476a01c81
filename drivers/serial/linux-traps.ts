/**
 * What Linux puts between a serial reader and this program, told from what was found on the machine: rows, pure. Each
 * says in one sentence what is in the way and the command that takes it away.
 */
import { FINGERPRINTS } from "../fingerprints.ts";
import { INSTALL_RULES, isRuled } from "../udev-rules.ts";

export type SerialTrapCode = "permission" | "no-udev-rules" | "no-udevd" | "modem-manager" | "brltty";

/** One trap; the message is for the technician (English) and holds the exact command. */
export interface SerialTrap {
  readonly code: SerialTrapCode;
  readonly message: string;
}

/** What a look at the machine found. */
export interface LinuxFindings {
  /** The port somebody wants to open, or null for the machine as it is. */
  readonly wantedPath: string | null;
  /** Its node; null when there is none. */
  readonly node: FoundNode | null;
  /** The USB device the port belongs to; null when it belongs to none or is not there. */
  readonly usb: { readonly vendorId: number; readonly productId: number } | null;
  readonly userName: string;
  readonly isModemManagerRunning: boolean;
  /** What a udev rule told ModemManager about this port. */
  readonly isIgnoredByModemManager: boolean;
  /** The text of brltty's rules at work; empty without brltty. */
  readonly brlttyRules: string;
  readonly areRulesInstalled: boolean;
  readonly isUdevRunning: boolean;
}

/** A device node and who may open it. */
export interface FoundNode {
  readonly path: string;
  readonly owner: string;
  readonly group: string;
  /** Permission bits, e.g. 0o660. */
  readonly mode: number;
  readonly mayOpen: boolean;
  /** The group has this user by now, although this process began without it. */
  readonly isUserInGroup: boolean;
}

interface TrapRow {
  readonly code: SerialTrapCode;
  /** The sentence, or null while the trap is not there. */
  readonly sentence: (found: LinuxFindings) => string | null;
  readonly source: string;
}

const TRAPS: readonly TrapRow[] = [
  {
    code: "permission",
    sentence: permissionSentence,
    source: "node-serialport #938; Debian and Ubuntu: root:dialout 0660, Arch: root:uucp",
  },
  {
    code: "no-udev-rules",
    sentence: ({ node, usb, areRulesInstalled, isUdevRunning }) => {
      const isMissed = !areRulesInstalled && isUdevRunning && node?.mayOpen === false;
      return isMissed && usb !== null && isRuled(usb.vendorId, usb.productId)
        ? `The rules that open readers to the user at the screen are not installed: run "${INSTALL_RULES}".`
        : null;
    },
    source: "systemd, 70-uaccess.rules and 73-seat-late.rules",
  },
  {
    code: "no-udevd",
    sentence: ({ node, wantedPath, isUdevRunning }) =>
      isUdevRunning || node?.mayOpen || (wantedPath !== null && node === null)
        ? null
        : "udev is not running, so a reader's node belongs to root alone and has no lasting name: " +
          'run "sudo apt install udev" and restart, or pass the node with its group into the container.',
    source: "node-serialport #2185, #650",
  },
  {
    code: "modem-manager",
    sentence: modemManagerSentence,
    source: "modemmanager.org, port and device filters; libusb_stm32 #39",
  },
  {
    code: "brltty",
    sentence: brlttySentence,
    source: 'Ubuntu 22.04: "usbfs: interface 0 claimed by ch341 while brltty sets config #1"',
  },
];

/** The traps there are, the one that most likely is the reason first. Pure. */
export function trapsIn(found: LinuxFindings): SerialTrap[] {
  return TRAPS.flatMap(({ code, sentence }) => {
    const message = sentence(found);
    return message === null ? [] : [{ code, message }];
  });
}

function permissionSentence({ node, usb, userName }: LinuxFindings): string | null {
  if (node === null || node.mayOpen) return null;
  const { path, owner, group, mode, isUserInGroup } = node;
  const access = `${owner}:${group} ${mode.toString(8).padStart(4, "0")}`;
  if ((mode & 0o060) !== 0o060 || group === "root") {
    const command = usb !== null && isRuled(usb.vendorId, usb.productId) ? INSTALL_RULES : "sudo udevadm trigger";
    return `The user ${userName} may not open ${path} (${access}), nor may any group: run "${command}" and plug it in again.`;
  }
  if (isUserInGroup) {
    return (
      `The user ${userName} may not open ${path} yet, because this program began before it was in the group ${group}: ` +
      "log out and in again, or restart the service."
    );
  }
  return (
    `The user ${userName} may not open ${path} (${access}): ` +
    `run "sudo usermod -aG ${group} ${userName}", then log out and in again, or restart the service.`
  );
}

function modemManagerSentence(found: LinuxFindings): string | null {
  const { wantedPath, usb, isModemManagerRunning, isIgnoredByModemManager, areRulesInstalled } = found;
  // It looks at USB devices only, unless told otherwise.
  const isConcerned = wantedPath === null ? !areRulesInstalled : usb !== null && !isIgnoredByModemManager;
  if (!isModemManagerRunning || !isConcerned) return null;
  const what = `ModemManager is running and writes modem commands to ${wantedPath ?? "every new serial port"} for some 10 s`;
  if (usb !== null && !isRuled(usb.vendorId, usb.productId)) {
    return `${what}: unless this machine has a mobile modem, run "sudo systemctl disable --now ModemManager".`;
  }
  return areRulesInstalled
    ? `${what}, because it saw it before the rules were installed: run "sudo udevadm trigger" and plug the reader in again.`
    : `${what}: run "${INSTALL_RULES}" and plug the reader in again.`;
}

function brlttySentence({ wantedPath, node, usb, brlttyRules }: LinuxFindings): string | null {
  // What it took has no node any more, so nobody can tell what it was.
  const isPortGone = wantedPath === null || (node === null && /ttyUSB\d+$/.test(wantedPath));
  const ids = usb === null ? (isPortGone ? bridgeIds() : []) : bridgeIds().filter((id) => id === idOf(usb));
  const taken = ids.filter((id) => takes(brlttyRules, id));
  if (taken.length === 0) return null;
  return (
    `brltty, the driver of Braille displays, takes USB-serial adapters (${taken.join(", ")}) for itself: ` +
    'run "sudo apt remove brltty" and plug the adapter in again.'
  );
}

/** `1a86:7523` of every adapter known. */
function bridgeIds(): string[] {
  return FINGERPRINTS.flatMap(({ vendorId, products, mode }) =>
    mode === "bridge" && !("lastByte" in products) ? products.map((productId) => idOf({ vendorId, productId })) : [],
  );
}

function idOf({ vendorId, productId }: { readonly vendorId: number; readonly productId: number }): string {
  const hex = (id: number): string => id.toString(16).padStart(4, "0");
  return `${hex(vendorId)}:${hex(productId)}`;
}

/** Newer versions ship the rows of adapters commented out. They are written `1a86/7523` or as two attributes. */
function takes(rules: string, id: string): boolean {
  const [vendor = "", product = ""] = id.split(":");
  return rules
    .toLowerCase()
    .split("\n")
    .some((line) => !line.trimStart().startsWith("#") && line.includes(vendor) && line.includes(product));
}
