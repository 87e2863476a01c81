import { type Kysely, sql } from "kysely";
import type { Clock } from "../clock.ts";
import type { CentralKeys } from "../keys.ts";
import { openKeys } from "../keys.ts";
import { sealerWith } from "../sealing.ts";
import type { AccessRecordStore } from "./access-record-store.ts";
import { accessRecordStore } from "./access-record-store.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import { checkpointStore } from "./checkpoint-store.ts";
import type { DeviceStore } from "./device-store.ts";
import { deviceStore } from "./device-store.ts";
import type { EnrolmentStore } from "./enrolment-store.ts";
import { enrolmentStore } from "./enrolment-store.ts";
import type { EntryStore } from "./entry-store.ts";
import { entryStore } from "./entry-store.ts";
import type { OfficialStore } from "./official-store.ts";
import { officialStore } from "./official-store.ts";
import { openSqlite, sqlitePathOf } from "./open-sqlite.ts";
import type { OtpStore } from "./otp-store.ts";
import { otpStore } from "./otp-store.ts";
import type { StaffStore } from "./staff-store.ts";
import { staffStore } from "./staff-store.ts";
import type { SubjectStore } from "./subject-store.ts";
import { subjectStore } from "./subject-store.ts";
import type { Tables } from "./tables.ts";
import type { TokenStore } from "./token-store.ts";
import { tokenStore } from "./token-store.ts";

/** All the service keeps. What lies behind it (SQLite today) is known to this folder only. */
export interface Store {
  readonly staff: StaffStore;
  readonly checkpoints: CheckpointStore;
  readonly otp: OtpStore;
  readonly tokens: TokenStore;
  readonly devices: DeviceStore;
  readonly enrolments: EnrolmentStore;
  readonly entries: EntryStore;
  readonly accessRecords: AccessRecordStore;
  readonly subjects: SubjectStore;
  readonly officials: OfficialStore;
  /** Runs `work` alone and commits it durably before it resolves; a throw rolls everything back. */
  transaction<T>(work: (store: Store) => Promise<T>): Promise<T>;
  /**
   * Empties the write-ahead log, so that what was erased is in no file of the database any more. False when somebody
   * reads just now: then it is done at the next time.
   */
  scrub(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Opens the store named by `sqlite:PATH` with the key file beside it.
 * @throws CentralFault with one sentence that says what to do.
 */
export function openStore(database: string, clock: Clock): { store: Store; keys: CentralKeys } {
  const path = sqlitePathOf(database);
  const keys = openKeys(path);
  return { store: storeOver(openSqlite(path, keys), keys, clock), keys };
}

function storeOver(db: Kysely<Tables>, keys: CentralKeys, clock: Clock): Store {
  const sealer = sealerWith(keys.seal);
  return {
    staff: staffStore(db, sealer, keys, clock),
    checkpoints: checkpointStore(db, sealer),
    otp: otpStore(db, sealer),
    tokens: tokenStore(db),
    devices: deviceStore(db),
    enrolments: enrolmentStore(db),
    entries: entryStore(db, sealer),
    accessRecords: accessRecordStore(db, sealer),
    subjects: subjectStore(db, sealer),
    officials: officialStore(db, clock),
    transaction: (work) => db.transaction().execute((transaction) => work(storeOver(transaction, keys, clock))),
    async scrub() {
      const { rows } = await sql<{ busy: number }>`PRAGMA wal_checkpoint(TRUNCATE)`.execute(db);
      return rows[0]?.busy === 0;
    },
    close: () => db.destroy(),
  };
}
