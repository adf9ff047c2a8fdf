-- Who acquired which plan, when, and which version of the terms was accepted. A removed acquisition stays, so that it can
-- be brought back; of each subscription and plan one is in force.
CREATE TABLE acquisitions (
  id TEXT NOT NULL PRIMARY KEY,
  subscription TEXT NOT NULL,
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  plan TEXT NOT NULL,
  submission TEXT NOT NULL,
  version TEXT NOT NULL,
  terms TEXT NOT NULL,
  terms_digest TEXT NOT NULL,
  actor TEXT NOT NULL,
  acquired_ms BIGINT NOT NULL,
  removed_ms BIGINT
);
CREATE UNIQUE INDEX acquisitions_in_force ON acquisitions (subscription, publisher, offer, plan) WHERE removed_ms IS NULL;
CREATE INDEX acquisitions_by_offer ON acquisitions (publisher, offer, acquired_ms);

-- Deployments never change. Values of placeholders stand in the files, which are sealed therefore.
CREATE TABLE deployments (
  id TEXT NOT NULL PRIMARY KEY,
  subscription TEXT NOT NULL,
  form TEXT NOT NULL,
  follows BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  actor TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
CREATE INDEX deployments_by_subscription ON deployments (subscription, id);

CREATE TABLE deployment_modules (
  deployment TEXT NOT NULL REFERENCES deployments (id),
  position BIGINT NOT NULL,
  module TEXT NOT NULL,
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  plan TEXT NOT NULL,
  submission TEXT NOT NULL,
  version TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (deployment, position)
);
CREATE INDEX deployment_modules_by_plan ON deployment_modules (publisher, offer, plan);
