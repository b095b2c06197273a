-- What other events point at: instruments and sessions.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE public.symbol (
  symbol_id uuid PRIMARY KEY,
  ticker text NOT NULL CHECK (ticker <> ''),
  exchange text,
  asset_type text NOT NULL,
  is_active boolean NOT NULL,
  created_at timestamptz,
  revised_at timestamptz NOT NULL
);
CREATE INDEX symbol_ticker ON public.symbol (ticker, exchange);

CREATE TABLE public.backtest_session (
  backtest_session_id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('live', 'paper', 'backtest', 'replay')),
  name text,
  status text NOT NULL CHECK (status IN ('created', 'running', 'completed', 'failed', 'deleted')),
  code_version text,
  config jsonb,
  data_set text,
  started_at timestamptz,
  ended_at timestamptz,
  result jsonb,
  revised_at timestamptz NOT NULL
);

GRANT SELECT ON public.symbol, public.backtest_session TO tradetape_lander, tradetape_reader;
GRANT INSERT, UPDATE ON public.symbol, public.backtest_session TO tradetape_lander;
