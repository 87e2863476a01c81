/** First schema: entries, where people stand, and small facts of this machine. */
export const entries = `
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  schema INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  mono_ms INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,
  clock_state TEXT NOT NULL,
  checkpoint_id TEXT NOT NULL,
  staff_ref TEXT,
  reader_id TEXT NOT NULL,
  reader_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
  marks TEXT NOT NULL,
  person_tag BLOB NOT NULL,
  body BLOB NOT NULL,
  state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
  state_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_code TEXT
) STRICT;
CREATE INDEX entry_unsent ON entry (seq) WHERE state = 0;
CREATE INDEX entry_quarantined ON entry (seq) WHERE state = 2;
CREATE TABLE presence (
  person_tag BLOB PRIMARY KEY,
  inside INTEGER NOT NULL CHECK (inside IN (0, 1)),
  since_ms INTEGER NOT NULL,
  last_seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX presence_inside ON presence (last_seen_ms) WHERE inside = 1;
CREATE TABLE fact (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;
