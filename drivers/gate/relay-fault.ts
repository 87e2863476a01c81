/** What ended or prevented a relay; the code is stable, the message is for the technician (English). */
export type RelayFaultCode =
  | "relay.not-found"
  | "relay.busy"
  | "relay.permission"
  | "relay.unplugged"
  | "relay.bad-spec"
  | "relay.no-answer"
  | "relay.failed";

/** A fault of a relay or its board. The message says what happened and what to do next, in one sentence. */
export class RelayFault extends Error {
  readonly code: RelayFaultCode;

  constructor(code: RelayFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RelayFault";
    this.code = code;
  }
}
