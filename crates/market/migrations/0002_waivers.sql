-- Findings that a certifier accepts, beside those of the policy file. A scope that is NULL holds for all; `until` is the
-- last day, as in ISO 8601.
CREATE TABLE waivers (
  id TEXT NOT NULL PRIMARY KEY,
  criterion TEXT NOT NULL,
  image TEXT,
  publisher TEXT,
  offer TEXT,
  plan TEXT,
  place TEXT,
  reason TEXT NOT NULL,
  until TEXT NOT NULL,
  accepted_by TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
