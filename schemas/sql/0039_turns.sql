-- Whose turn it is, is said by locks of tables that only our roles may touch. Advisory locks any login may take, without a right on
-- anything here: one that held `tradetape.audit_chain` stopped the audit log, and with it every process that waits for its end; one
-- of the others stopped migrations, replays, retention. These tables hold no rows: what is locked is the table, so that no
-- transaction that waits its turn, or has it for hours, keeps VACUUM from rows of others.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE tradetape.audit_turn (nothing boolean CHECK (false));
CREATE TABLE tradetape.replay_turn (LIKE tradetape.audit_turn INCLUDING CONSTRAINTS);
CREATE TABLE tradetape.removal_turn (LIKE tradetape.audit_turn INCLUDING CONSTRAINTS);
-- It takes the right to delete to lock a table against others of one's kind. There is nothing in it to delete.
GRANT DELETE ON tradetape.audit_turn TO tradetape_lander;
-- A reader dumps them with the rest; what only reads a table holds up nobody's turn.
GRANT SELECT ON tradetape.audit_turn, tradetape.replay_turn, tradetape.removal_turn TO tradetape_reader;
COMMENT ON TABLE tradetape.audit_turn IS 'Locked by whoever links entries to audit_log, until they have committed. It has no rows.';
COMMENT ON TABLE tradetape.replay_turn IS 'Locked by a replay into this database, for as long as it runs. It has no rows.';
COMMENT ON TABLE tradetape.removal_turn IS
  'Locked by whoever drops days or removes a session, for as long as that takes. It has no rows.';
COMMENT ON COLUMN tradetape.audit_turn.nothing IS 'Takes no value.';
COMMENT ON COLUMN tradetape.replay_turn.nothing IS 'Takes no value.';
COMMENT ON COLUMN tradetape.removal_turn.nothing IS 'Takes no value.';
