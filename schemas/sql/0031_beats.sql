-- By which a database knows the processes that land in it, and so one that lands in another database of the same id.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE tradetape.beat (
  process text PRIMARY KEY,
  number bigint NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  beaten_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON tradetape.beat TO tradetape_lander, tradetape_reader;
GRANT INSERT, UPDATE, DELETE ON tradetape.beat TO tradetape_lander;
COMMENT ON TABLE tradetape.beat IS
  'The processes that land here. Each counts its beats, and shows the other members of its consumer groups how far it has come.';
COMMENT ON COLUMN tradetape.beat.process IS 'A random name that the process gave itself.';
COMMENT ON COLUMN tradetape.beat.number IS 'Its last beat.';
COMMENT ON COLUMN tradetape.beat.started_at IS 'When its first beat came. [UTC]';
COMMENT ON COLUMN tradetape.beat.beaten_at IS 'When its last beat came; rows of processes that ended go after 30 days. [UTC]';

ALTER TABLE tradetape.database_id ADD settled_at timestamptz NOT NULL DEFAULT now(), ADD lacks_since timestamptz,
  ADD twin_found_at timestamptz;
GRANT UPDATE (lacks_since, twin_found_at) ON tradetape.database_id TO tradetape_lander;
COMMENT ON COLUMN tradetape.database_id.settled_at IS
  'When it was last settled that the id is this database''s: by a migration, or by an answer to whose it is. [UTC]';
COMMENT ON COLUMN tradetape.database_id.lacks_since IS
  'Since when it is known to lack what was committed under its id: a failover or a restored backup lost it. [UTC]';
COMMENT ON COLUMN tradetape.database_id.twin_found_at IS
  'When another database was found to land under this id; null again once somebody has answered whose it is. [UTC]';
