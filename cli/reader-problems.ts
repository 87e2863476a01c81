/** What keeps this user or this machine from using a device that was found, each with the exact remedy. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import type { Assessed, FoundReader } from "../drivers/discovery.ts";
import { serialTraps } from "../drivers/serial/serial-traps.ts";
import { INSTALL_RULES, isRuled } from "../drivers/udev-rules.ts";
import { nodeOf } from "./readers-report.ts";

/** Sentences, the most likely reason first; empty when nothing is in the way, and where nodes have no permissions. */
export async function deviceProblems(assessed: Assessed): Promise<readonly string[]> {
  if (process.platform === "win32") return [];
  if (assessed.verdict === "reader" && assessed.spec.transport !== "serial") return nodeProblems(assessed);
  const port = assessed.device.interfaces.find(({ transport }) => transport === "serial");
  return port === undefined ? [] : messages(await serialTraps(port.path));
}

/** What may be the reason that no reader is found at all. */
export async function machineProblems(): Promise<readonly string[]> {
  return messages(await serialTraps(null));
}

function messages(traps: readonly { readonly message: string }[]): string[] {
  return traps.map(({ message }) => message);
}

/** A HID node is written to as well, for beeps; a keyboard is only read. */
async function nodeProblems(reader: FoundReader): Promise<string[]> {
  const node = nodeOf(reader);
  try {
    await access(node, reader.spec.transport === "evdev" ? constants.R_OK : constants.R_OK | constants.W_OK);
    return [];
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === "ENOENT";
    return [isGone ? `${node} is not there: plug the reader in again.` : permissionSentence(reader)];
  }
}

/** The rules that let the user at the screen, or a service in the group, open the reader. Groups as Debian has them. */
export function permissionSentence(reader: FoundReader): string {
  const { vendorId, productId } = reader.device.address;
  const [nodes, group] = reader.spec.transport === "evdev" ? ["event*", "input"] : ["hidraw*", "plugdev"];
  const inGroup = `; a service must be in the group ${group}.`;
  if (isRuled(vendorId, productId)) {
    return `This user may not open ${nodeOf(reader)}: run "${INSTALL_RULES}" and plug the reader in again${inGroup}`;
  }
  const vendor = vendorId.toString(16).padStart(4, "0");
  return (
    `This user may not open ${nodeOf(reader)}: put the line ` +
    `KERNEL=="${nodes}", ATTRS{idVendor}=="${vendor}", TAG+="uaccess", MODE="0660", GROUP="${group}" ` +
    `into a file /etc/udev/rules.d/70-reader.rules and plug the reader in again${inGroup}`
  );
}
