-- The logins of one database, each with what it needs and no more: docs/security.md says what each can do with it.
-- Run it as a superuser, in the database, before its first `tradetape migrate` or at any time after; again changes nothing.
-- Then give each login a password (psql: \password tape_lander) or a certificate; without one it can't log in.
-- Roles and logins belong to the whole cluster: with a second tradetape database on it, each login would serve both. Give
-- every environment a cluster of its own.
DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['tradetape_owner', 'tradetape_lander', 'tradetape_reader', 'tradetape_ops'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
    END IF;
  END LOOP;
  FOREACH role_name IN ARRAY ARRAY['tape_migrator', 'tape_lander', 'tape_reader', 'tape_ops'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE', role_name);
    END IF;
  END LOOP;
  -- Who isn't named here can't even connect, so takes no lock and reads no catalog.
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  -- `migrate` makes a schema, and lets the other roles into `public`, as the owner of the database alone may.
  EXECUTE format('ALTER DATABASE %I OWNER TO tape_migrator', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO tradetape_lander, tradetape_reader, tradetape_ops', current_database());
END
$$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- migrate, and what owns the tables does: partitions drop and retain, sessions delete, rewind, replay.
GRANT tradetape_owner, tradetape_lander, tradetape_reader, tradetape_ops TO tape_migrator;
-- consume.
GRANT tradetape_lander TO tape_lander;
-- status, verify, audit, trace, desk, score, and the lists of letters, parked events, sessions and days.
GRANT tradetape_reader TO tape_reader;
-- dead-letters redrive, discard, set-aside, skip-schema, and the lists that say which.
GRANT tradetape_ops, tradetape_reader TO tape_ops;
