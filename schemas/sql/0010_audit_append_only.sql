-- No role but the owner has the right to alter the audit trail; this stops the owner, a superuser and whoever is granted
-- too much, too. It stops a mistake, not an attack: who may disable a trigger can still do it, and that the chain shows.
SET LOCAL ROLE tradetape_owner;

CREATE FUNCTION tradetape.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'audit_log only grows: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'A correction is a new entry.';
END
$$;
REVOKE ALL ON FUNCTION tradetape.refuse_audit_change() FROM PUBLIC;

-- Per statement: an INSERT, which is all that landing does, never meets it.
CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON public.audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION tradetape.refuse_audit_change();
