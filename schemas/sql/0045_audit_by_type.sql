-- A search of the audit log by type, the newest first: without an index a rare type has the whole log read. While it is built the
-- log's landing waits. Whoever has too large a log for that builds it before, by CREATE INDEX CONCURRENTLY (docs/operations.md):
-- then nothing is locked here. One that was broken off is in the way, and no search uses it.
SET LOCAL ROLE tradetape_owner;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('public.audit_log_type') AND NOT indisvalid) THEN
    RAISE EXCEPTION 'public.audit_log_type was not built to its end: DROP INDEX public.audit_log_type, then migrate again';
  END IF;
END
$$;
CREATE INDEX IF NOT EXISTS audit_log_type ON public.audit_log (event_type, seq);
