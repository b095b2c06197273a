-- A run that has ended is told from one that goes on, and from one that was killed.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE tradetape.group_state
  ADD ended_at timestamptz,
  DROP CONSTRAINT group_state_state_check,
  ADD CONSTRAINT group_state_state_check CHECK (state IN ('running', 'waiting', 'stopped', 'ended'));
GRANT SELECT ON tradetape.group_state TO tradetape_ops;
COMMENT ON COLUMN tradetape.group_state.state IS
  'running: it lands what comes. waiting: something is away, and it goes on by itself. stopped: somebody has to help. '
  'ended: its run is over, and nothing is wrong with it.';
COMMENT ON COLUMN tradetape.group_state.since IS 'When the wait or the stop began, or the run ended; null while it runs. [UTC]';
COMMENT ON COLUMN tradetape.group_state.reason IS 'What it waits for, why it stopped, or why its run ended.';
COMMENT ON COLUMN tradetape.group_state.retry_at IS
  'When the process tries a stopped group again; null when it doesn''t. [UTC]';
COMMENT ON COLUMN tradetape.group_state.ended_at IS
  'When the run of the process ended; null while it goes on, and where it was killed. [UTC]';
