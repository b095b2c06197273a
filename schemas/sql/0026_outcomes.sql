-- What came of predictions: judged by the closes of bars, when the horizon of each has ended. CHECKs have the names of their rules
-- in schemas/rules.json.
SET LOCAL ROLE tradetape_owner;

CREATE TABLE public.prediction_outcome (
  outcome_id uuid PRIMARY KEY,
  prediction_id uuid NOT NULL REFERENCES public.model_prediction,
  symbol_id uuid NOT NULL REFERENCES public.symbol,
  "timestamp" timestamptz NOT NULL,
  model_version text NOT NULL,
  judged_by text NOT NULL,
  base_price double precision NOT NULL,
  base_at timestamptz NOT NULL,
  realised_price double precision NOT NULL,
  realised_return double precision,
  brier double precision,
  log_loss double precision,
  price_error double precision,
  backtest_session_id uuid REFERENCES public.backtest_session,
  revised_at timestamptz NOT NULL,
  published_at timestamptz NOT NULL,
  landed_at timestamptz NOT NULL DEFAULT now(),
  source_partition integer NOT NULL,
  source_offset bigint NOT NULL,
  CONSTRAINT model_version_not_empty CHECK (model_version <> ''),
  CONSTRAINT judged_by_not_empty CHECK (judged_by <> ''),
  CONSTRAINT outcome_not_before_base CHECK ("timestamp" >= base_at),
  CONSTRAINT brier_in_range CHECK (brier BETWEEN 0 AND 1),
  CONSTRAINT log_loss_not_negative CHECK (log_loss >= 0)
);
CREATE INDEX prediction_outcome_prediction ON public.prediction_outcome (prediction_id);
CREATE INDEX prediction_outcome_model ON public.prediction_outcome (model_version, symbol_id, "timestamp");
CREATE INDEX prediction_outcome_session ON public.prediction_outcome (backtest_session_id);

GRANT SELECT ON public.prediction_outcome TO tradetape_lander, tradetape_reader;
GRANT INSERT, UPDATE ON public.prediction_outcome TO tradetape_lander;

COMMENT ON TABLE public.prediction_outcome IS
  'What came of predictions, by the closes of bars. The greatest revision of an id stays.';
COMMENT ON COLUMN public.prediction_outcome.outcome_id IS 'UUID version 5 of (prediction, judged_by).';
COMMENT ON COLUMN public.prediction_outcome.prediction_id IS 'The prediction that was judged.';
COMMENT ON COLUMN public.prediction_outcome.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.prediction_outcome."timestamp" IS
  'When it was known: the end of the bar of realised_price, UTC. [UTC]';
COMMENT ON COLUMN public.prediction_outcome.model_version IS 'The model that made the prediction.';
COMMENT ON COLUMN public.prediction_outcome.judged_by IS 'The bars whose closes judge it: interval and source.';
COMMENT ON COLUMN public.prediction_outcome.base_price IS
  'The last close that was known at the prediction''s time. [quote currency]';
COMMENT ON COLUMN public.prediction_outcome.base_at IS 'When the bar of base_price ended, UTC. [UTC]';
COMMENT ON COLUMN public.prediction_outcome.realised_price IS
  'The first close at or after the end of the prediction''s horizon. [quote currency]';
COMMENT ON COLUMN public.prediction_outcome.realised_return IS
  'What the price made of base_price''s size, as a fraction; null where base_price is 0. [fraction]';
COMMENT ON COLUMN public.prediction_outcome.brier IS
  'The square of probability_up less 1 after a rise, else less 0; null without a probability. [0 to 1]';
COMMENT ON COLUMN public.prediction_outcome.log_loss IS
  'Minus the natural logarithm of the chance that was given to what came; null without a probability. [nats]';
COMMENT ON COLUMN public.prediction_outcome.price_error IS
  'predicted_price less realised_price; null without a predicted price. [quote currency]';
COMMENT ON COLUMN public.prediction_outcome.backtest_session_id IS
  'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.prediction_outcome.revised_at IS
  'Which revision this is: the greater one stays. [UTC]';
COMMENT ON COLUMN public.prediction_outcome.published_at IS
  'When the broker had the event that first told this content, never before that of the content it replaced. [UTC]';
COMMENT ON COLUMN public.prediction_outcome.landed_at IS 'When the row was written here. [UTC]';
COMMENT ON COLUMN public.prediction_outcome.source_partition IS 'The partition of the topic that the event came by.';
COMMENT ON COLUMN public.prediction_outcome.source_offset IS 'The offset of the event in that partition.';

SELECT tradetape.keep_revisions('prediction_outcome', 'outcome_id');
