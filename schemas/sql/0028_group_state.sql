-- What the consumer groups of each process do, for people in other processes; and which letters stop no group.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE tradetape.group_state (
  topic text NOT NULL,
  process text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'waiting', 'stopped')),
  since timestamptz,
  code text,
  reason text,
  next_step text,
  retry_at timestamptz,
  letters jsonb,
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, process)
);
GRANT SELECT ON tradetape.group_state TO tradetape_lander, tradetape_reader;
GRANT INSERT, UPDATE, DELETE ON tradetape.group_state TO tradetape_lander;
COMMENT ON TABLE tradetape.group_state IS
  'What the group of a topic does in a process, as that process last told it. Nothing of the landing depends on it.';
COMMENT ON COLUMN tradetape.group_state.topic IS 'The topic''s full name.';
COMMENT ON COLUMN tradetape.group_state.process IS 'The process: its machine and number.';
COMMENT ON COLUMN tradetape.group_state.state IS
  'running: it lands what comes. waiting: something is away, and it goes on by itself. stopped: somebody has to help.';
COMMENT ON COLUMN tradetape.group_state.since IS 'When the wait or the stop began; null while it runs. [UTC]';
COMMENT ON COLUMN tradetape.group_state.code IS 'The error that stopped it, a code of docs/errors.md.';
COMMENT ON COLUMN tradetape.group_state.reason IS 'What it waits for, or why it stopped.';
COMMENT ON COLUMN tradetape.group_state.next_step IS 'What to do about a stop.';
COMMENT ON COLUMN tradetape.group_state.retry_at IS
  'When the process tries a stopped group again; null when it has ended. [UTC]';
COMMENT ON COLUMN tradetape.group_state.letters IS
  'Where too many letters stopped it: those of the batch that was rolled back, by reason, with examples.';
COMMENT ON COLUMN tradetape.group_state.seen_at IS 'When the process last told it. [UTC]';

CREATE TABLE tradetape.allowed_letters (
  allowed_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  partition integer,
  from_offset bigint,
  next_offset bigint,
  schema_id integer,
  note text NOT NULL,
  allowed_by text NOT NULL,
  allowed_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  CONSTRAINT allowed_letters_range_or_schema CHECK (
    num_nulls(partition, from_offset, next_offset) = CASE WHEN schema_id IS NULL THEN 0 ELSE 3 END)
);
CREATE INDEX allowed_letters_topic ON tradetape.allowed_letters (topic) WHERE ended_at IS NULL;
GRANT SELECT ON tradetape.allowed_letters TO tradetape_lander, tradetape_reader, tradetape_ops;
GRANT INSERT ON tradetape.allowed_letters TO tradetape_ops;
GRANT UPDATE (ended_at) ON tradetape.allowed_letters TO tradetape_ops;
COMMENT ON TABLE tradetape.allowed_letters IS
  'Which events may become letters without stopping their group: offsets that were looked at, or events of a schema.';
COMMENT ON COLUMN tradetape.allowed_letters.allowed_id IS 'A number of its own.';
COMMENT ON COLUMN tradetape.allowed_letters.topic IS 'The topic''s full name.';
COMMENT ON COLUMN tradetape.allowed_letters.partition IS 'The partition of the offsets; null for a schema.';
COMMENT ON COLUMN tradetape.allowed_letters.from_offset IS 'The first offset; null for a schema.';
COMMENT ON COLUMN tradetape.allowed_letters.next_offset IS 'The offset behind the last one; null for a schema.';
COMMENT ON COLUMN tradetape.allowed_letters.schema_id IS
  'The registry''s id of the schema that the events are written with; null for offsets.';
COMMENT ON COLUMN tradetape.allowed_letters.note IS 'Why, as it was given.';
COMMENT ON COLUMN tradetape.allowed_letters.allowed_by IS 'Who allowed it.';
COMMENT ON COLUMN tradetape.allowed_letters.allowed_at IS 'When. [UTC]';
COMMENT ON COLUMN tradetape.allowed_letters.ended_at IS 'When it was taken back; null while it holds. [UTC]';
