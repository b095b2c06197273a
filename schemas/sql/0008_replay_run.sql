-- Replays that filled this database from the topics: what was asked, which offsets that came to, and how far it is. An
-- unfinished one is resumed from here and from the ledger; one of a part of the topics keeps live consumers out.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE tradetape.replay_run (
  run_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  plan_digest text NOT NULL,
  plan jsonb NOT NULL,
  topics text[] NOT NULL,
  whole boolean NOT NULL,
  indexes jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('loading', 'settling', 'indexing', 'verifying', 'telling', 'finished')),
  counts jsonb,
  result jsonb,
  started_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
COMMENT ON COLUMN tradetape.replay_run.plan IS 'What was asked, and the offsets of each partition that this meant when it began.';
COMMENT ON COLUMN tradetape.replay_run.topics IS 'The full names of the topics that it reads.';
COMMENT ON COLUMN tradetape.replay_run.indexes IS 'The indexes that it dropped to load faster, as the statements that make them again.';
COMMENT ON COLUMN tradetape.replay_run.whole IS 'Whether it reads all topics from beginning to end: only then may live consumers go on from it.';

-- One that isn't finished, at most: there is one ledger to go on from.
CREATE UNIQUE INDEX replay_run_unfinished ON tradetape.replay_run ((true)) WHERE state <> 'finished';

GRANT SELECT ON tradetape.replay_run TO tradetape_lander, tradetape_reader;
