import type { KioskIntent } from "../../agent/kiosk-port/intent.ts";
import type { PortMessage } from "../../agent/kiosk-port/port.ts";

/** What a carrier tells the page. `onClose` comes once for each lost connection, also for one that never opened. */
export interface CarrierEvents {
  onOpen(): void;
  onMessage(message: PortMessage): void;
  onClose(): void;
}

/** The page's end of the kiosk port, whatever carries it. It reconnects by itself until disposed. */
export interface Carrier {
  /** False when there is no connection: the intent is dropped, never kept for a later screen. */
  send(intent: KioskIntent): boolean;
  /** Gives the connection up and makes a new one: the agent has been silent for too long. */
  reconnect(): void;
  dispose(): void;
}

export type OpenCarrier = (events: CarrierEvents) => Carrier;

/** True for what the agent may send; anything else is dropped, so that a page of another version cannot be crashed by it. */
export function isPortMessage(value: unknown): value is PortMessage {
  if (typeof value !== "object" || value === null || !("type" in value)) return false;
  if (value.type === "alive") return true;
  if (value.type === "outcome")
    return "outcome" in value && typeof value.outcome === "object" && value.outcome !== null;
  return value.type === "view" && "view" in value && typeof value.view === "object" && value.view !== null;
}
