/** What keeps this user from opening a reader that was found, with the exact remedy. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import type { FoundReader } from "../drivers/discovery.ts";
import { nodeOf } from "./readers-report.ts";

/** How a node is opened, and what udev has to say for it. Groups as Debian has them. */
const ACCESS = {
  hid: { mode: constants.R_OK | constants.W_OK, match: 'KERNEL=="hidraw*"', group: "plugdev" },
  serial: { mode: constants.R_OK | constants.W_OK, match: 'SUBSYSTEM=="tty"', group: "dialout" },
  evdev: { mode: constants.R_OK, match: 'KERNEL=="event*"', group: "input" },
} as const;

/** One sentence, or null when nothing is in the way; always null where nodes have no permissions (Windows). */
export async function readerProblem(reader: FoundReader): Promise<string | null> {
  const { transport } = reader.spec;
  if (process.platform === "win32" || transport === "simulated") return null;
  const node = nodeOf(reader);
  try {
    await access(node, ACCESS[transport].mode);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT"
      ? `${node} is not there: plug the reader in again.`
      : permissionSentence(reader);
  }
}

/** The rule that lets this user, or a service in the group, open the reader. */
export function permissionSentence(reader: FoundReader): string {
  const { spec, device } = reader;
  if (spec.transport === "simulated") return "";
  const { match, group } = ACCESS[spec.transport];
  const vendor = device.address.vendorId.toString(16).padStart(4, "0");
  return (
    `This user may not open ${nodeOf(reader)}: put the line ` +
    `${match}, ATTRS{idVendor}=="${vendor}", TAG+="uaccess", MODE="0660", GROUP="${group}" ` +
    `into /etc/udev/rules.d/70-tram-qr-readers.rules, add the user to the group ${group} and plug the reader in again.`
  );
}
