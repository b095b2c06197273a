-- Operators act on letters through functions alone. tradetape_ops had UPDATE of a letter's state and INSERT into the outbox, so
-- that a login of that role could discard letters and leave the entry out, name somebody else, or put an entry of its own making
-- into the audit topic. Now it has neither. A function changes the letters, notes the deed and owes its entry in one transaction,
-- and the entry isn't handed in: the outbox names the deed, and whoever publishes it, a consumer, writes the entry from the deed's
-- row. So there is no deed without its entry, and no entry that says something else than the deed. PostgreSQL says who it was
-- (session_user: the login, whatever role it has switched to); what the operating system calls the operator is told by the
-- program, and stands beside it.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE tradetape.deed (
  deed_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('REDRIVE', 'DISCARD', 'SET_ASIDE', 'SKIP_SCHEMA')),
  action_id uuid NOT NULL,
  login text NOT NULL DEFAULT session_user,
  os_user text NOT NULL,
  done_at timestamptz NOT NULL DEFAULT now(),
  topic text NOT NULL,
  partition integer,
  "offset" bigint,
  offsets bigint[],
  facts jsonb NOT NULL
);
-- An entry's id is made of these: with two deeds of one id the log would keep the first one's entry alone.
CREATE UNIQUE INDEX deed_entry ON tradetape.deed (action_id, kind, topic, coalesce(partition, -1), coalesce("offset", -1),
  coalesce(facts ->> 'schema_id', ''), coalesce(facts ->> 'rewind', ''));
GRANT SELECT ON tradetape.deed TO tradetape_lander, tradetape_reader, tradetape_ops;
COMMENT ON TABLE tradetape.deed IS
  'What operators did to letters, as their audit entries say it. Written by functions alone; rows are only ever added.';
COMMENT ON COLUMN tradetape.deed.deed_id IS 'A number of its own.';
COMMENT ON COLUMN tradetape.deed.kind IS 'REDRIVE, DISCARD, SET_ASIDE or SKIP_SCHEMA: the type of its audit entry.';
COMMENT ON COLUMN tradetape.deed.action_id IS 'One per command: its deeds belong together.';
COMMENT ON COLUMN tradetape.deed.login IS 'Who did it: the login to this database.';
COMMENT ON COLUMN tradetape.deed.os_user IS 'Who that is on the machine that it came from, as the program says.';
COMMENT ON COLUMN tradetape.deed.done_at IS 'When. [UTC]';
COMMENT ON COLUMN tradetape.deed.topic IS 'The full name of the topic that it is about.';
COMMENT ON COLUMN tradetape.deed.partition IS 'The partition that it is about; null for a schema.';
COMMENT ON COLUMN tradetape.deed."offset" IS 'The first offset that it is about; null for a schema.';
COMMENT ON COLUMN tradetape.deed.offsets IS 'The letters that it changed, each by its offset; null where it changed none.';
COMMENT ON COLUMN tradetape.deed.facts IS 'What else its audit entry says.';

CREATE OR REPLACE FUNCTION tradetape.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'A correction is a new entry.';
END
$$;
CREATE TRIGGER deed_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON tradetape.deed
  FOR EACH STATEMENT EXECUTE FUNCTION tradetape.refuse_audit_change();

ALTER TABLE tradetape.dead_letter ADD COLUMN deed_id bigint;
COMMENT ON COLUMN tradetape.dead_letter.deed_id IS 'What somebody did to it last, a row of tradetape.deed.';
COMMENT ON COLUMN tradetape.dead_letter.acted_by IS 'The login of whoever redrove or discarded it.';
COMMENT ON COLUMN tradetape.allowed_letters.allowed_by IS 'The login of whoever allowed it.';

-- What was done before is told by entries of its time: such a deed owes none.
WITH acted AS (
  SELECT gen_random_uuid() AS action_id, CASE state WHEN 'discarded' THEN 'DISCARD' ELSE 'REDRIVE' END AS kind, state, acted_by,
    acted_at, topic, partition, rewind, array_agg("offset" ORDER BY "offset") AS offsets
  FROM tradetape.dead_letter WHERE state <> 'open' GROUP BY state, acted_by, acted_at, topic, partition, rewind
), told AS (
  INSERT INTO tradetape.deed (kind, action_id, login, os_user, done_at, topic, partition, "offset", offsets, facts)
  SELECT kind, action_id, 'not kept', coalesce(acted_by, 'not kept'), coalesce(acted_at, now()), topic, partition, offsets[1],
    offsets, '{"before_deeds": true}' FROM acted
  RETURNING deed_id, action_id
)
UPDATE tradetape.dead_letter d SET deed_id = told.deed_id
FROM acted JOIN told USING (action_id)
WHERE d.state = acted.state AND d.acted_by IS NOT DISTINCT FROM acted.acted_by AND d.acted_at IS NOT DISTINCT FROM acted.acted_at
  AND d.topic = acted.topic AND d.partition = acted.partition AND d.rewind = acted.rewind;

ALTER TABLE tradetape.outbox
  ADD COLUMN deed_id bigint,
  ADD CONSTRAINT outbox_deed_or_value CHECK (deed_id IS NULL OR value IS NULL);
COMMENT ON COLUMN tradetape.outbox.deed_id IS 'The deed whose audit entry is owed, a row of tradetape.deed; null where value is the message.';

-- For the functions below, and granted to nobody. The entry's topic follows from the deed's, or whoever acts could send the entry
-- where nobody reads it. Of a topic that nobody lands it stays in the outbox, where `verify` names it.
CREATE FUNCTION tradetape.note_deed(
  of_kind text, action uuid, os_name text, of_topic text, of_partition integer, of_offset bigint, of_offsets bigint[], of_facts jsonb
) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  noted bigint;
BEGIN
  IF action IS NULL OR os_name ~ '[[:cntrl:]]' OR (char_length(os_name) BETWEEN 1 AND 256) IS NOT TRUE THEN
    RAISE EXCEPTION 'a deed has an action and somebody who did it' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF (of_topic ~ '^[A-Za-z0-9._-]{1,249}$') IS NOT TRUE THEN
    RAISE EXCEPTION 'no topic of Kafka has this name' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO tradetape.deed (kind, action_id, os_user, topic, partition, "offset", offsets, facts)
    VALUES (of_kind, action, os_name, of_topic, of_partition, of_offset, of_offsets, of_facts) RETURNING deed_id INTO noted;
  INSERT INTO tradetape.outbox (source_topic, source_partition, topic, headers, deed_id)
    VALUES (of_topic, coalesce(of_partition, 0), regexp_replace(of_topic, '[^.]*$', 'audit'), '{}', noted);
  RETURN noted;
END
$$;

CREATE FUNCTION tradetape.require_note(note text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF note ~ '[[:cntrl:]]' OR (char_length(btrim(note)) BETWEEN 1 AND 1000) IS NOT TRUE THEN
    RAISE EXCEPTION 'a note is one line of 1 to 1000 characters' USING ERRCODE = 'invalid_parameter_value';
  END IF;
END
$$;

CREATE FUNCTION tradetape.require_offsets(offsets bigint[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF array_ndims(offsets) IS DISTINCT FROM 1 OR cardinality(offsets) > 5000 OR array_position(offsets, NULL) IS NOT NULL THEN
    RAISE EXCEPTION 'one page is 1 to 5000 offsets' USING ERRCODE = 'invalid_parameter_value';
  END IF;
END
$$;

-- Locks those of these letters that are open, for the caller's transaction: those that somebody else is acting on are left out.
CREATE FUNCTION tradetape.lock_letters(of_topic text, of_partition integer, of_rewind integer, of_offsets bigint[])
RETURNS TABLE ("offset" bigint, reason text, attempts integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM tradetape.require_offsets(of_offsets);
  RETURN QUERY SELECT d."offset", d.reason, d.attempts FROM tradetape.dead_letter d
    WHERE d.topic = of_topic AND d.partition = of_partition AND d.rewind = of_rewind AND d."offset" = ANY (of_offsets)
      AND d.state = 'open' ORDER BY d."offset" FOR UPDATE SKIP LOCKED;
END
$$;

-- DISCARD with a note, or REDRIVE with the offsets at which the events were published again; all of these letters, or none.
CREATE FUNCTION tradetape.act_on_letters(
  deed_kind text, of_topic text, of_partition integer, of_rewind integer, of_offsets bigint[], redriven_at bigint[], why text,
  meant jsonb, action uuid, os_name text
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  in_order bigint[];
  open_letters bigint;
  reasons_found jsonb;
  noted bigint;
BEGIN
  PERFORM tradetape.require_offsets(of_offsets);
  IF deed_kind = 'DISCARD' AND redriven_at IS NULL THEN
    PERFORM tradetape.require_note(why);
  ELSIF deed_kind = 'REDRIVE' AND why IS NULL THEN
    PERFORM tradetape.require_offsets(redriven_at);
    IF cardinality(redriven_at) <> cardinality(of_offsets) OR EXISTS (SELECT FROM unnest(of_offsets, redriven_at) AS r (o, at)
        WHERE at < 0 OR (of_rewind = 0 AND at <= o)) THEN
      RAISE EXCEPTION 'an event is published again behind where it was' USING ERRCODE = 'invalid_parameter_value';
    END IF;
  ELSE
    RAISE EXCEPTION 'letters are discarded with a note, or redriven to offsets' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF meant IS NULL OR jsonb_typeof(meant) <> 'object' OR octet_length(meant::text) > 10000 THEN
    RAISE EXCEPTION 'a filter is an object of up to 10000 bytes' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT coalesce(sum(n), 0), jsonb_object_agg(reason, n) INTO open_letters, reasons_found FROM (
    SELECT reason, count(*) AS n FROM (
      SELECT d.reason FROM tradetape.dead_letter d WHERE d.topic = of_topic AND d.partition = of_partition AND d.rewind = of_rewind
        AND d."offset" = ANY (of_offsets) AND d.state = 'open' ORDER BY d."offset" FOR UPDATE) locked
    GROUP BY reason) counted (reason, n);
  IF open_letters <> cardinality(of_offsets) THEN
    RAISE EXCEPTION '% of these % letters are open', open_letters, cardinality(of_offsets)
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  SELECT array_agg(o ORDER BY o) INTO in_order FROM unnest(of_offsets) AS u (o);
  noted := tradetape.note_deed(deed_kind, action, os_name, of_topic, of_partition, in_order[1], in_order, jsonb_strip_nulls(
    jsonb_build_object('filter', meant, 'letters', open_letters, 'reasons', reasons_found, 'note', why,
      'rewind', nullif(of_rewind, 0))));
  -- The offsets stand twice: joined alone, they make a planner without statistics read all open letters for each of them.
  UPDATE tradetape.dead_letter d SET state = CASE deed_kind WHEN 'DISCARD' THEN 'discarded' ELSE 'redriven' END,
    attempts = d.attempts + CASE deed_kind WHEN 'DISCARD' THEN 0 ELSE 1 END, redriven_offset = r.at, note = why,
    acted_at = now(), acted_by = session_user, deed_id = noted
  FROM unnest(of_offsets, redriven_at) AS r (o, at)
  WHERE d.topic = of_topic AND d.partition = of_partition AND d.rewind = of_rewind AND d."offset" = ANY (of_offsets)
    AND d."offset" = r.o;
END
$$;

CREATE FUNCTION tradetape.set_aside(
  of_topic text, of_partition integer, from_here bigint, to_here bigint, why text, action uuid, os_name text
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM tradetape.require_note(why);
  IF (of_partition >= 0 AND from_here >= 0 AND from_here < to_here) IS NOT TRUE THEN
    RAISE EXCEPTION 'no offsets of a partition are set aside' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO tradetape.allowed_letters (topic, partition, from_offset, next_offset, note, allowed_by)
    VALUES (of_topic, of_partition, from_here, to_here, why, session_user);
  PERFORM tradetape.note_deed('SET_ASIDE', action, os_name, of_topic, of_partition, from_here, NULL,
    jsonb_build_object('from_offset', from_here, 'next_offset', to_here, 'ended', false, 'note', why));
END
$$;

-- False where it is skipped already, which is no deed.
CREATE FUNCTION tradetape.skip_schema(
  of_topic text, of_schema integer, of_every_writer boolean, why text, action uuid, os_name text
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM tradetape.require_note(why);
  IF (of_schema >= 0 AND of_every_writer IS NOT NULL) IS NOT TRUE THEN
    RAISE EXCEPTION 'no schema is skipped' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF EXISTS (SELECT FROM tradetape.allowed_letters a WHERE a.topic = of_topic AND a.schema_id = of_schema AND a.ended_at IS NULL) THEN
    RETURN false;
  END IF;
  INSERT INTO tradetape.allowed_letters (topic, schema_id, note, allowed_by) VALUES (of_topic, of_schema, why, session_user);
  PERFORM tradetape.note_deed('SKIP_SCHEMA', action, os_name, of_topic, NULL, NULL, NULL,
    jsonb_build_object('schema_id', of_schema, 'ended', false, 'every_writer', of_every_writer, 'note', why));
  RETURN true;
END
$$;

-- False where somebody else has ended it, which is no deed.
CREATE FUNCTION tradetape.end_allowance(of_allowance bigint, why text, action uuid, os_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  a tradetape.allowed_letters;
BEGIN
  PERFORM tradetape.require_note(why);
  UPDATE tradetape.allowed_letters SET ended_at = now() WHERE allowed_id = of_allowance AND ended_at IS NULL RETURNING * INTO a;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM tradetape.note_deed(CASE WHEN a.schema_id IS NULL THEN 'SET_ASIDE' ELSE 'SKIP_SCHEMA' END, action, os_name, a.topic,
    a.partition, a.from_offset, NULL, jsonb_build_object('ended', true, 'note', why) || CASE WHEN a.schema_id IS NULL
      THEN jsonb_build_object('from_offset', a.from_offset, 'next_offset', a.next_offset)
      ELSE jsonb_build_object('schema_id', a.schema_id) END);
  RETURN true;
END
$$;

REVOKE INSERT ON tradetape.outbox FROM tradetape_ops;
REVOKE UPDATE (state, attempts, acted_at, acted_by, note, redriven_offset) ON tradetape.dead_letter FROM tradetape_ops;
REVOKE INSERT ON tradetape.allowed_letters FROM tradetape_ops;
REVOKE UPDATE (ended_at) ON tradetape.allowed_letters FROM tradetape_ops;
REVOKE ALL ON FUNCTION tradetape.note_deed, tradetape.require_note, tradetape.require_offsets, tradetape.lock_letters,
  tradetape.act_on_letters, tradetape.set_aside, tradetape.skip_schema, tradetape.end_allowance FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tradetape.lock_letters, tradetape.act_on_letters, tradetape.set_aside, tradetape.skip_schema,
  tradetape.end_allowance TO tradetape_ops;
COMMENT ON FUNCTION tradetape.note_deed IS 'For the functions of operators: notes a deed and owes its audit entry.';
COMMENT ON FUNCTION tradetape.require_note IS 'For the functions of operators: refuses what is no note.';
COMMENT ON FUNCTION tradetape.require_offsets IS 'For the functions of operators: refuses what is no page of offsets.';
COMMENT ON FUNCTION tradetape.lock_letters IS 'Locks open letters of a partition, passing over those that somebody else is acting on.';
COMMENT ON FUNCTION tradetape.act_on_letters IS 'Marks open letters as redriven or discarded, with the deed and its audit entry.';
COMMENT ON FUNCTION tradetape.set_aside IS 'Allows the events of some offsets to become letters, with the deed and its audit entry.';
COMMENT ON FUNCTION tradetape.skip_schema IS 'Allows the events of a schema to become letters, with the deed and its audit entry.';
COMMENT ON FUNCTION tradetape.end_allowance IS 'Takes an allowance back, with the deed and its audit entry.';
