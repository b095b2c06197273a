-- Three roles without login. A login user is granted one of them; landing connections switch to tradetape_lander, so
-- that even a superuser's consumer can't rewrite the audit trail. Roles belong to the whole cluster: a second database
-- on it, or a second migration at the same moment, finds them there.
DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['tradetape_owner', 'tradetape_lander', 'tradetape_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    -- A superuser may switch to any role; granting it membership would only make two migrations on one cluster collide.
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
       AND NOT pg_catalog.pg_has_role(current_user, role_name, 'USAGE') THEN
      EXECUTE format('GRANT %I TO %I', role_name, current_user);
    END IF;
  END LOOP;
  EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO tradetape_owner', current_database());
  EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO tradetape_lander', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO tradetape_reader', current_database());
END
$$;
GRANT USAGE, CREATE ON SCHEMA public TO tradetape_owner;
GRANT USAGE ON SCHEMA public TO tradetape_lander, tradetape_reader;
CREATE SCHEMA IF NOT EXISTS tradetape AUTHORIZATION tradetape_owner;
