/**
 * Upkeep: how long a delivered row has lain here by the station's own running time, what remains of erased rows, and
 * which numbers name no row. `seen_age_ms` and `stored_age_ms` count running time, because no wall clock may erase.
 */
export const upkeep = `
ALTER TABLE entry ADD COLUMN stored_age_ms INTEGER;
UPDATE entry SET stored_age_ms = 0 WHERE state IN (1, 3);
CREATE INDEX entry_delivered ON entry (stored_age_ms) WHERE stored_age_ms IS NOT NULL;
ALTER TABLE presence ADD COLUMN seen_age_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX presence_seen ON presence (seen_age_ms);
CREATE TABLE erased (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  mark BLOB NOT NULL
) STRICT;
CREATE TABLE hole (
  first INTEGER PRIMARY KEY,
  last INTEGER NOT NULL,
  why TEXT NOT NULL CHECK (why IN ('never-given', 'lost', 'carrying'))
) STRICT;
`;
