-- The app's own tables, as they were before crm-core.
CREATE TABLE deals (
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  stage TEXT NOT NULL DEFAULT 'lead',
  status TEXT NOT NULL DEFAULT 'open',
  value TEXT,
  owner TEXT,
  lock_version INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE deal_moves (
  deal_id INTEGER NOT NULL REFERENCES deals (id),
  stage TEXT NOT NULL,
  kind TEXT NOT NULL,
  entered_at TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  actor TEXT
);
CREATE TABLE outbox (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, event TEXT NOT NULL);
