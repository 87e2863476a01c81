/**
 * The port every relay board implements. A board is opened, used and disposed; it times nothing and remembers nothing.
 * `supervised-board.ts` gives the pulses and guarantees that every relay is let go.
 */
import { isAt } from "../plugged/locate-node.ts";
import { type PluggedSystem, thisMachine } from "../plugged/system.ts";
import { parseUsbAddress } from "../usb-address.ts";
import { openDcttechBoard } from "./dcttech-board.ts";
import { RelayFault } from "./relay-fault.ts";
import type { RelaySpec } from "./relay-spec.ts";
import { openSerialBoard } from "./serial-board.ts";
import type { RelayOutput } from "./serial-protocols.ts";

/** An opened board. Disposing closes it as it is: whoever pulses lets go first. */
export interface RelayBoard extends AsyncDisposable {
  /** Resolves with the reason when the board went away by itself; never rejects. */
  readonly gone: Promise<RelayFault>;
  /**
   * Switches one output; calls are carried out one after the other. Resolves when the board acknowledged, or, where a
   * board answers nothing, when it was written. Bounded in time.
   *
   * @throws {RelayFault} no-answer, unplugged or failed.
   */
  switch(output: RelayOutput, on: boolean): Promise<void>;
}

/**
 * Opens the board a relay stands on. A USB address is looked up anew for each opening: the node has another name after
 * a replug.
 *
 * @throws {RelayFault} not-found, busy, permission, bad-spec or failed; the message says what to do.
 */
export async function openRelayBoard(spec: RelaySpec, system: PluggedSystem = thisMachine()): Promise<RelayBoard> {
  const { board, baudRate } = spec;
  if (board === "dcttech") return openDcttechBoard(spec.path);
  return openSerialBoard({ board, baudRate, path: await portOf(spec.path, system) });
}

/** Two boards with the same bridge chip have the same address until their ports are named: none of them is guessed. */
async function portOf(path: string, system: PluggedSystem): Promise<string> {
  const address = parseUsbAddress(path);
  if (address === null) return path;
  const devices = (await system.list()).filter((device) => isAt(device, address));
  const ports = devices.flatMap((device) => device.interfaces.filter(({ transport }) => transport === "serial"));
  const [port, another] = ports;
  if (port === undefined) {
    throw new RelayFault(
      "relay.not-found",
      `${path} is not plugged in: plug the relay board in or correct its address.`,
    );
  }
  if (another !== undefined) {
    throw new RelayFault(
      "relay.bad-spec",
      `${path} may be any of ${ports.map((one) => one.path).join(", ")}: add where it is plugged in, as in usb:1a86:7523@1-2.4.`,
    );
  }
  return port.path;
}
