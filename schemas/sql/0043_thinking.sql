-- The thinking of agents: calls of models and tools, and the texts that they asked and answered. A large text is kept in pieces, each
-- once for all calls of its session, so that a context which goes with every call takes its room once. A call names what it led to
-- without a foreign key: it is there first, and what it led to may never come. CHECKs have the names of their rules in
-- schemas/rules.json.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE public.agent_call (
  call_id uuid PRIMARY KEY,
  "timestamp" timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  kind text NOT NULL CHECK (kind IN ('MODEL', 'TOOL')),
  actor text NOT NULL,
  name text NOT NULL,
  provider text,
  model text,
  parameters jsonb,
  seed bigint,
  input_tokens bigint,
  output_tokens bigint,
  cost double precision,
  status integer,
  finish_reason text,
  error text,
  request text,
  request_pieces text[],
  request_sha256 text NOT NULL,
  request_bytes bigint NOT NULL,
  response text,
  response_pieces text[],
  response_sha256 text,
  response_bytes bigint,
  response_type text,
  redacted text[],
  parent_call_id uuid,
  prediction_id uuid,
  decision_id uuid,
  strategy_id uuid,
  backtest_session_id uuid REFERENCES public.backtest_session,
  published_at timestamptz NOT NULL,
  landed_at timestamptz NOT NULL DEFAULT now(),
  source_partition integer NOT NULL,
  source_offset bigint NOT NULL,
  CONSTRAINT actor_not_empty CHECK (actor <> ''),
  CONSTRAINT name_not_empty CHECK (name <> ''),
  CONSTRAINT request_sha256_not_empty CHECK (request_sha256 <> ''),
  CONSTRAINT call_in_order CHECK (ended_at >= "timestamp"),
  CONSTRAINT input_tokens_not_negative CHECK (input_tokens >= 0),
  CONSTRAINT output_tokens_not_negative CHECK (output_tokens >= 0),
  CONSTRAINT request_bytes_not_negative CHECK (request_bytes >= 0),
  CONSTRAINT response_bytes_not_negative CHECK (response_bytes >= 0)
);
CREATE INDEX agent_call_decision ON public.agent_call (decision_id) WHERE decision_id IS NOT NULL;
CREATE INDEX agent_call_prediction ON public.agent_call (prediction_id) WHERE prediction_id IS NOT NULL;
CREATE INDEX agent_call_session ON public.agent_call (backtest_session_id, "timestamp");
CREATE INDEX agent_call_time ON public.agent_call ("timestamp");

-- The digest is held against the text: whoever sent another text under it first would have all calls that name it say that.
CREATE TABLE public.agent_content (
  content_id uuid PRIMARY KEY,
  sha256 text NOT NULL,
  "timestamp" timestamptz NOT NULL,
  body text NOT NULL,
  backtest_session_id uuid,
  published_at timestamptz NOT NULL,
  CONSTRAINT sha256_not_empty CHECK (sha256 <> ''),
  CONSTRAINT body_not_empty CHECK (body <> ''),
  CONSTRAINT sha256_of_body CHECK (sha256 = encode(sha256(convert_to(body, 'UTF8')), 'hex'))
);
CREATE INDEX agent_content_sha256 ON public.agent_content (sha256);
CREATE INDEX agent_content_session ON public.agent_content (backtest_session_id);

GRANT SELECT ON public.agent_call, public.agent_content TO tradetape_lander, tradetape_reader;
GRANT INSERT ON public.agent_call, public.agent_content TO tradetape_lander;

COMMENT ON TABLE public.agent_call IS
  'One call of a model or a tool: what was asked, what was answered, and what it led to. The first event of an id stays.';
COMMENT ON COLUMN public.agent_call.call_id IS 'The call''s id, made by the agent.';
COMMENT ON COLUMN public.agent_call."timestamp" IS 'When it began, UTC. [UTC]';
COMMENT ON COLUMN public.agent_call.ended_at IS 'When its answer was whole, or it had failed, UTC. [UTC]';
COMMENT ON COLUMN public.agent_call.kind IS 'Whether a model was asked or a tool was used.';
COMMENT ON COLUMN public.agent_call.actor IS 'The program that called.';
COMMENT ON COLUMN public.agent_call.name IS 'What was called: the path of a model''s interface, or the tool''s name.';
COMMENT ON COLUMN public.agent_call.provider IS 'Who was asked: the host of a model''s interface.';
COMMENT ON COLUMN public.agent_call.model IS 'The model that was asked for, by its name there.';
COMMENT ON COLUMN public.agent_call.parameters IS
  'How it was asked, as JSON: what the request holds beside the model, the conversation and the tools.';
COMMENT ON COLUMN public.agent_call.seed IS 'The seed that was asked for, where it is a whole number within 2^53.';
COMMENT ON COLUMN public.agent_call.input_tokens IS 'How many tokens the provider counted in the request. [tokens]';
COMMENT ON COLUMN public.agent_call.output_tokens IS 'How many tokens the provider counted in the answer. [tokens]';
COMMENT ON COLUMN public.agent_call.cost IS
  'What it cost, as the agent reckons, in the currency of its books. [the books'' currency]';
COMMENT ON COLUMN public.agent_call.status IS 'The HTTP status of a model''s answer.';
COMMENT ON COLUMN public.agent_call.finish_reason IS 'Why the model stopped, in the provider''s word.';
COMMENT ON COLUMN public.agent_call.error IS 'What went wrong; null of a call that succeeded.';
COMMENT ON COLUMN public.agent_call.request IS
  'What was asked, redacted; null where it lies in pieces, or is no text and isn''t kept.';
COMMENT ON COLUMN public.agent_call.request_pieces IS
  'The SHA-256 of each content that together make the request, in order, in hex; null where it is whole here, or not kept.';
COMMENT ON COLUMN public.agent_call.request_sha256 IS
  'SHA-256, in hex, of the whole request as it is kept; of its bytes where it is no text.';
COMMENT ON COLUMN public.agent_call.request_bytes IS 'How many bytes that request has, as UTF-8. [bytes]';
COMMENT ON COLUMN public.agent_call.response IS
  'What was answered, redacted; null where it lies in pieces, is no text and isn''t kept, or never came.';
COMMENT ON COLUMN public.agent_call.response_pieces IS
  'The SHA-256 of each content that together make the answer, in order, in hex; null where it is whole here, or not kept.';
COMMENT ON COLUMN public.agent_call.response_sha256 IS
  'SHA-256, in hex, of the whole answer as it is kept; of its bytes where it is no text; null where none came.';
COMMENT ON COLUMN public.agent_call.response_bytes IS 'How many bytes that answer has, as UTF-8; null where none came. [bytes]';
COMMENT ON COLUMN public.agent_call.response_type IS
  'The answer''s content type, which tells a stream of events from a whole document.';
COMMENT ON COLUMN public.agent_call.redacted IS
  'The rules by which something was taken out of the bodies; null where nothing was.';
COMMENT ON COLUMN public.agent_call.parent_call_id IS
  'The call that led to this one: of a tool the model''s that asked for it; null where none did.';
COMMENT ON COLUMN public.agent_call.prediction_id IS 'The prediction that it led to, which need not be there yet, nor ever.';
COMMENT ON COLUMN public.agent_call.decision_id IS 'The decision that it led to, which need not be there yet, nor ever.';
COMMENT ON COLUMN public.agent_call.strategy_id IS 'The strategy that it was made for.';
COMMENT ON COLUMN public.agent_call.backtest_session_id IS 'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.agent_call.published_at IS 'When the broker had it. [UTC]';
COMMENT ON COLUMN public.agent_call.landed_at IS 'When the row was written here. [UTC]';
COMMENT ON COLUMN public.agent_call.source_partition IS 'The partition of the topic that the event came by.';
COMMENT ON COLUMN public.agent_call.source_offset IS 'The offset of the event in that partition.';

COMMENT ON TABLE public.agent_content IS
  'A piece of what calls asked or answered, kept once for all calls of its session. The first event of an id stays.';
COMMENT ON COLUMN public.agent_content.content_id IS 'The content''s id: UUID version 5 of (sha256, session).';
COMMENT ON COLUMN public.agent_content.sha256 IS 'SHA-256, in hex, of body as UTF-8: the name that calls know it by.';
COMMENT ON COLUMN public.agent_content."timestamp" IS 'When it was sent, UTC. [UTC]';
COMMENT ON COLUMN public.agent_content.body IS 'The text: a piece of a call''s request or answer, or the whole of one.';
COMMENT ON COLUMN public.agent_content.backtest_session_id IS 'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.agent_content.published_at IS 'When the broker had it. [UTC]';
