-- What people do with dead letters: publish them again or give them up. A letter is never deleted; its state says what
-- became of it, and who said so stands beside it and, from the same transaction, in the audit trail.
DO $$
DECLARE
  role_name text := 'tradetape_ops';
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END IF;
  IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
     AND NOT pg_catalog.pg_has_role(current_user, role_name, 'USAGE') THEN
    EXECUTE format('GRANT %I TO %I', role_name, current_user);
  END IF;
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role_name);
END
$$;
GRANT USAGE ON SCHEMA public TO tradetape_ops;
SET LOCAL ROLE tradetape_owner;

ALTER TABLE tradetape.dead_letter
  ADD COLUMN acted_at timestamptz,
  ADD COLUMN acted_by text,
  ADD COLUMN note text,
  ADD COLUMN redriven_offset bigint;
COMMENT ON COLUMN tradetape.dead_letter.attempts IS 'How often the event has been redriven, over all of its letters.';
COMMENT ON COLUMN tradetape.dead_letter.note IS 'Why it was discarded.';
COMMENT ON COLUMN tradetape.dead_letter.redriven_offset IS 'Where in the same partition the event was published again.';

-- Letters stay for ever; those that wait for somebody are few.
CREATE INDEX dead_letter_open ON tradetape.dead_letter (topic, partition, "offset") WHERE state = 'open';

-- No DELETE, neither of letters nor of the outbox: whoever acts on letters can't leave the audit trail out.
GRANT USAGE ON SCHEMA tradetape TO tradetape_ops;
GRANT SELECT ON ALL TABLES IN SCHEMA tradetape TO tradetape_ops;
GRANT UPDATE (state, attempts, acted_at, acted_by, note, redriven_offset) ON tradetape.dead_letter TO tradetape_ops;
GRANT INSERT ON tradetape.outbox TO tradetape_ops;
