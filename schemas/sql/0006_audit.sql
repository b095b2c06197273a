-- The audit trail: a hash chain in the order of the audit topic's single partition. The landing role may only add to it.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE public.audit_log (
  log_id uuid PRIMARY KEY,
  "timestamp" timestamptz NOT NULL,
  event_type text NOT NULL,
  actor text NOT NULL,
  payload jsonb NOT NULL,
  success boolean NOT NULL,
  backtest_session_id uuid,
  correlation_id text,
  source_topic text,
  source_partition integer,
  source_offset bigint,
  seq bigint NOT NULL UNIQUE,
  prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE INDEX audit_log_time ON public.audit_log ("timestamp");
CREATE INDEX audit_log_source ON public.audit_log (source_topic, source_partition, source_offset);

GRANT SELECT ON public.audit_log TO tradetape_lander, tradetape_reader;
GRANT INSERT ON public.audit_log TO tradetape_lander;
