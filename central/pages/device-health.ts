import { fill } from "./i18n/texts.ts";
import { dateTime, span } from "./i18n/time.ts";
import type { Texts } from "./i18n/vi.ts";
import type { OwnedDevice } from "./wire.ts";

export interface HealthLine {
  /** `alert`: nobody is recorded, or something is being lost; `warn`: somebody should look at it. */
  readonly grade: "calm" | "warn" | "alert";
  readonly text: string;
}

const fewBytes = 1024 ** 3;
const wrongClockMs = 5 * 60_000;
const oldQueueS = 15 * 60;

/** How a machine is, in words an owner can act on, the worst first. */
export function healthOf(device: OwnedDevice, texts: Texts): HealthLine[] {
  const t = texts.devices.health;
  if (device.state === "revoked") {
    return [{ grade: "warn", text: fill(t.revoked, { time: dateTime(device.revoked_at ?? "") }) }];
  }
  // A machine tells its figures with its first heartbeat.
  if (device.last_contact === null || device.unsent === null) return [{ grade: "warn", text: t.never }];
  const lines: HealthLine[] = [];
  const say = (grade: HealthLine["grade"], text: string) => lines.push({ grade, text });
  if (device.journal_state === "reading-only") say("alert", t.readingOnly);
  if (device.silent_for_s !== null) say("alert", fill(t.silent, { time: span(device.silent_for_s, texts) }));
  if ((device.id_conflicts ?? 0) > 0) say("alert", t.conflict);
  if ((device.quarantined ?? 0) > 0) say("alert", fill(t.quarantined, { n: device.quarantined ?? 0 }));
  for (const reader of device.readers) {
    if (reader.state === "fault") say("alert", fill(t.readerFault, { name: reader.name }));
  }
  if (device.readers.length === 0) say("warn", t.noReader);
  if ((device.oldest_unsent_s ?? 0) > oldQueueS) {
    say("warn", fill(t.waiting, { n: device.unsent ?? 0, time: span(device.oldest_unsent_s ?? 0, texts) }));
  }
  if (device.disk_free_bytes !== null && device.disk_free_bytes < fewBytes) {
    say("warn", fill(t.disk, { size: sizeText(device.disk_free_bytes) }));
  }
  if (device.clock_state === "unknown") say("warn", t.clockUnknown);
  else if (Math.abs(device.clock_offset_ms ?? 0) > wrongClockMs) {
    say("warn", fill(t.clock, { time: span(Math.abs(device.clock_offset_ms ?? 0) / 1000, texts) }));
  }
  if (device.version_current === false) say("warn", t.oldVersion);
  if (device.journal_state === "set-aside") say("warn", t.setAside);
  if (lines.length === 0) return [{ grade: "calm", text: t.good }];
  return lines.toSorted((left, right) => Number(right.grade === "alert") - Number(left.grade === "alert"));
}

/** `1,5 GB`-like, in units of 1000 as disks are sold. */
export function sizeText(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
