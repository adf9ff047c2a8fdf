-- What the storefront finds and filters by beside title and categories, as JSON; empty where it was not gathered yet.
ALTER TABLE listings ADD COLUMN facts TEXT NOT NULL DEFAULT '';
-- Counts up with each change of any listing, so that what is in memory is brought up to date by what changed alone.
ALTER TABLE listings ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX listings_by_change ON listings (changed);
