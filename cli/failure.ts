import { CentralFault } from "../central/fault.ts";
import { RelayFault } from "../drivers/gate/relay-fault.ts";
import { ReaderFault } from "../drivers/reader.ts";
import { AgentError } from "../provisioning/agent-error.ts";

/** A command cannot go on; the message is one sentence for the person who typed it and says what to do. */
export class CommandFailure extends Error {}

/** Faults whose message is the whole story; anything else is a defect and shows its stack. */
export function isExpected(error: unknown): error is Error {
  return (
    error instanceof CommandFailure ||
    error instanceof AgentError ||
    error instanceof ReaderFault ||
    error instanceof RelayFault ||
    error instanceof CentralFault
  );
}
