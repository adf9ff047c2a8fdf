-- Which repositories hold a blob: where a client may mount it from, and what nobody holds any more.
CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest, repository);
