/**
 * The port every relay board implements. A board is opened, used and disposed; it times nothing and remembers nothing.
 * `supervised-board.ts` gives the pulses and guarantees that every relay is let go.
 */
import { openDcttechBoard } from "./dcttech-board.ts";
import type { RelayFault } from "./relay-fault.ts";
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
 * Opens the board a relay stands on.
 *
 * @throws {RelayFault} not-found, busy, permission or failed; the message says what to do.
 */
export function openRelayBoard(spec: RelaySpec): Promise<RelayBoard> {
  const { board, path, baudRate } = spec;
  return board === "dcttech" ? openDcttechBoard(path) : openSerialBoard({ board, path, baudRate });
}
