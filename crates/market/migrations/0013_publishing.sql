-- What a publisher does with what it published: findings by rule, support tickets, withdrawals, downloads.

-- The rule or criterion that a message is of.
ALTER TABLE messages ADD COLUMN rule TEXT;

-- A request for help with a step. `automatic` is 1 for the one that an overdue step opens by itself.
CREATE TABLE tickets (
  id TEXT NOT NULL PRIMARY KEY,
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  submission TEXT NOT NULL REFERENCES submissions (id),
  step TEXT NOT NULL,
  state TEXT NOT NULL,
  author TEXT NOT NULL,
  automatic BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  changed_ms BIGINT NOT NULL
);
CREATE INDEX tickets_by_submission ON tickets (submission);
CREATE INDEX tickets_by_publisher ON tickets (publisher, changed_ms);
CREATE UNIQUE INDEX tickets_overdue ON tickets (submission, step) WHERE automatic = 1;

CREATE TABLE ticket_messages (
  id TEXT NOT NULL PRIMARY KEY,
  ticket TEXT NOT NULL REFERENCES tickets (id),
  author TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  message TEXT NOT NULL
);
CREATE INDEX ticket_messages_by_ticket ON ticket_messages (ticket, at_ms);

-- Steps that may become overdue: few, while those that ended are many.
CREATE INDEX steps_open ON steps (step, started_ms) WHERE status IN ('InProgress', 'Blocked', 'WaitingForApproval');

-- Offers and plans that are not sold any more. `plan` is empty for the offer as a whole.
CREATE TABLE withdrawals (
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  plan TEXT NOT NULL,
  since_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,
  PRIMARY KEY (publisher, offer, plan)
);

-- Downloads of an image, by day (days since 1970-01-01, UTC) and what it is.
CREATE TABLE downloads (
  day BIGINT NOT NULL,
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  plan TEXT NOT NULL,
  tag TEXT NOT NULL,
  platform TEXT NOT NULL,
  region TEXT NOT NULL,
  downloads BIGINT NOT NULL,
  PRIMARY KEY (publisher, offer, day, plan, tag, platform, region)
);
CREATE INDEX downloads_by_day ON downloads (day, region);
