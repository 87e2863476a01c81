import { createHash } from "node:crypto";
import { type DeviceConfig, fingerprintOf, type OwnedDevice } from "../contract/devices.ts";
import { clockState } from "../contract/entries.ts";
import { journalState } from "../contract/heartbeat.ts";
import { heartbeatEveryS } from "../contract/limits.ts";
import type { Central } from "./context.ts";
import { fullViewPossible } from "./policy.ts";
import type { StoredCheckpoint } from "./store/checkpoint-store.ts";
import type { EnrolledDevice } from "./store/device-store.ts";

/** So many heartbeats may be missed before a machine counts as silent: a restart takes one or two. */
const missedHeartbeats = 5;

/** A machine as its owner sees it. */
export function ownedDeviceOf(
  { clock, minVersion }: Pick<Central, "clock" | "minVersion">,
  device: EnrolledDevice,
): OwnedDevice {
  const { figures, heartbeatAt } = device;
  const quietS = Math.floor((clock.now() - device.lastSeenAt) / 1000);
  return {
    device_id: device.id,
    name: device.name,
    checkpoint_id: device.checkpointId,
    state: device.revokedAt === null ? "enrolled" : "revoked",
    model: device.model,
    os: device.os,
    key_fingerprint: fingerprintOf(device.jkt),
    enrolled_at: timeOf(device.enrolledAt),
    revoked_at: device.revokedAt === null ? null : timeOf(device.revokedAt),
    last_contact: timeOf(device.lastSeenAt),
    silent_for_s: quietS > missedHeartbeats * heartbeatEveryS ? quietS : null,
    unsent: figures.unsent,
    oldest_unsent_s: figures.oldest_unsent_s,
    quarantined: figures.quarantined,
    id_conflicts: figures.id_conflicts,
    journal_state: heartbeatAt === null ? null : journalState.parse(figures.journal_state),
    disk_free_bytes: figures.disk_free_bytes,
    app_version: figures.app_version,
    version_current:
      minVersion === null || figures.app_version === null ? null : !isOlder(figures.app_version, minVersion),
    clock_offset_ms: figures.clock_offset_ms,
    clock_state: heartbeatAt === null ? null : clockState.parse(figures.clock_state),
    key_backend: figures.key_backend,
    owner_key: figures.owner_key === null ? null : figures.owner_key === 1,
    readers: device.readers,
    settings: device.settings,
    version: device.version,
  };
}

/** What a machine is to do, and the tag of it. */
export function deviceConfigOf(
  { minVersion }: Pick<Central, "minVersion">,
  device: EnrolledDevice,
  place: StoredCheckpoint,
): { config: DeviceConfig; etag: string } {
  const config: DeviceConfig = {
    device_id: device.id,
    name: device.name,
    enrolled: device.revokedAt === null,
    place: {
      id: place.id,
      name: place.name,
      kind: place.kind,
      kind_status: place.kindStatus,
      state: place.state,
      policy: { ...place.policy, full_view: fullViewPossible(place.kind, place.kindStatus) },
      retention_days: place.retentionDays,
      notice: place.notice,
    },
    settings: device.settings,
    min_version: minVersion,
  };
  return { config, etag: `"${createHash("sha256").update(JSON.stringify(config)).digest("base64url").slice(0, 22)}"` };
}

/** Whether version `one` comes before `other`: by their numbers, `0.9.1` before `0.10.0`. */
export function isOlder(one: string, other: string): boolean {
  const [left, right] = [one, other].map((text) => text.split(/[.+-]/).map((part) => Number.parseInt(part, 10) || 0));
  for (let at = 0; at < 3; at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
