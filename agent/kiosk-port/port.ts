import type { KioskIntent } from "./intent.ts";
import type { KioskView, Sentence } from "./view.ts";

/** What became of one scan: printed by `tram start --json` and answered to whoever sent a `captured` intent. */
export interface ScanOutcome {
  readonly event: "scan";
  /** `enrol`: it was an owner's invitation, and this machine asks to be enrolled with it. */
  readonly verdict: "accept" | "repeat" | "refuse" | "ask" | "enrol";
  /** Code kind, e.g. `cccd`. */
  readonly kind: string;
  readonly readerId: string;
  readonly direction: "in" | "out" | null;
  readonly entryId: string | null;
  readonly seq: number | null;
  /** Stable reason code for repeat, refuse and ask; null for accept. */
  readonly reason: string | null;
  readonly sentence: Sentence;
  readonly correlationId: string | null;
}

/** A page that heard nothing for so long takes its agent for gone. */
export const silentAfterMs = 3_500;

/** A page says "not recorded" of a scan that was not answered by then, whatever the agent does. */
export const pageAnswerWithinMs = 1_900;

/** Agent to page. */
export type PortMessage =
  | { readonly type: "view"; readonly view: KioskView }
  /** Once a second to every page that draws: a page that hears nothing for {@link silentAfterMs} shows nothing old. */
  | { readonly type: "alive" }
  | { readonly type: "outcome"; readonly outcome: ScanOutcome };

/**
 * One connected screen, whatever carries it (Electron message port, loopback WebSocket). `post` never throws
 * and never blocks; a slow screen is dropped by its carrier, not waited for.
 */
export interface KioskPort {
  post(message: PortMessage): void;
  onIntent(listener: (intent: KioskIntent) => void): void;
  onClose(listener: () => void): void;
}
