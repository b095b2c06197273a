-- What tells a partition's log from another one of its name, and how often its landing went back because the log had been cut
-- or made again: offsets of before then name other records than those of after.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE tradetape.landed_offset
  ADD COLUMN topic_id text,
  ADD COLUMN leader_epoch integer,
  ADD COLUMN rewinds integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN tradetape.landed_offset.topic_id IS
  'The topic''s own id in its cluster; null where no broker has told it, as before Kafka 2.8.';
COMMENT ON COLUMN tradetape.landed_offset.leader_epoch IS
  'The epoch of the leader that took what lies just below next_offset; null where that landed before it was noted.';
COMMENT ON COLUMN tradetape.landed_offset.rewinds IS
  'How often the landing went back, by tradetape rewind, because the log was no longer the one that had landed.';

ALTER TABLE tradetape.landed_batch
  ADD COLUMN rewinds integer NOT NULL DEFAULT 0,
  ADD COLUMN leader_epoch integer,
  DROP CONSTRAINT landed_batch_kind_check,
  ADD CONSTRAINT landed_batch_kind_check CHECK (kind IN ('batch', 'release', 'accepted_loss', 'removed', 'rewound')),
  DROP CONSTRAINT landed_batch_covers,
  ADD CONSTRAINT landed_batch_covers CHECK (kind = 'rewound' OR next_offset - first_offset = read + holes + lost);
COMMENT ON COLUMN tradetape.landed_batch.kind IS
  'batch, release (of parked events), accepted_loss, removed (rows that were dropped or deleted) or rewound (the landing went '
  'back from first_offset to next_offset).';
COMMENT ON COLUMN tradetape.landed_batch.rewinds IS
  'How often the partition had been rewound then: offsets of rows that differ in this are of different logs.';
COMMENT ON COLUMN tradetape.landed_batch.leader_epoch IS
  'The epoch of the leader that took the last offset of the range; null where it isn''t known.';

CREATE INDEX landed_batch_rewound ON tradetape.landed_batch (topic, partition, seq) WHERE kind = 'rewound';

-- Letters of a log that was cut stay, with their events in them; the offset may name another letter afterwards.
ALTER TABLE tradetape.dead_letter
  ADD COLUMN rewind integer NOT NULL DEFAULT 0,
  DROP CONSTRAINT dead_letter_pkey,
  ADD PRIMARY KEY (topic, partition, "offset", rewind);
COMMENT ON COLUMN tradetape.dead_letter.rewind IS
  '0: the log has the event at this offset. Else the number of the rewind of its partition that found it gone from the log.';
DROP INDEX tradetape.dead_letter_open;
CREATE INDEX dead_letter_open ON tradetape.dead_letter (topic, partition, rewind, "offset") WHERE state = 'open';
