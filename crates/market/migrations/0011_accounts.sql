-- People who sign in by name and password. A name stays taken for ever, so that the history never speaks of two people by
-- one name: of an account that was removed the name alone is left.
CREATE TABLE accounts (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  -- Argon2id in the PHC string format; empty for an account that was removed.
  password TEXT NOT NULL,
  operator BIGINT NOT NULL,
  -- Empty: as the browser asks.
  language TEXT NOT NULL,
  theme TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  disabled_ms BIGINT,
  removed_ms BIGINT
);

-- Who acts for a publisher, as `owner` or `editor`.
CREATE TABLE members (
  publisher TEXT NOT NULL REFERENCES publishers (id),
  account TEXT NOT NULL REFERENCES accounts (id),
  role TEXT NOT NULL,
  since_ms BIGINT NOT NULL,
  PRIMARY KEY (publisher, account)
);
CREATE INDEX members_by_account ON members (account);

-- Who acquires for a subscription.
CREATE TABLE holders (
  subscription TEXT NOT NULL REFERENCES subscriptions (id),
  account TEXT NOT NULL REFERENCES accounts (id),
  PRIMARY KEY (subscription, account)
);
CREATE INDEX holders_by_account ON holders (account);

CREATE TABLE sessions (
  hash TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL REFERENCES accounts (id),
  browser TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  seen_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);

-- Links that are good once. What was used, withdrawn or replaced has no row.
CREATE TABLE invitations (
  id TEXT NOT NULL PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  subject TEXT NOT NULL,
  actor TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
);

-- Whose token it is: it is good for as long as that account has the token's role. Null for the marketplace's own.
ALTER TABLE tokens ADD COLUMN account TEXT;
CREATE INDEX tokens_by_account ON tokens (account);
