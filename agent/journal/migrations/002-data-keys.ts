/** Data keys: each row says which one sealed it; null is a row of schema 1, sealed by the station key itself. */
export const dataKeys = `
CREATE TABLE data_key (
  id TEXT PRIMARY KEY,
  made_at INTEGER NOT NULL,
  device_key TEXT NOT NULL,
  device_wrap BLOB NOT NULL,
  owner_key TEXT,
  owner_wrap BLOB,
  tag BLOB NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE entry ADD COLUMN data_key TEXT;
`;
