-- Since when a database is landed in without a pause: by which one of two under one id stands back, also while processes restart.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE tradetape.beat ADD landing_since timestamptz NOT NULL DEFAULT now();
UPDATE tradetape.beat SET landing_since = started_at;
COMMENT ON COLUMN tradetape.beat.landing_since IS
  'Since when one process after the other has landed here, as far as this one knows: it takes the time over from those that run. [UTC]';
