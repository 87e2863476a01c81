import type { KioskView } from "../../agent/kiosk-port/view.ts";

/** What the page does with the camera: leaves it alone, offers it by a button, or runs it. */
export type CameraNeed = "off" | "offer" | "on";

/**
 * From the newest view (null while the agent is away: nothing read could be recorded) and what staff chose on this page
 * (null: nothing yet). Where the camera only stands in for readers it runs once somebody asked for it, and until one is ready.
 */
export function cameraNeed(view: KioskView | null, chosen: boolean | null): CameraNeed {
  if (view === null || view.capture.camera === "off") return "off";
  if (view.capture.camera === "always") return chosen === false ? "off" : "on";
  if (view.readers.some((reader) => reader.state === "ready")) return "off";
  return chosen === true ? "on" : "offer";
}
