-- Air gap: what was exported, what was imported and from where, and whose exports are taken.
CREATE TABLE trusted_keys (
  id TEXT NOT NULL PRIMARY KEY,
  public_key TEXT NOT NULL,
  label TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

-- `root` and `statement` are digests in the blob store.
CREATE TABLE exports (
  id TEXT NOT NULL PRIMARY KEY,
  base TEXT,
  root TEXT NOT NULL,
  statement TEXT NOT NULL,
  offers BIGINT NOT NULL,
  withdrawn BIGINT NOT NULL,
  blobs BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  actor TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

-- Identified by the export. `finished_ms` is empty while its content is received.
CREATE TABLE imports (
  id TEXT NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,
  signing_key TEXT NOT NULL,
  base TEXT,
  root TEXT NOT NULL,
  statement TEXT NOT NULL,
  exported_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  finished_ms BIGINT
);

-- The content that an import in progress takes.
CREATE TABLE import_content (
  import TEXT NOT NULL REFERENCES imports (id),
  digest TEXT NOT NULL,
  size BIGINT NOT NULL,
  PRIMARY KEY (import, digest)
);

-- Offers that came by import: `submission` is the row that stands for them here. `withdrawn_ms`: a later export said that
-- its marketplace does not offer them any more.
CREATE TABLE imported_offers (
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  import TEXT NOT NULL REFERENCES imports (id),
  submission TEXT NOT NULL,
  withdrawn_ms BIGINT,
  PRIMARY KEY (publisher, offer)
);
