/** Which USB device a serial port belongs to. */
import { realpath } from "node:fs/promises";
import type { PluggedSystem } from "../plugged/system.ts";
import type { UsbAddress } from "../usb-address.ts";

/**
 * The USB device behind a port, named by its node, a link to it (`/dev/serial/by-id/...`) or `COM5`. Null when nothing
 * is known of it: a real RS-232 line, a pseudo-terminal, a port that is gone.
 */
export async function portOwner(path: string, system: Pick<PluggedSystem, "list">): Promise<UsbAddress | null> {
  const isNamed = (node: string): boolean => node.toLowerCase() === path.toLowerCase();
  const ports = (await system.list()).flatMap(({ address, interfaces }) =>
    interfaces.filter(({ transport }) => transport === "serial").map((port) => ({ address, node: port.path })),
  );
  const named = ports.find(({ node }) => isNamed(node));
  if (named !== undefined) return named.address;
  const target = await followed(path);
  for (const { address, node } of ports) if ((await followed(node)) === target) return address;
  return null;
}

function followed(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
