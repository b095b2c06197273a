-- What agents did. Small tables with real foreign keys; where an event came from stands beside it.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE public.model_prediction (
  prediction_id uuid PRIMARY KEY,
  symbol_id uuid NOT NULL REFERENCES public.symbol,
  "timestamp" timestamptz NOT NULL,
  predicted_price double precision,
  probability_up double precision CHECK (probability_up BETWEEN 0 AND 1),
  confidence_score double precision CHECK (confidence_score BETWEEN 0 AND 1),
  model_version text NOT NULL,
  backtest_session_id uuid REFERENCES public.backtest_session,
  published_at timestamptz NOT NULL,
  landed_at timestamptz NOT NULL DEFAULT now(),
  source_partition integer NOT NULL,
  source_offset bigint NOT NULL
);
CREATE INDEX model_prediction_symbol ON public.model_prediction (symbol_id, "timestamp");
CREATE INDEX model_prediction_session ON public.model_prediction (backtest_session_id);

CREATE TABLE public.trade_decision (
  decision_id uuid PRIMARY KEY,
  symbol_id uuid NOT NULL REFERENCES public.symbol,
  "timestamp" timestamptz NOT NULL,
  action text NOT NULL CHECK (action IN ('BUY', 'SELL', 'HOLD')),
  size double precision NOT NULL CHECK (size >= 0),
  predicted_roi double precision,
  model_reference uuid REFERENCES public.model_prediction,
  approved boolean NOT NULL,
  strategy_id uuid,
  reason text,
  backtest_session_id uuid REFERENCES public.backtest_session,
  published_at timestamptz NOT NULL,
  landed_at timestamptz NOT NULL DEFAULT now(),
  source_partition integer NOT NULL,
  source_offset bigint NOT NULL
);
CREATE INDEX trade_decision_symbol ON public.trade_decision (symbol_id, "timestamp");
CREATE INDEX trade_decision_strategy ON public.trade_decision (strategy_id);
CREATE INDEX trade_decision_model_reference ON public.trade_decision (model_reference);
CREATE INDEX trade_decision_session ON public.trade_decision (backtest_session_id);

CREATE TABLE public.trade_execution (
  execution_id uuid PRIMARY KEY,
  decision_id uuid NOT NULL REFERENCES public.trade_decision,
  symbol_id uuid NOT NULL REFERENCES public.symbol,
  executed_price double precision,
  quantity double precision NOT NULL CHECK (quantity >= 0),
  status text NOT NULL CHECK (status IN ('FILLED', 'REJECTED', 'CANCELED')),
  broker text NOT NULL,
  latency_ms integer,
  "timestamp" timestamptz NOT NULL,
  broker_execution_id text,
  fee double precision,
  backtest_session_id uuid REFERENCES public.backtest_session,
  published_at timestamptz NOT NULL,
  landed_at timestamptz NOT NULL DEFAULT now(),
  source_partition integer NOT NULL,
  source_offset bigint NOT NULL
);
CREATE INDEX trade_execution_decision ON public.trade_execution (decision_id);
CREATE INDEX trade_execution_symbol ON public.trade_execution (symbol_id, "timestamp");
CREATE INDEX trade_execution_session ON public.trade_execution (backtest_session_id);

CREATE TABLE public.strategy_performance (
  performance_id uuid PRIMARY KEY,
  strategy_id uuid NOT NULL,
  symbol_id uuid REFERENCES public.symbol,
  window_start timestamptz NOT NULL,
  window_end timestamptz NOT NULL,
  total_trades integer NOT NULL CHECK (total_trades >= 0),
  win_rate double precision CHECK (win_rate BETWEEN 0 AND 1),
  avg_roi double precision,
  max_drawdown double precision,
  sharpe_ratio double precision,
  backtest_session_id uuid REFERENCES public.backtest_session,
  revised_at timestamptz NOT NULL,
  published_at timestamptz NOT NULL,
  landed_at timestamptz NOT NULL DEFAULT now(),
  source_partition integer NOT NULL,
  source_offset bigint NOT NULL,
  CHECK (window_end >= window_start)
);
CREATE INDEX strategy_performance_strategy ON public.strategy_performance (strategy_id, window_start);
CREATE INDEX strategy_performance_symbol ON public.strategy_performance (symbol_id, window_start);
CREATE INDEX strategy_performance_session ON public.strategy_performance (backtest_session_id);

-- n partial fills are n rows: what they come to, per decision.
CREATE VIEW public.decision_execution AS
SELECT decision_id, symbol_id, backtest_session_id, count(*) AS reports,
       count(*) FILTER (WHERE status = 'FILLED') AS fills,
       coalesce(sum(quantity) FILTER (WHERE status = 'FILLED'), 0) AS filled_quantity,
       sum(executed_price * quantity) FILTER (WHERE status = 'FILLED')
         / nullif(sum(quantity) FILTER (WHERE status = 'FILLED'), 0) AS average_price,
       sum(fee) AS fees, min("timestamp") AS first_report, max("timestamp") AS last_report
FROM public.trade_execution
GROUP BY decision_id, symbol_id, backtest_session_id;

GRANT SELECT ON public.model_prediction, public.trade_decision, public.trade_execution, public.strategy_performance,
  public.decision_execution TO tradetape_lander, tradetape_reader;
GRANT INSERT ON public.model_prediction, public.trade_decision, public.trade_execution TO tradetape_lander;
GRANT INSERT, UPDATE ON public.strategy_performance TO tradetape_lander;
