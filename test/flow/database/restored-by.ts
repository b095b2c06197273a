const ROLES = "tradetape_owner, tradetape_lander, tradetape_reader, tradetape_ops";

/**
 * SQL: leaves a database as `pg_restore --no-owner --no-privileges --no-comments` by a user leaves one. (The rights of the
 * database itself are in no dump of it.)
 */
export const restoredBy = (user: string): string => `
  DO $$ DECLARE one record; BEGIN
    ALTER SCHEMA tradetape OWNER TO ${user};
    FOR one IN SELECT c.oid::regclass AS name, c.relkind AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname IN ('public', 'tradetape') AND c.relkind IN ('r', 'p', 'v') LOOP
      EXECUTE format('ALTER TABLE %s OWNER TO ${user}', one.name);
      EXECUTE format('COMMENT ON %s %s IS NULL', CASE one.kind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, one.name);
    END LOOP;
    FOR one IN SELECT c.oid::regclass AS name, a.attname AS col FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid WHERE n.nspname IN ('public', 'tradetape') AND c.relkind IN ('r', 'p', 'v')
      AND a.attnum > 0 AND NOT a.attisdropped LOOP
      EXECUTE format('COMMENT ON COLUMN %s.%I IS NULL', one.name, one.col);
    END LOOP;
    FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname IN ('public', 'tradetape') LOOP
      EXECUTE format('ALTER FUNCTION %s OWNER TO ${user}', one.name);
      EXECUTE format('COMMENT ON FUNCTION %s IS NULL', one.name);
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM ${ROLES}', current_database());
  END $$;
  REVOKE ALL ON ALL TABLES IN SCHEMA public, tradetape FROM ${ROLES};
  REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public, tradetape FROM ${ROLES};
  REVOKE ALL ON SCHEMA public, tradetape FROM ${ROLES};
  GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public, tradetape TO PUBLIC;
`;
