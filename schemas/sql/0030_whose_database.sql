-- Where the database lies that has this id: a copy of it, by a dump, a template or a snapshot restored elsewhere, has the id as
-- well, and must not join the original's consumer groups.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE tradetape.database_id ADD system_identifier text, ADD database_oid bigint,
  ADD former_ids uuid[] NOT NULL DEFAULT '{}';
UPDATE tradetape.database_id SET system_identifier = (SELECT system_identifier::text FROM pg_control_system()),
  database_oid = (SELECT oid::bigint FROM pg_database WHERE datname = current_database());
ALTER TABLE tradetape.database_id ALTER system_identifier SET NOT NULL, ALTER database_oid SET NOT NULL;
COMMENT ON COLUMN tradetape.database_id.system_identifier IS
  'The PostgreSQL cluster that the database with this id lies in, as pg_control_system() has it.';
COMMENT ON COLUMN tradetape.database_id.database_oid IS 'Its oid in that cluster.';
COMMENT ON COLUMN tradetape.database_id.former_ids IS
  'The ids that it had as a copy of another database, before it was given its own; receipts of before have them.';
COMMENT ON COLUMN tradetape.database_id.created_at IS 'When the database got this id: at its first migration, or as a copy. [UTC]';
