-- Recertification: campaigns, what each says of each offer, and until when an offer that failed must be mended.
CREATE TABLE campaigns (
  id TEXT NOT NULL PRIMARY KEY,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  -- JSON array of publishers and `publisher.offer`; empty for every live offer.
  scope TEXT NOT NULL,
  hide_ms BIGINT NOT NULL,
  -- Somebody gave the date, so that it replaces an earlier one.
  dated BIGINT NOT NULL,
  dry_run BIGINT NOT NULL,
  state TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  finished_ms BIGINT
);

CREATE TABLE campaign_offers (
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  -- The live submission that was judged.
  submission TEXT,
  state TEXT NOT NULL,
  message TEXT,
  changed_ms BIGINT NOT NULL,
  PRIMARY KEY (campaign, publisher, offer)
);
CREATE INDEX campaign_offers_by_submission ON campaign_offers (submission);

-- Reports by digest in the blob store, beside those of the submission.
CREATE TABLE campaign_reports (
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  plan TEXT NOT NULL,
  subject TEXT NOT NULL,
  digest TEXT NOT NULL,
  size BIGINT NOT NULL,
  PRIMARY KEY (campaign, publisher, offer, plan)
);

-- Offers that failed and were not mended yet; hidden from the catalogue from `hide_ms` on. `hidden_ms`: it was told.
CREATE TABLE deadlines (
  publisher TEXT NOT NULL,
  offer TEXT NOT NULL,
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  hide_ms BIGINT NOT NULL,
  hidden_ms BIGINT,
  PRIMARY KEY (publisher, offer)
);
