-- Content that no record has needed since `since_ms`: a garbage collection writes it down and removes what is still here
-- after the grace period; whoever relies on it in between takes it off. `kind` is tag, manifest or blob of a repository, or
-- bytes in the blob store (with an empty repository); `name` is a tag or a digest.
CREATE TABLE unneeded (
  repository TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  since_ms BIGINT NOT NULL,
  PRIMARY KEY (repository, kind, name)
);
CREATE INDEX unneeded_by_name ON unneeded (name);
-- Whether any record names a digest.
CREATE INDEX repository_manifests_by_digest ON repository_manifests (digest);
CREATE INDEX documents_by_digest ON documents (digest);
CREATE INDEX campaign_reports_by_digest ON campaign_reports (digest);
