/** A fault with a stable code. The message is one English sentence for the technician and says what to do next. */
export type AgentErrorCode =
  | "config.unreadable"
  | "config.invalid"
  | "data.unwritable"
  | "data.in-use"
  | "data.volatile"
  | "key.missing"
  | "key.damaged"
  | "key.owner"
  | "journal.settings"
  | "journal.corrupt"
  | "journal.newer"
  | "journal.disk-full"
  | "journal.write-failed"
  | "journal.nothing"
  | "carry.unwritable"
  | "carry.unreadable"
  | "carry.delivery"
  | "carry.receipt"
  | "port.in-use"
  | "agent.not-running";

export class AgentError extends Error {
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AgentError";
    this.code = code;
  }
}
