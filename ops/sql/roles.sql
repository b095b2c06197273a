-- The logins of one database, each with what it needs and no more: docs/security.md says what each can do with it.
-- Run it as a superuser, in the database, before its first `tradetape migrate` or at any time after; again changes nothing.
-- Then give each login a password (psql: \password tape_lander) or a certificate; without one it can't log in.
-- Roles and logins belong to the whole cluster: with a second tradetape database on it, each would serve both. So that they
-- don't, give every database a prefix: where tradetape has TRADETAPE_ROLE_PREFIX=paper_, run this with
-- PGOPTIONS='-c tradetape.role_prefix=paper_', and all names here begin with it, as paper_tape_lander.
DO $$
DECLARE
  prefix text := coalesce(current_setting('tradetape.role_prefix', true), '');
  role_name text;
  given record;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['tradetape_owner', 'tradetape_lander', 'tradetape_reader', 'tradetape_ops'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = prefix || role_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', prefix || role_name);
    END IF;
  END LOOP;
  FOREACH role_name IN ARRAY ARRAY['tape_migrator', 'tape_lander', 'tape_reader', 'tape_ops'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = prefix || role_name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE', prefix || role_name);
    END IF;
  END LOOP;
  -- Who isn't named here can't even connect, so takes no lock and reads no catalog.
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  -- `migrate` makes a schema, and lets the other roles into `public`, as the owner of the database alone may.
  EXECUTE format('ALTER DATABASE %I OWNER TO %I', current_database(), prefix || 'tape_migrator');
  FOREACH role_name IN ARRAY ARRAY['tradetape_lander', 'tradetape_reader', 'tradetape_ops'] LOOP
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), prefix || role_name);
  END LOOP;
  FOR given IN SELECT * FROM (VALUES
    -- migrate, and what owns the tables does: partitions drop and retain, sessions delete, rewind, replay.
    ('tradetape_owner', 'tape_migrator'), ('tradetape_lander', 'tape_migrator'), ('tradetape_reader', 'tape_migrator'),
    ('tradetape_ops', 'tape_migrator'),
    -- consume.
    ('tradetape_lander', 'tape_lander'),
    -- status, verify, audit, trace, desk, score, and the lists of letters, parked events, sessions and days.
    ('tradetape_reader', 'tape_reader'),
    -- dead-letters redrive, discard, set-aside, skip-schema, and the lists that say which.
    ('tradetape_ops', 'tape_ops'), ('tradetape_reader', 'tape_ops')) AS one (of, login) LOOP
    EXECUTE format('GRANT %I TO %I', prefix || given.of, prefix || given.login);
  END LOOP;
END
$$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
