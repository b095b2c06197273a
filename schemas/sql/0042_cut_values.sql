-- Of an event that is larger than events may be, a letter keeps the beginning, the length and the digest: who fills a topic with
-- such events, which compress to little, would fill this table with all that they grow to. The log has the rest, as long as it
-- keeps the offset that the letter has.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE tradetape.dead_letter
  ADD COLUMN value_bytes bigint,
  ADD COLUMN value_sha256 bytea,
  ADD CONSTRAINT dead_letter_value_cut CHECK (
    (value_bytes IS NULL) = (value_sha256 IS NULL) AND (value_bytes IS NULL OR octet_length(value) < value_bytes));
GRANT INSERT (value_bytes, value_sha256) ON tradetape.dead_letter TO tradetape_lander;
COMMENT ON COLUMN tradetape.dead_letter.value IS
  'The value of the message, byte for byte; where value_bytes says how long it is, its beginning.';
COMMENT ON COLUMN tradetape.dead_letter.value_bytes IS
  'How many bytes the value has, where only its beginning is kept: the log has the rest at this offset. [bytes]';
COMMENT ON COLUMN tradetape.dead_letter.value_sha256 IS 'The SHA-256 of the whole value, where only its beginning is kept.';
