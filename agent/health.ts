import { stat, statfs } from "node:fs/promises";
import path from "node:path";
import type { HeartbeatReader } from "../contract/heartbeat.ts";
import { appVersion } from "../provisioning/app-version.ts";
import type { Clock } from "./clock.ts";
import type { Journal } from "./journal/journal.ts";
import { schemaVersion } from "./journal/migrate.ts";
import type { ReaderView } from "./kiosk-port/view.ts";
import { type ClockOffset, clockStateOf } from "./sync/clock-offset.ts";
import type { HeartbeatFigures } from "./sync/heartbeat.ts";

/** As many as a heartbeat has room for. */
const mostReaders = 32;

export interface HealthOptions {
  readonly journal: Journal;
  readonly journalFile: string;
  readonly clock: Clock;
  readonly clockOffset: () => ClockOffset | null;
  readonly readers: () => readonly ReaderView[];
  /** What guards the device key. */
  readonly keyBackend: string;
}

/** The figures of this machine for a heartbeat. What cannot be measured is null; nothing here reads an entry. */
export async function healthFigures(options: HealthOptions): Promise<HeartbeatFigures> {
  const { journal, journalFile, clock } = options;
  const offset = options.clockOffset();
  const health = await journal.health().catch(() => null);
  const keys = await journal.keyReport().catch(() => null);
  const idConflicts = await journal.idConflicts().catch(() => 0);
  const { unsent, oldestWallMs, quarantined, lastSeq, store } = journal.figures;
  return {
    unsent,
    oldest_unsent_s: oldestWallMs === null ? null : Math.max(0, (clock.wallMs() - oldestWallMs) / 1000),
    quarantined,
    id_conflicts: idConflicts,
    last_seq: lastSeq,
    last_acknowledged_seq: health?.lastAcknowledgedSeq ?? 0,
    // A writer that answers nothing records nothing.
    journal_state: health === null ? "reading-only" : store.state,
    disk_free_bytes: await orNull(statfs(path.dirname(journalFile)).then(({ bavail, bsize }) => bavail * bsize)),
    wal_bytes: await orNull(stat(`${journalFile}-wal`).then(({ size }) => size)),
    fsync_p99_ms: health?.commitP99Ms ?? null,
    app_version: appVersion,
    schema_version: schemaVersion,
    clock_offset_ms: offset === null ? null : Math.round(offset.offsetMs),
    clock_state: clockStateOf(offset, clock),
    key_backend: options.keyBackend,
    owner_key:
      keys === null ? null : keys.withoutOwner === 0 && keys.ownerKeys.length + Number(keys.ownerKey !== null) > 0,
    boot_id: clock.bootId,
    readers: options.readers().slice(0, mostReaders).map(readerFigure),
  };
}

/** Names come from people and makers: what the wire has no room for is cut. */
function readerFigure({ id, name, transport, state }: ReaderView): HeartbeatReader {
  return { id: id.slice(0, 200), name: name.slice(0, 120), kind: transport, state };
}

function orNull(figure: Promise<number>): Promise<number | null> {
  return figure.catch(() => null);
}
