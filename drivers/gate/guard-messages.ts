/** What the agent and its relay guard say to each other. */
import type { PulseReport } from "./pulsed-relay.ts";
import type { RelayState } from "./supervised-board.ts";

/** Agent to guard. */
export interface PulseRequest {
  readonly relayId: string;
  /** On the clock of `monotonicMs`, which both processes share. */
  readonly askedMs: number;
}

/** Guard to agent. */
export type GuardMessage =
  | { readonly kind: "state"; readonly state: RelayState }
  | { readonly kind: "report"; readonly report: PulseReport };
