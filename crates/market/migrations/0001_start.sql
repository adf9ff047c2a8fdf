-- One text for SQLite and PostgreSQL (rules in ARCHITECTURE.md): BIGINT, TEXT and BYTEA only; instants are epoch
-- milliseconds; yes and no are 1 and 0; ids are UUIDs of version 7, so that they sort by the instant of their making.

CREATE TABLE publishers (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE subscriptions (
  id TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE tokens (
  hash TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  subject TEXT NOT NULL,
  label TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  revoked_ms BIGINT
);

-- What an owner of a draft edits. `version` is the ETag; `live` names the submission that is live.
CREATE TABLE offers (
  publisher TEXT NOT NULL REFERENCES publishers (id),
  offer TEXT NOT NULL,
  bundle TEXT NOT NULL,
  version BIGINT NOT NULL,
  live TEXT,
  created_ms BIGINT NOT NULL,
  changed_ms BIGINT NOT NULL,
  PRIMARY KEY (publisher, offer)
);

-- Sealed values of the environment variables that an offer names for its repositories.
CREATE TABLE credentials (
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  changed_ms BIGINT NOT NULL,
  PRIMARY KEY (publisher, offer, name)
);

CREATE TABLE submissions (
  id TEXT NOT NULL PRIMARY KEY,
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  number BIGINT NOT NULL,
  bundle TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  notify TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  finished_ms BIGINT,
  UNIQUE (publisher, offer, number)
);
CREATE UNIQUE INDEX submissions_in_flight ON submissions (publisher, offer)
  WHERE state IN ('NotStarted', 'Running', 'WaitingForPublisherReview');

CREATE TABLE steps (
  submission TEXT NOT NULL REFERENCES submissions (id),
  step TEXT NOT NULL,
  status TEXT NOT NULL,
  progress BIGINT NOT NULL,
  started_ms BIGINT,
  finished_ms BIGINT,
  PRIMARY KEY (submission, step)
);

CREATE TABLE messages (
  id TEXT NOT NULL PRIMARY KEY,
  submission TEXT NOT NULL REFERENCES submissions (id),
  step TEXT NOT NULL,
  level TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  message TEXT NOT NULL,
  hint TEXT,
  place TEXT
);
CREATE INDEX messages_by_submission ON messages (submission, id);

-- Tags of a submission's plans, resolved once in step 1.
CREATE TABLE submission_tags (
  submission TEXT NOT NULL REFERENCES submissions (id),
  plan TEXT NOT NULL,
  tag TEXT NOT NULL,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size BIGINT NOT NULL,
  PRIMARY KEY (submission, plan, tag)
);

-- Certification reports and SBOMs, by digest in the blob store. `subject` is the image manifest that an SBOM is of.
CREATE TABLE documents (
  submission TEXT NOT NULL REFERENCES submissions (id),
  plan TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  platform TEXT NOT NULL,
  digest TEXT NOT NULL,
  size BIGINT NOT NULL,
  PRIMARY KEY (submission, plan, kind, subject)
);

-- Tags that were ever live: a version tag's digest never changes.
CREATE TABLE live_tags (
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  plan TEXT NOT NULL,
  tag TEXT NOT NULL,
  digest TEXT NOT NULL,
  submission TEXT NOT NULL,
  since_ms BIGINT NOT NULL,
  PRIMARY KEY (publisher, offer, plan, tag)
);

CREATE TABLE listings (
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  identifier TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  summary TEXT NOT NULL,
  categories TEXT NOT NULL,
  submission TEXT NOT NULL,
  live_ms BIGINT NOT NULL,
  PRIMARY KEY (publisher, offer)
);

CREATE TABLE preview_grants (
  submission TEXT NOT NULL REFERENCES submissions (id),
  repository TEXT NOT NULL,
  subscription TEXT NOT NULL,
  PRIMARY KEY (repository, subscription, submission)
);

-- Subscriptions that alone may pull a private plan; a repository without a row is open to everybody.
CREATE TABLE plan_audience (
  repository TEXT NOT NULL,
  subscription TEXT NOT NULL,
  PRIMARY KEY (repository, subscription)
);

-- The registry: which content a repository holds. The bytes lie in the blob store, once.
CREATE TABLE repository_blobs (
  repository TEXT NOT NULL,
  digest TEXT NOT NULL,
  size BIGINT NOT NULL,
  PRIMARY KEY (repository, digest)
);

CREATE TABLE repository_manifests (
  repository TEXT NOT NULL,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size BIGINT NOT NULL,
  subject TEXT,
  artifact_type TEXT,
  annotations TEXT NOT NULL,
  PRIMARY KEY (repository, digest)
);
CREATE INDEX repository_referrers ON repository_manifests (repository, subject);

CREATE TABLE repository_tags (
  repository TEXT NOT NULL,
  tag TEXT NOT NULL,
  digest TEXT NOT NULL,
  moved_ms BIGINT NOT NULL,
  PRIMARY KEY (repository, tag)
);

CREATE TABLE regions (
  name TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  url TEXT NOT NULL,
  required BIGINT NOT NULL,
  username TEXT,
  sealed BYTEA,
  created_ms BIGINT NOT NULL
);

CREATE TABLE submission_regions (
  submission TEXT NOT NULL REFERENCES submissions (id),
  region TEXT NOT NULL,
  required BIGINT NOT NULL,
  state TEXT NOT NULL,
  message TEXT,
  changed_ms BIGINT NOT NULL,
  PRIMARY KEY (submission, region)
);

CREATE TABLE leads (
  id TEXT NOT NULL PRIMARY KEY,
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  submission TEXT,
  test BIGINT NOT NULL,
  sealed_destination BYTEA NOT NULL,
  body TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  last_error TEXT,
  created_ms BIGINT NOT NULL,
  delivered_ms BIGINT
);
CREATE UNIQUE INDEX leads_one_test ON leads (submission) WHERE test = 1;

CREATE TABLE history (
  id TEXT NOT NULL PRIMARY KEY,
  at_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,
  publisher TEXT,
  offer TEXT,
  submission TEXT,
  action TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX history_by_offer ON history (publisher, offer, id);

-- Work to do, leased to one worker at a time (see src/tasks.rs).
CREATE TABLE tasks (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  subject TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  attempts_max BIGINT NOT NULL,
  lost BIGINT NOT NULL,
  run_at_ms BIGINT NOT NULL,
  lease_token TEXT,
  lease_until_ms BIGINT,
  cancel_requested BIGINT NOT NULL,
  last_error TEXT,
  created_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX tasks_active ON tasks (kind, key) WHERE state IN ('queued', 'running');
CREATE INDEX tasks_due ON tasks (kind, state, run_at_ms);
CREATE INDEX tasks_by_subject ON tasks (subject);
