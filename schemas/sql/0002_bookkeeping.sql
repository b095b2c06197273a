-- What has landed, what could not, what waits and what is still to be told: everything a batch commits besides its rows.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE tradetape.database_id (
  database_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT now(),
  only_one boolean NOT NULL DEFAULT true UNIQUE CHECK (only_one)
);
INSERT INTO tradetape.database_id DEFAULT VALUES;
COMMENT ON TABLE tradetape.database_id IS 'Names this database in consumer group ids and receipts, so that two databases never share a group.';

CREATE TABLE tradetape.migration (
  number integer PRIMARY KEY,
  name text NOT NULL,
  sha256 text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row per partition. Locking it is the fence against a stale owner; next_offset is the only truth of what has landed.
CREATE TABLE tradetape.landed_offset (
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL CHECK (next_offset >= 0),
  origin bigint NOT NULL,
  cluster_id text,
  last_offset bigint,
  last_digest bytea,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition)
);
COMMENT ON COLUMN tradetape.landed_offset.origin IS 'The log start when this partition first landed here: what was before it is no loss of ours.';
COMMENT ON COLUMN tradetape.landed_offset.last_digest IS 'SHA-256 of key and value of the record at last_offset: another record there is another history.';

-- The ledger. next_offset - first_offset = read + holes + lost; read = written + duplicate + replaced + dead + parked + filtered.
CREATE TABLE tradetape.landed_batch (
  topic text NOT NULL,
  partition integer NOT NULL,
  seq bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('batch', 'release', 'accepted_loss', 'removed')),
  first_offset bigint NOT NULL,
  next_offset bigint NOT NULL,
  holes bigint NOT NULL DEFAULT 0,
  lost bigint NOT NULL DEFAULT 0,
  read bigint NOT NULL DEFAULT 0,
  written bigint NOT NULL DEFAULT 0,
  duplicate bigint NOT NULL DEFAULT 0,
  replaced bigint NOT NULL DEFAULT 0,
  dead bigint NOT NULL DEFAULT 0,
  parked bigint NOT NULL DEFAULT 0,
  filtered bigint NOT NULL DEFAULT 0,
  removed bigint NOT NULL DEFAULT 0,
  detail jsonb,
  landed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition, seq),
  CONSTRAINT landed_batch_covers CHECK (next_offset - first_offset = read + holes + lost),
  CONSTRAINT landed_batch_accounts CHECK (read = written + duplicate + replaced + dead + parked + filtered)
);

CREATE TABLE tradetape.dead_letter (
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  column_name text,
  sqlstate text,
  key bytea,
  value bytea,
  headers jsonb NOT NULL,
  published_at timestamptz NOT NULL,
  dead_at timestamptz NOT NULL DEFAULT now(),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'redriven', 'discarded')),
  attempts integer NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX dead_letter_reason ON tradetape.dead_letter (reason, topic, dead_at);

CREATE TABLE tradetape.parked_event (
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  event_id uuid NOT NULL,
  missing jsonb NOT NULL,
  key bytea,
  value bytea NOT NULL,
  headers jsonb NOT NULL,
  published_at timestamptz NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX parked_event_id ON tradetape.parked_event (topic, event_id);
COMMENT ON COLUMN tradetape.parked_event.missing IS 'The parents that had not landed, as {"column": "id"}.';

-- What a committed batch still has to publish, byte for byte. Deleted when the broker has acknowledged it.
CREATE TABLE tradetape.outbox (
  outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source_topic text NOT NULL,
  source_partition integer NOT NULL,
  topic text NOT NULL,
  key bytea,
  value bytea,
  headers jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_source ON tradetape.outbox (source_topic, source_partition, outbox_id);

GRANT USAGE ON SCHEMA tradetape TO tradetape_lander, tradetape_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA tradetape TO tradetape_lander, tradetape_reader;
GRANT INSERT, UPDATE ON tradetape.landed_offset TO tradetape_lander;
GRANT INSERT ON tradetape.landed_batch, tradetape.dead_letter TO tradetape_lander;
GRANT INSERT, DELETE ON tradetape.parked_event, tradetape.outbox TO tradetape_lander;
