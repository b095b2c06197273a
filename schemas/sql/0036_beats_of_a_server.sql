-- A snapshot of the disk has the beats of those who land in its original: whose beats came here shows by the server's start.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE tradetape.beat ADD server_started_at timestamptz;
COMMENT ON COLUMN tradetape.beat.server_started_at IS
  'When the server started to which the last beat came; null where that is not known to be this server. [UTC]';

-- What a failover lost is landed anew whoever knows of it.
ALTER TABLE tradetape.database_id DROP COLUMN lacks_since;
