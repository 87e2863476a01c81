/** What keeps this user or this machine from using a device that was found, each with the exact remedy. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import type { Assessed, FoundReader } from "../drivers/discovery.ts";
import { serialTraps } from "../drivers/serial/serial-traps.ts";
import { permissionSentence } from "../drivers/udev-rules.ts";
import { nodeOf } from "./readers-report.ts";

/** Sentences, the most likely reason first; empty when nothing is in the way, and where nodes have no permissions. */
export async function deviceProblems(assessed: Assessed): Promise<readonly string[]> {
  if (process.platform === "win32") return [];
  if (assessed.verdict === "reader" && assessed.spec.transport !== "serial") return nodeProblems(assessed);
  const port = assessed.device.interfaces.find(({ transport }) => transport === "serial");
  if (port !== undefined) return messages(await serialTraps(port.path));
  // Where an adapter has no port, brltty may have taken it.
  return assessed.mode === "bridge" ? messages((await serialTraps(null)).filter(({ code }) => code === "brltty")) : [];
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
    return [isGone ? `${node} is not there: plug the reader in again.` : nodeSentence(reader)];
  }
}

/** How this user comes to open the node of a found reader. */
export function nodeSentence(reader: FoundReader): string {
  return permissionSentence(
    nodeOf(reader),
    reader.spec.transport === "evdev" ? "event" : "hidraw",
    reader.device.address,
  );
}
