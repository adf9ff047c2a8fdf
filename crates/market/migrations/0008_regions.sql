-- Regions: what limits a transfer, what is missing there, and uploads that can be gone on with.
ALTER TABLE regions ADD COLUMN transfers BIGINT NOT NULL DEFAULT 3;
ALTER TABLE regions ADD COLUMN bytes_per_second BIGINT;
-- One window per line; empty for always.
ALTER TABLE regions ADD COLUMN windows TEXT NOT NULL DEFAULT '';
ALTER TABLE regions ADD COLUMN utc_offset_minutes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE regions ADD COLUMN paused_ms BIGINT;
ALTER TABLE regions ADD COLUMN sent_bytes BIGINT NOT NULL DEFAULT 0;

-- Counted when a region is first filled; `missing_bytes` is what it did not answer for yet.
ALTER TABLE submission_regions ADD COLUMN since_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE submission_regions ADD COLUMN digests BIGINT;
ALTER TABLE submission_regions ADD COLUMN bytes BIGINT;
ALTER TABLE submission_regions ADD COLUMN missing_bytes BIGINT;
UPDATE submission_regions SET since_ms = changed_ms;

-- Where an upload to a region stands, by what the region said.
CREATE TABLE region_uploads (
  region TEXT NOT NULL,
  repository TEXT NOT NULL,
  digest TEXT NOT NULL,
  location TEXT NOT NULL,
  sent BIGINT NOT NULL,
  changed_ms BIGINT NOT NULL,
  PRIMARY KEY (region, repository, digest)
);

-- A region may be away for as long as it is one: a year of attempts, as for new tasks.
UPDATE tasks SET attempts_max = 105000 WHERE kind IN ('replicate', 'move-tags');
