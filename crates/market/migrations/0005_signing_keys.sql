-- Public halves of the keys that signed here. Private ones are never in the database: the active one is a file, and a
-- retired one is gone.
CREATE TABLE signing_keys (
  id TEXT PRIMARY KEY,
  public_key TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  retired_ms BIGINT
);
