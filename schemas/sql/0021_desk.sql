-- What a desk asks about orders, and what its agents say they used. Money and open positions are in no view: one book, of
-- src/strategy/book.ts, counts them for strategy_performance and for `tradetape desk`.
SET LOCAL ROLE tradetape_owner;

CREATE VIEW public.trade_order AS
SELECT d.decision_id, d.symbol_id, d.strategy_id, d.backtest_session_id, d."timestamp", d.action, d.size, d.approved,
  CASE WHEN NOT d.approved THEN 'refused'
    WHEN e.filled_quantity >= d.size * (1 - 1e-9) THEN 'filled'
    WHEN e.rejected > 0 THEN 'rejected'
    WHEN e.canceled > 0 THEN 'canceled'
    WHEN e.filled_quantity > 0 THEN 'partial'
    ELSE 'open' END AS state,
  CASE WHEN NOT d.approved THEN coalesce(
    (SELECT array_agg(split_part(btrim(part), ':', 1) ORDER BY n)
     FROM unnest((string_to_array(d.reason, ';'))[2:]) WITH ORDINALITY AS told(part, n)), ARRAY[d.reason]) END AS refused_by,
  d.reason, coalesce(e.filled_quantity, 0) AS filled_quantity, e.average_price, e.fees,
  coalesce(e.fills, 0) AS fills, coalesce(e.rejected, 0) AS rejected, coalesce(e.canceled, 0) AS canceled,
  e.first_report, e.last_report, d.price_source, d.decision_price,
  CASE d.action WHEN 'BUY' THEN e.average_price - d.decision_price ELSE d.decision_price - e.average_price END AS slippage
FROM public.trade_decision d LEFT JOIN (
  SELECT decision_id, count(*) FILTER (WHERE status = 'FILLED') AS fills,
    count(*) FILTER (WHERE status = 'REJECTED') AS rejected, count(*) FILTER (WHERE status = 'CANCELED') AS canceled,
    coalesce(sum(quantity) FILTER (WHERE status = 'FILLED'), 0) AS filled_quantity,
    sum(executed_price * quantity) FILTER (WHERE status = 'FILLED')
      / nullif(sum(quantity) FILTER (WHERE status = 'FILLED'), 0) AS average_price,
    sum(fee) AS fees, min("timestamp") AS first_report, max("timestamp") AS last_report
  FROM public.trade_execution GROUP BY decision_id
) e USING (decision_id)
WHERE d.action <> 'HOLD';

-- Other programs write these lists, too: an item may be anything.
CREATE VIEW public.decision_input AS
SELECT d.decision_id, d.strategy_id, d.symbol_id, d.backtest_session_id, d."timestamp", g.told_by, i.n::integer AS n,
  i.input ->> 'kind' AS kind, i.input ->> 'id' AS id, i.input ->> 'value' AS value,
  CASE jsonb_typeof(i.input -> 'known_at') WHEN 'number' THEN
    timestamptz 'epoch' + (i.input ->> 'known_at')::float8 * interval '1 microsecond' END AS known_at
FROM public.trade_decision d LEFT JOIN public.model_prediction p ON p.prediction_id = d.model_reference
CROSS JOIN LATERAL (VALUES ('decision', d.inputs), ('prediction', p.inputs)) AS g(told_by, inputs)
CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(g.inputs) WHEN 'array' THEN g.inputs END)
  WITH ORDINALITY AS i(input, n);

GRANT SELECT ON public.trade_order, public.decision_input TO tradetape_reader;

COMMENT ON VIEW public.trade_order IS
  'Decisions to buy or sell as orders: what became of each, by its execution reports.';
COMMENT ON COLUMN public.trade_order.decision_id IS 'The decision.';
COMMENT ON COLUMN public.trade_order.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.trade_order.strategy_id IS 'The strategy that took the decision.';
COMMENT ON COLUMN public.trade_order.backtest_session_id IS 'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.trade_order.timestamp IS 'When the decision was taken, UTC. [UTC]';
COMMENT ON COLUMN public.trade_order.action IS 'BUY or SELL.';
COMMENT ON COLUMN public.trade_order.size IS 'How much was ordered. [units of the instrument]';
COMMENT ON COLUMN public.trade_order.approved IS 'Whether the risk checks let it pass.';
COMMENT ON COLUMN public.trade_order.state IS
  'refused: not approved; filled: all of its size; rejected or canceled: a report says so and not all was filled; partial: some was filled and no report ended it; open: no fill, and no end.';
COMMENT ON COLUMN public.trade_order.refused_by IS
  'Of a refused order: the names before the colon in each part of reason but the first, as in ''buy: up; position: 10 held''; the whole reason where it has no such part.';
COMMENT ON COLUMN public.trade_order.reason IS 'Why, for people: the checks that spoke.';
COMMENT ON COLUMN public.trade_order.filled_quantity IS 'The sum of the filled quantities. [units of the instrument]';
COMMENT ON COLUMN public.trade_order.average_price IS
  'The mean price, weighted by quantity; null when nothing was filled. [quote currency]';
COMMENT ON COLUMN public.trade_order.fees IS 'The sum of the fees; null when no report has one. [quote currency]';
COMMENT ON COLUMN public.trade_order.fills IS 'Reports with status FILLED.';
COMMENT ON COLUMN public.trade_order.rejected IS 'Reports with status REJECTED.';
COMMENT ON COLUMN public.trade_order.canceled IS 'Reports with status CANCELED.';
COMMENT ON COLUMN public.trade_order.first_report IS 'When the first report happened. [UTC]';
COMMENT ON COLUMN public.trade_order.last_report IS 'When the last report happened. [UTC]';
COMMENT ON COLUMN public.trade_order.price_source IS
  'The source of the prices that the decision is about, as bars name it.';
COMMENT ON COLUMN public.trade_order.decision_price IS 'The price that the agent saw as it decided. [quote currency]';
COMMENT ON COLUMN public.trade_order.slippage IS
  'What one unit cost more, or brought less, than decision_price. [quote currency]';

COMMENT ON VIEW public.decision_input IS
  'What decisions say they were made of, themselves or by their prediction: a row for each item of inputs.';
COMMENT ON COLUMN public.decision_input.decision_id IS 'The decision.';
COMMENT ON COLUMN public.decision_input.strategy_id IS 'The strategy that took it.';
COMMENT ON COLUMN public.decision_input.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.decision_input.backtest_session_id IS
  'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.decision_input.timestamp IS 'When the decision was taken, UTC. [UTC]';
COMMENT ON COLUMN public.decision_input.told_by IS 'decision or prediction: whose inputs name it.';
COMMENT ON COLUMN public.decision_input.n IS 'Its place in the list, from 1.';
COMMENT ON COLUMN public.decision_input.kind IS 'The kind of event: bar, indicator, prediction and the like.';
COMMENT ON COLUMN public.decision_input.id IS 'The id of that event, as it was told.';
COMMENT ON COLUMN public.decision_input.value IS 'The number that was used, as it was told; null where none was.';
COMMENT ON COLUMN public.decision_input.known_at IS
  'Which revision it was: when the broker had it; null where it was not told. [UTC]';
