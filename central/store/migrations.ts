/**
 * Numbered steps of the SQLite schema, applied in order, each in its own transaction. A released step is never
 * edited: a change is a new step at the end.
 */
export const sqliteMigrations: readonly string[] = [
  `
  CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE person (
    ref TEXT PRIMARY KEY,
    phone_tag TEXT NOT NULL UNIQUE,
    phone_sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE checkpoint (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    kind_status TEXT NOT NULL CHECK (kind_status IN ('declared', 'approved')),
    units_version TEXT NOT NULL,
    province_code TEXT NOT NULL,
    commune_code TEXT NOT NULL,
    contact_sealed BLOB NOT NULL,
    retention_days INTEGER NOT NULL,
    content_tag TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES person (ref),
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE staff_grant (
    id TEXT PRIMARY KEY,
    checkpoint_id TEXT NOT NULL REFERENCES checkpoint (id),
    person_ref TEXT NOT NULL REFERENCES person (ref),
    role TEXT NOT NULL CHECK (role IN ('scanner', 'supervisor', 'owner')),
    name_sealed BLOB NOT NULL,
    content_tag TEXT NOT NULL,
    added_by TEXT NOT NULL REFERENCES person (ref),
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    last_seen_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX staff_grant_current ON staff_grant (checkpoint_id, person_ref) WHERE valid_to IS NULL;
  CREATE INDEX staff_grant_of_person ON staff_grant (person_ref, checkpoint_id);

  CREATE TABLE otp_challenge (
    id TEXT PRIMARY KEY,
    phone_tag TEXT NOT NULL,
    phone_sealed BLOB NOT NULL,
    audience TEXT NOT NULL,
    code_tag TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    used_at INTEGER
  ) STRICT;
  CREATE INDEX otp_challenge_of_phone ON otp_challenge (phone_tag, created_at);
  CREATE INDEX otp_challenge_by_age ON otp_challenge (created_at);

  CREATE TABLE otp_guard (
    phone_tag TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE token_family (
    id TEXT PRIMARY KEY,
    person_ref TEXT NOT NULL REFERENCES person (ref),
    audience TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
  ) STRICT;

  CREATE TABLE refresh_token (
    hash TEXT PRIMARY KEY,
    family_id TEXT NOT NULL REFERENCES token_family (id),
    expires_at INTEGER NOT NULL,
    used_at INTEGER
  ) STRICT;
  CREATE INDEX refresh_token_by_end ON refresh_token (expires_at);

  CREATE TABLE access_token (
    hash TEXT PRIMARY KEY,
    family_id TEXT NOT NULL REFERENCES token_family (id),
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX access_token_by_end ON access_token (expires_at);

  CREATE TABLE device (
    id TEXT PRIMARY KEY,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    registered_by TEXT NOT NULL REFERENCES person (ref)
  ) STRICT;

  CREATE TABLE entry (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id TEXT NOT NULL REFERENCES device (id),
    id TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    checkpoint_id TEXT NOT NULL REFERENCES checkpoint (id),
    staff_ref TEXT,
    reader_id TEXT NOT NULL,
    reader_label TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    clock_state TEXT NOT NULL,
    marks TEXT NOT NULL,
    body_sealed BLOB NOT NULL,
    content_tag TEXT NOT NULL,
    person_tag TEXT NOT NULL,
    uploaded_by TEXT NOT NULL REFERENCES person (ref),
    corrected_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (device_id, seq)
  ) STRICT;
  CREATE INDEX entry_by_arrival ON entry (checkpoint_id, position);
  CREATE INDEX entry_by_time ON entry (checkpoint_id, corrected_at, direction);

  CREATE TABLE presence (
    checkpoint_id TEXT NOT NULL REFERENCES checkpoint (id),
    person_tag TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    at INTEGER NOT NULL,
    PRIMARY KEY (checkpoint_id, person_tag)
  ) STRICT;
  CREATE INDEX presence_inside ON presence (checkpoint_id) WHERE direction = 'in';
  `,
  `
  CREATE TABLE seq_run (
    device_id TEXT NOT NULL REFERENCES device (id),
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL CHECK (to_seq >= from_seq),
    PRIMARY KEY (device_id, from_seq)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO seq_run (device_id, from_seq, to_seq)
    SELECT device_id, min(seq), max(seq)
    FROM (SELECT device_id, seq, seq - row_number() OVER (PARTITION BY device_id ORDER BY seq) AS run FROM entry)
    GROUP BY device_id, run;

  ALTER TABLE device ADD COLUMN heartbeat_at INTEGER;
  ALTER TABLE device ADD COLUMN heartbeat_by TEXT REFERENCES person (ref);
  ALTER TABLE device ADD COLUMN unsent INTEGER;
  ALTER TABLE device ADD COLUMN oldest_unsent_s REAL;
  ALTER TABLE device ADD COLUMN quarantined INTEGER;
  ALTER TABLE device ADD COLUMN last_seq INTEGER;
  ALTER TABLE device ADD COLUMN last_acknowledged_seq INTEGER;
  ALTER TABLE device ADD COLUMN journal_state TEXT;
  ALTER TABLE device ADD COLUMN disk_free_bytes INTEGER;
  ALTER TABLE device ADD COLUMN wal_bytes INTEGER;
  ALTER TABLE device ADD COLUMN fsync_p99_ms REAL;
  ALTER TABLE device ADD COLUMN app_version TEXT;
  ALTER TABLE device ADD COLUMN schema_version INTEGER;
  ALTER TABLE device ADD COLUMN clock_offset_ms INTEGER;
  ALTER TABLE device ADD COLUMN clock_state TEXT;
  ALTER TABLE device ADD COLUMN key_backend TEXT;
  ALTER TABLE device ADD COLUMN boot_id TEXT;
  `,
  `
  ALTER TABLE device ADD COLUMN owner_key INTEGER CHECK (owner_key IN (0, 1));
  `,
  `
  ALTER TABLE device ADD COLUMN id_conflicts INTEGER;
  `,

  // Sign-ins without a key of their own end here: an empty thumbprint is nobody's.
  `
  ALTER TABLE token_family ADD COLUMN jkt TEXT NOT NULL DEFAULT '';

  ALTER TABLE device ADD COLUMN public_key TEXT;
  ALTER TABLE device ADD COLUMN jkt TEXT;
  ALTER TABLE device ADD COLUMN revoked_at INTEGER;

  CREATE TABLE device_token (
    hash TEXT PRIMARY KEY,
    device_id TEXT NOT NULL REFERENCES device (id),
    jkt TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX device_token_by_end ON device_token (expires_at);

  CREATE TABLE key_alarm (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    jkt TEXT NOT NULL,
    PRIMARY KEY (subject, kind)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE access_record (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    checkpoint_id TEXT,
    objects TEXT NOT NULL,
    purpose TEXT,
    reason_sealed BLOB,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX access_record_of_place ON access_record (checkpoint_id, seq);
  CREATE TRIGGER access_record_stays BEFORE DELETE ON access_record
    BEGIN SELECT RAISE(ABORT, 'access records are never deleted'); END;
  CREATE TRIGGER access_record_unchanged BEFORE UPDATE ON access_record
    BEGIN SELECT RAISE(ABORT, 'access records are never changed'); END;
  CREATE TRIGGER access_record_at_end BEFORE INSERT ON access_record
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM access_record)
    BEGIN SELECT RAISE(ABORT, 'access records are added at the end'); END;

  ALTER TABLE staff_grant ADD COLUMN full_view INTEGER NOT NULL DEFAULT 0 CHECK (full_view IN (0, 1));
  ALTER TABLE staff_grant ADD COLUMN include_children INTEGER NOT NULL DEFAULT 0 CHECK (include_children IN (0, 1));
  ALTER TABLE staff_grant ADD COLUMN ends_at INTEGER;
  ALTER TABLE staff_grant ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

  `,
  `
  ALTER TABLE checkpoint ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE checkpoint ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
    CHECK (state IN ('active', 'suspended', 'closed', 'merged'));
  ALTER TABLE checkpoint ADD COLUMN state_since INTEGER;
  ALTER TABLE checkpoint ADD COLUMN successor_id TEXT REFERENCES checkpoint (id);
  ALTER TABLE checkpoint ADD COLUMN parent_id TEXT REFERENCES checkpoint (id);
  ALTER TABLE checkpoint ADD COLUMN part_type TEXT;
  ALTER TABLE checkpoint ADD COLUMN part_label TEXT;
  ALTER TABLE checkpoint ADD COLUMN inherits_address INTEGER NOT NULL DEFAULT 0 CHECK (inherits_address IN (0, 1));
  ALTER TABLE checkpoint ADD COLUMN inherits_retention INTEGER NOT NULL DEFAULT 0 CHECK (inherits_retention IN (0, 1));
  ALTER TABLE checkpoint ADD COLUMN record_when_expired INTEGER NOT NULL DEFAULT 1 CHECK (record_when_expired IN (0, 1));
  ALTER TABLE checkpoint ADD COLUMN rescan_s REAL NOT NULL DEFAULT 3;
  ALTER TABLE checkpoint ADD COLUMN late_scans TEXT NOT NULL DEFAULT 'hold'
    CHECK (late_scans IN ('hold', 'accept', 'refuse'));
  ALTER TABLE checkpoint ADD COLUMN legal_basis TEXT NOT NULL DEFAULT 'consent';
  ALTER TABLE checkpoint ADD COLUMN notice_version INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE checkpoint ADD COLUMN notice_vi TEXT;
  ALTER TABLE checkpoint ADD COLUMN notice_en TEXT;
  ALTER TABLE checkpoint ADD COLUMN code_number INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE checkpoint ADD COLUMN code_issued_at INTEGER;
  ALTER TABLE checkpoint ADD COLUMN kind_decision TEXT;
  ALTER TABLE checkpoint ADD COLUMN kind_reference TEXT;
  ALTER TABLE checkpoint ADD COLUMN kind_decided_at INTEGER;
  CREATE INDEX checkpoint_in_commune ON checkpoint (commune_code);
  CREATE INDEX checkpoint_by_parent ON checkpoint (parent_id) WHERE parent_id IS NOT NULL;
  CREATE INDEX checkpoint_by_successor ON checkpoint (successor_id) WHERE successor_id IS NOT NULL;
  `,
  `
  ALTER TABLE entry ADD COLUMN review TEXT CHECK (review IN ('held', 'accepted', 'discarded'));
  ALTER TABLE entry ADD COLUMN late_because TEXT CHECK (late_because IN ('staff', 'device'));
  CREATE INDEX entry_held ON entry (checkpoint_id, position) WHERE review = 'held';
  CREATE INDEX entry_of_person ON entry (person_tag);

  CREATE TABLE entry_identity (
    tag TEXT NOT NULL,
    entry_id TEXT NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, entry_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX entry_identity_of_entry ON entry_identity (entry_id);

  CREATE TABLE gone_entry (
    id TEXT PRIMARY KEY,
    device_id TEXT NOT NULL REFERENCES device (id),
    seq INTEGER NOT NULL,
    UNIQUE (device_id, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE erased_identity (
    tag TEXT NOT NULL,
    checkpoint_id TEXT NOT NULL,
    erased_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (tag, checkpoint_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE subject_request (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('access', 'export', 'correct', 'erase')),
    state TEXT NOT NULL CHECK (state IN ('received', 'acknowledged', 'done', 'refused')),
    made_by TEXT NOT NULL,
    places TEXT,
    subject_sealed BLOB,
    reason_sealed BLOB NOT NULL,
    content_tag TEXT NOT NULL,
    found INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    acknowledge_by INTEGER NOT NULL,
    due_by INTEGER NOT NULL,
    acknowledged_at INTEGER,
    done_at INTEGER
  ) STRICT;
  CREATE INDEX subject_request_of_person ON subject_request (made_by, received_at);

  CREATE TABLE official_grant (
    id TEXT PRIMARY KEY,
    person_ref TEXT NOT NULL REFERENCES person (ref),
    "right" TEXT NOT NULL CHECK ("right" IN ('counts', 'health')),
    unit_codes TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    ended_at INTEGER
  ) STRICT;
  CREATE INDEX official_grant_of_person ON official_grant (person_ref);
  `,
  `
  ALTER TABLE entry ADD COLUMN notice_version INTEGER;
  `,
  `
  ALTER TABLE otp_challenge ADD COLUMN address_tag TEXT;
  ALTER TABLE otp_challenge ADD COLUMN prefix_tag TEXT;
  CREATE INDEX otp_challenge_of_address ON otp_challenge (address_tag, created_at);
  CREATE INDEX otp_challenge_of_prefix ON otp_challenge (prefix_tag, created_at);
  `,
  `
  ALTER TABLE device ADD COLUMN checkpoint_id TEXT REFERENCES checkpoint (id);
  ALTER TABLE device ADD COLUMN name TEXT NOT NULL DEFAULT '';
  ALTER TABLE device ADD COLUMN model TEXT NOT NULL DEFAULT '';
  ALTER TABLE device ADD COLUMN os TEXT NOT NULL DEFAULT '';
  ALTER TABLE device ADD COLUMN enrolled_at INTEGER;
  ALTER TABLE device ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE device ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE device ADD COLUMN readers TEXT NOT NULL DEFAULT '[]';
  CREATE INDEX device_of_checkpoint ON device (checkpoint_id) WHERE checkpoint_id IS NOT NULL;

  CREATE TABLE device_stay (
    device_id TEXT NOT NULL REFERENCES device (id),
    checkpoint_id TEXT NOT NULL REFERENCES checkpoint (id),
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    PRIMARY KEY (device_id, valid_from)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE device_request (
    device_code_tag TEXT PRIMARY KEY,
    user_code_tag TEXT NOT NULL UNIQUE,
    device_id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    jkt TEXT NOT NULL,
    model TEXT NOT NULL,
    os TEXT NOT NULL,
    app_version TEXT NOT NULL,
    invited_to TEXT REFERENCES checkpoint (id),
    requested_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    interval_ms INTEGER NOT NULL,
    polled_at INTEGER,
    decision TEXT CHECK (decision IN ('approved', 'denied'))
  ) STRICT;
  CREATE INDEX device_request_by_end ON device_request (expires_at);

  CREATE TABLE device_invitation (
    secret_tag TEXT PRIMARY KEY,
    checkpoint_id TEXT NOT NULL REFERENCES checkpoint (id),
    created_by TEXT NOT NULL REFERENCES person (ref),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    used_by TEXT
  ) STRICT;
  CREATE INDEX device_invitation_by_end ON device_invitation (expires_at);
  `,
];
