-- What every table, view, column and function means, for people and for docs/tables.md. A unit stands in brackets at the end.
-- A column that is an event's field says what the field's doc in schemas/*.avsc says; a test compares. A later migration
-- that adds a table or a column gives it a comment, too, or the same test fails.
SET LOCAL ROLE tradetape_owner;

COMMENT ON TABLE public.symbol IS 'Instruments that other rows point at. The greatest revision of an id stays.';
COMMENT ON COLUMN public.symbol.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.symbol.ticker IS 'The venue''s own name for it, as in ''IBM'' or ''BTCUSDT''.';
COMMENT ON COLUMN public.symbol.exchange IS 'Where it is listed; null when one ticker means one instrument.';
COMMENT ON COLUMN public.symbol.asset_type IS
  'equity, crypto, future, fx, index or what the desk calls it; ''unknown'' when found in a feed.';
COMMENT ON COLUMN public.symbol.is_active IS 'Whether it is traded now.';
COMMENT ON COLUMN public.symbol.created_at IS 'When the desk took it up; null when it was found in a feed. [UTC]';
COMMENT ON COLUMN public.symbol.revised_at IS 'Which revision this is: the greater one stays. [UTC]';

COMMENT ON TABLE public.backtest_session IS
  'Runs whose events are kept apart: backtests, paper runs, replays, named live runs. The greatest revision of an '
  'id stays.';
COMMENT ON COLUMN public.backtest_session.backtest_session_id IS 'The session''s own id.';
COMMENT ON COLUMN public.backtest_session.kind IS 'What its events mean.';
COMMENT ON COLUMN public.backtest_session.name IS 'A title for people.';
COMMENT ON COLUMN public.backtest_session.status IS 'Where it stands; deleted is final.';
COMMENT ON COLUMN public.backtest_session.code_version IS 'The version of the code that ran, as in a git hash.';
COMMENT ON COLUMN public.backtest_session.config IS 'The run''s settings, as JSON text.';
COMMENT ON COLUMN public.backtest_session.config_sha256 IS
  'SHA-256 of the config, its keys sorted and without white space, in hex.';
COMMENT ON COLUMN public.backtest_session.data_set IS 'The data it read.';
COMMENT ON COLUMN public.backtest_session.started_at IS 'When it began. [UTC]';
COMMENT ON COLUMN public.backtest_session.ended_at IS 'When it ended. [UTC]';
COMMENT ON COLUMN public.backtest_session.result IS 'Its figures, as JSON text.';
COMMENT ON COLUMN public.backtest_session.revised_at IS 'Which revision this is: the greater one stays. [UTC]';

COMMENT ON TABLE public.market_data IS
  'Ticks and bars as one table, by interval: the branch market_data_tick holds interval ''tick'', market_data_bar '
  'everything else.';
COMMENT ON COLUMN public.market_data.market_data_id IS
  'The id of a tick or a bar, a UUID version 5 of its natural key.';
COMMENT ON COLUMN public.market_data.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.market_data."timestamp" IS 'When a tick was traded; the START of a bar. [UTC]';
COMMENT ON COLUMN public.market_data.open IS 'First price of a bar; null for a tick. [quote currency]';
COMMENT ON COLUMN public.market_data.high IS 'Highest price of a bar; null for a tick. [quote currency]';
COMMENT ON COLUMN public.market_data.low IS 'Lowest price of a bar; null for a tick. [quote currency]';
COMMENT ON COLUMN public.market_data.close IS 'Last price of a bar; the price of a tick. [quote currency]';
COMMENT ON COLUMN public.market_data.volume IS 'Traded size. [units of the instrument]';
COMMENT ON COLUMN public.market_data."interval" IS
  '''tick'', or the bar''s length: 1s, 1min, 5min, 1h, 1d and the like. It decides the branch.';
COMMENT ON COLUMN public.market_data.source IS 'The feed or data set it comes from.';
COMMENT ON COLUMN public.market_data.venue IS 'The venue''s code in the feed.';
COMMENT ON COLUMN public.market_data.received_at IS
  'When the feed handed the event to us; not part of its content. [UTC]';
COMMENT ON COLUMN public.market_data.revised_at IS
  'Which revision of a bar this is: the greater one stays; null for a tick. [UTC]';
COMMENT ON COLUMN public.market_data.backtest_session_id IS 'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.market_data.trade_id IS 'The venue''s id of the trade; null for a bar.';
COMMENT ON COLUMN public.market_data.conditions IS 'Sale conditions of a tick as the feed gives them; null for a bar.';
COMMENT ON COLUMN public.market_data.timestamp_ns IS
  'The nanoseconds 0 to 999 below the microsecond; 0 for a bar. [ns]';

COMMENT ON TABLE public.market_data_tick IS
  'Trades, with a partition per UTC day. The first event of an id stays. The view tick has them under their own '
  'names.';
COMMENT ON COLUMN public.market_data_tick.market_data_id IS
  'UUID version 5 of the trade''s natural key (schemas/ids.json).';
COMMENT ON COLUMN public.market_data_tick.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.market_data_tick."timestamp" IS 'When it was traded, UTC. [UTC]';
COMMENT ON COLUMN public.market_data_tick.timestamp_ns IS 'The nanoseconds 0 to 999 below the microsecond. [ns]';
COMMENT ON COLUMN public.market_data_tick.close IS 'The price; the view ''tick'' names it so. [quote currency]';
COMMENT ON COLUMN public.market_data_tick.volume IS
  'The size; the view ''tick'' names it so. [units of the instrument]';
COMMENT ON COLUMN public.market_data_tick.source IS 'The feed or data set it comes from.';
COMMENT ON COLUMN public.market_data_tick.trade_id IS 'The venue''s id of the trade.';
COMMENT ON COLUMN public.market_data_tick.venue IS 'The venue''s code in the feed.';
COMMENT ON COLUMN public.market_data_tick.conditions IS 'Sale conditions as the feed gives them.';
COMMENT ON COLUMN public.market_data_tick.received_at IS
  'When the feed handed the event to us; not part of its content. [UTC]';
COMMENT ON COLUMN public.market_data_tick.backtest_session_id IS
  'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.market_data_tick.open IS 'Null: a tick has none.';
COMMENT ON COLUMN public.market_data_tick.high IS 'Null: a tick has none.';
COMMENT ON COLUMN public.market_data_tick.low IS 'Null: a tick has none.';
COMMENT ON COLUMN public.market_data_tick."interval" IS 'Always ''tick''.';
COMMENT ON COLUMN public.market_data_tick.revised_at IS 'Null: a tick is never revised.';

COMMENT ON TABLE public.market_data_bar IS 'Bars of every interval. The greatest revision of an id stays.';
COMMENT ON COLUMN public.market_data_bar.market_data_id IS
  'UUID version 5 of (source, symbol, interval, start, session).';
COMMENT ON COLUMN public.market_data_bar.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.market_data_bar."timestamp" IS 'The START of the bar, UTC. [UTC]';
COMMENT ON COLUMN public.market_data_bar.open IS 'First price. [quote currency]';
COMMENT ON COLUMN public.market_data_bar.high IS 'Highest price. [quote currency]';
COMMENT ON COLUMN public.market_data_bar.low IS 'Lowest price. [quote currency]';
COMMENT ON COLUMN public.market_data_bar.close IS 'Last price. [quote currency]';
COMMENT ON COLUMN public.market_data_bar.volume IS 'Traded size. [units of the instrument]';
COMMENT ON COLUMN public.market_data_bar."interval" IS
  'The bar''s length: 1s, 1min, 5min, 1h, 1d and the like; never ''tick''.';
COMMENT ON COLUMN public.market_data_bar.source IS 'The feed or data set it comes from.';
COMMENT ON COLUMN public.market_data_bar.venue IS 'The venue''s code in the feed.';
COMMENT ON COLUMN public.market_data_bar.received_at IS
  'When the feed handed the event to us; not part of its content. [UTC]';
COMMENT ON COLUMN public.market_data_bar.revised_at IS 'Which revision this is: the greater one stays. [UTC]';
COMMENT ON COLUMN public.market_data_bar.backtest_session_id IS
  'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.market_data_bar.trade_id IS 'Null: a bar has none.';
COMMENT ON COLUMN public.market_data_bar.conditions IS 'Null: a bar has none.';
COMMENT ON COLUMN public.market_data_bar.timestamp_ns IS 'Always 0. [ns]';

COMMENT ON TABLE public.technical_indicator IS 'Values of technical indicators. The greatest revision of an id stays.';
COMMENT ON COLUMN public.technical_indicator.indicator_id IS
  'UUID version 5 of (symbol, timestamp, name, period, parameters, computed_by, session).';
COMMENT ON COLUMN public.technical_indicator.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.technical_indicator."timestamp" IS 'The time it is valid for, UTC. [UTC]';
COMMENT ON COLUMN public.technical_indicator.indicator_name IS 'SMA, EMA, RSI, MACD and the like.';
COMMENT ON COLUMN public.technical_indicator.indicator_value IS 'Its value.';
COMMENT ON COLUMN public.technical_indicator.period IS 'Its window in bars, where one number says it. [bars]';
COMMENT ON COLUMN public.technical_indicator.parameters IS
  'Its settings as JSON text, where one number does not: MACD 12/26/9.';
COMMENT ON COLUMN public.technical_indicator.computed_by IS 'The program or agent that computed it.';
COMMENT ON COLUMN public.technical_indicator.revised_at IS 'Which revision this is: the greater one stays. [UTC]';
COMMENT ON COLUMN public.technical_indicator.backtest_session_id IS
  'The session this event belongs to; null is live trading.';

COMMENT ON TABLE public.model_prediction IS 'What models expect. The first event of an id stays.';
COMMENT ON COLUMN public.model_prediction.prediction_id IS 'The prediction''s id, made by the agent.';
COMMENT ON COLUMN public.model_prediction.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.model_prediction."timestamp" IS 'When it was made, UTC. [UTC]';
COMMENT ON COLUMN public.model_prediction.predicted_price IS 'The expected price. [quote currency]';
COMMENT ON COLUMN public.model_prediction.probability_up IS 'The chance of a rise, 0 to 1. [0 to 1]';
COMMENT ON COLUMN public.model_prediction.confidence_score IS 'The model''s confidence, 0 to 1. [0 to 1]';
COMMENT ON COLUMN public.model_prediction.model_version IS 'The model that made it.';
COMMENT ON COLUMN public.model_prediction.backtest_session_id IS
  'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.model_prediction.published_at IS 'When the broker had the event. [UTC]';
COMMENT ON COLUMN public.model_prediction.landed_at IS 'When the row was written here. [UTC]';
COMMENT ON COLUMN public.model_prediction.source_partition IS 'The partition of the topic that the event came by.';
COMMENT ON COLUMN public.model_prediction.source_offset IS 'The offset of the event in that partition.';

COMMENT ON TABLE public.trade_decision IS 'What agents decided to do. The first event of an id stays.';
COMMENT ON COLUMN public.trade_decision.decision_id IS 'The decision''s id, made by the agent.';
COMMENT ON COLUMN public.trade_decision.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.trade_decision."timestamp" IS 'When it was taken, UTC. [UTC]';
COMMENT ON COLUMN public.trade_decision.action IS 'What to do.';
COMMENT ON COLUMN public.trade_decision.size IS 'How much; 0 for HOLD. [units of the instrument]';
COMMENT ON COLUMN public.trade_decision.predicted_roi IS 'The expected return, as a fraction. [fraction]';
COMMENT ON COLUMN public.trade_decision.model_reference IS 'The prediction it rests on.';
COMMENT ON COLUMN public.trade_decision.approved IS 'Whether the risk checks let it pass.';
COMMENT ON COLUMN public.trade_decision.strategy_id IS 'The strategy that took it.';
COMMENT ON COLUMN public.trade_decision.reason IS 'Why, for people: the checks that spoke.';
COMMENT ON COLUMN public.trade_decision.backtest_session_id IS
  'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.trade_decision.published_at IS 'When the broker had the event. [UTC]';
COMMENT ON COLUMN public.trade_decision.landed_at IS 'When the row was written here. [UTC]';
COMMENT ON COLUMN public.trade_decision.source_partition IS 'The partition of the topic that the event came by.';
COMMENT ON COLUMN public.trade_decision.source_offset IS 'The offset of the event in that partition.';

COMMENT ON TABLE public.trade_execution IS 'Execution reports of brokers. The first event of an id stays.';
COMMENT ON COLUMN public.trade_execution.execution_id IS 'The report''s id.';
COMMENT ON COLUMN public.trade_execution.decision_id IS 'The decision it carries out.';
COMMENT ON COLUMN public.trade_execution.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.trade_execution.executed_price IS
  'The price; null when nothing was executed. [quote currency]';
COMMENT ON COLUMN public.trade_execution.quantity IS
  'The size of this report; 0 when rejected or canceled. [units of the instrument]';
COMMENT ON COLUMN public.trade_execution.status IS 'What happened.';
COMMENT ON COLUMN public.trade_execution.broker IS 'Who reported it.';
COMMENT ON COLUMN public.trade_execution.latency_ms IS
  'Decision to report, in milliseconds; clocks may make it negative. [ms]';
COMMENT ON COLUMN public.trade_execution."timestamp" IS 'When it happened, UTC. [UTC]';
COMMENT ON COLUMN public.trade_execution.broker_execution_id IS 'The broker''s own id of the report.';
COMMENT ON COLUMN public.trade_execution.fee IS 'What it cost. [quote currency]';
COMMENT ON COLUMN public.trade_execution.backtest_session_id IS
  'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.trade_execution.published_at IS 'When the broker had the event. [UTC]';
COMMENT ON COLUMN public.trade_execution.landed_at IS 'When the row was written here. [UTC]';
COMMENT ON COLUMN public.trade_execution.source_partition IS 'The partition of the topic that the event came by.';
COMMENT ON COLUMN public.trade_execution.source_offset IS 'The offset of the event in that partition.';

COMMENT ON TABLE public.strategy_performance IS
  'What strategies earned, by window. The greatest revision of an id stays.';
COMMENT ON COLUMN public.strategy_performance.performance_id IS
  'UUID version 5 of (strategy, symbol, window, session).';
COMMENT ON COLUMN public.strategy_performance.strategy_id IS 'The strategy.';
COMMENT ON COLUMN public.strategy_performance.symbol_id IS 'The instrument; null is the whole portfolio.';
COMMENT ON COLUMN public.strategy_performance.window_start IS 'Start of the window, UTC. [UTC]';
COMMENT ON COLUMN public.strategy_performance.window_end IS 'End of the window, UTC. [UTC]';
COMMENT ON COLUMN public.strategy_performance.total_trades IS 'Closed trades in the window. [trades]';
COMMENT ON COLUMN public.strategy_performance.win_rate IS 'Winning share of the trades, 0 to 1. [0 to 1]';
COMMENT ON COLUMN public.strategy_performance.avg_roi IS 'Mean return of a trade, as a fraction. [fraction]';
COMMENT ON COLUMN public.strategy_performance.max_drawdown IS 'Largest fall from a peak, as a fraction. [fraction]';
COMMENT ON COLUMN public.strategy_performance.sharpe_ratio IS 'Sharpe ratio as its producer states it.';
COMMENT ON COLUMN public.strategy_performance.revised_at IS 'Which revision this is: the greater one stays. [UTC]';
COMMENT ON COLUMN public.strategy_performance.backtest_session_id IS
  'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.strategy_performance.published_at IS 'When the broker had the event. [UTC]';
COMMENT ON COLUMN public.strategy_performance.landed_at IS 'When the row was written here. [UTC]';
COMMENT ON COLUMN public.strategy_performance.source_partition IS 'The partition of the topic that the event came by.';
COMMENT ON COLUMN public.strategy_performance.source_offset IS 'The offset of the event in that partition.';

COMMENT ON TABLE public.audit_log IS
  'The audit trail, as a chain of hashes: it only grows. The first event of an id stays.';
COMMENT ON COLUMN public.audit_log.log_id IS 'The entry''s id; deterministic for everything the pipeline writes.';
COMMENT ON COLUMN public.audit_log."timestamp" IS 'When it happened, UTC. [UTC]';
COMMENT ON COLUMN public.audit_log.event_type IS
  'MODEL_RUN, TRADE_DECISION, TRADE_SUBMIT, TRADE_EXECUTION, RECEIPT, DEAD_LETTER and the like.';
COMMENT ON COLUMN public.audit_log.actor IS 'Who did it.';
COMMENT ON COLUMN public.audit_log.payload IS 'What happened, as JSON text.';
COMMENT ON COLUMN public.audit_log.success IS 'Whether it succeeded.';
COMMENT ON COLUMN public.audit_log.correlation_id IS 'The workflow it belongs to.';
COMMENT ON COLUMN public.audit_log.source_topic IS 'The topic it tells of.';
COMMENT ON COLUMN public.audit_log.source_partition IS 'The partition it tells of.';
COMMENT ON COLUMN public.audit_log.source_offset IS 'The offset it tells of; a receipt''s first.';
COMMENT ON COLUMN public.audit_log.backtest_session_id IS 'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.audit_log.seq IS 'Where the entry lies in the chain, from 1 without a gap.';
COMMENT ON COLUMN public.audit_log.prev_hash IS 'The hash of the entry before; 32 zero bytes for the first.';
COMMENT ON COLUMN public.audit_log.hash IS
  'SHA-256 of prev_hash and the content of the entry, as docs/audit.md encodes it.';

COMMENT ON VIEW public.tick IS 'The ticks of market_data_tick by names of their own.';
COMMENT ON COLUMN public.tick.market_data_id IS 'UUID version 5 of the trade''s natural key (schemas/ids.json).';
COMMENT ON COLUMN public.tick.symbol_id IS 'The instrument: UUID version 5 of (ticker, exchange).';
COMMENT ON COLUMN public.tick."timestamp" IS 'When it was traded, UTC. [UTC]';
COMMENT ON COLUMN public.tick.timestamp_ns IS 'The nanoseconds 0 to 999 below the microsecond. [ns]';
COMMENT ON COLUMN public.tick.source IS 'The feed or data set it comes from.';
COMMENT ON COLUMN public.tick.trade_id IS 'The venue''s id of the trade.';
COMMENT ON COLUMN public.tick.venue IS 'The venue''s code in the feed.';
COMMENT ON COLUMN public.tick.conditions IS 'Sale conditions as the feed gives them.';
COMMENT ON COLUMN public.tick.received_at IS 'When the feed handed the event to us; not part of its content. [UTC]';
COMMENT ON COLUMN public.tick.backtest_session_id IS 'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.tick.price IS 'The price. [quote currency]';
COMMENT ON COLUMN public.tick.size IS 'The size. [units of the instrument]';

COMMENT ON VIEW public.decision_execution IS
  'What the execution reports of each decision come to: partial fills summed.';
COMMENT ON COLUMN public.decision_execution.decision_id IS 'The decision.';
COMMENT ON COLUMN public.decision_execution.symbol_id IS 'The instrument of the reports.';
COMMENT ON COLUMN public.decision_execution.backtest_session_id IS
  'The session this event belongs to; null is live trading.';
COMMENT ON COLUMN public.decision_execution.reports IS 'Reports of every status.';
COMMENT ON COLUMN public.decision_execution.fills IS 'Reports with status FILLED.';
COMMENT ON COLUMN public.decision_execution.filled_quantity IS
  'The sum of the filled quantities. [units of the instrument]';
COMMENT ON COLUMN public.decision_execution.average_price IS
  'The mean price, weighted by quantity; null when nothing was filled. [quote currency]';
COMMENT ON COLUMN public.decision_execution.fees IS
  'The sum of the fees; null when no report has one. [quote currency]';
COMMENT ON COLUMN public.decision_execution.first_report IS 'When the first report happened. [UTC]';
COMMENT ON COLUMN public.decision_execution.last_report IS 'When the last report happened. [UTC]';

COMMENT ON COLUMN public.lineage.trace_id IS
  'The decision that is asked about, or a prediction that led to none: ask WHERE trace_id = ...';
COMMENT ON COLUMN public.lineage.rank IS
  'Sorts the steps: 1 bar, 2 indicator, 3 prediction, 4 decision, 5 fill, 6 audit.';
COMMENT ON COLUMN public.lineage.step IS 'What the row is: bar, indicator, prediction, decision, fill or audit.';
COMMENT ON COLUMN public.lineage.id IS 'The id of the bar, indicator, prediction, decision, fill or audit entry.';
COMMENT ON COLUMN public.lineage.parent_id IS
  'The id of the step that this one follows from; null for bars and indicators.';
COMMENT ON COLUMN public.lineage."timestamp" IS 'The event''s own time. [UTC]';
COMMENT ON COLUMN public.lineage.known_at IS 'When it could be known: the end of a bar, else its own time. [UTC]';
COMMENT ON COLUMN public.lineage.published_at IS
  'When the broker had the event; null for bars, indicators and audit entries. [UTC]';
COMMENT ON COLUMN public.lineage.landed_at IS
  'When the row was written here; null for bars, indicators and audit entries. [UTC]';
COMMENT ON COLUMN public.lineage.revised_at IS 'Which revision of a bar or indicator the table holds. [UTC]';
COMMENT ON COLUMN public.lineage.what IS 'The step in words.';
COMMENT ON COLUMN public.lineage.note IS 'Says that the bar or indicator was revised after the decision; else null.';
COMMENT ON COLUMN public.lineage.backtest_session_id IS 'The session this event belongs to; null is live trading.';

COMMENT ON COLUMN tradetape.database_id.database_id IS 'The id.';
COMMENT ON COLUMN tradetape.database_id.created_at IS 'When the database was migrated first. [UTC]';
COMMENT ON COLUMN tradetape.database_id.only_one IS 'Always true, and unique: there is one row.';

COMMENT ON TABLE tradetape.migration IS 'The files of schemas/sql that this database was made by.';
COMMENT ON COLUMN tradetape.migration.number IS 'The number that its name begins with.';
COMMENT ON COLUMN tradetape.migration.name IS 'The name of the file.';
COMMENT ON COLUMN tradetape.migration.sha256 IS 'SHA-256 of its text, in hex: a file that was applied never changes.';
COMMENT ON COLUMN tradetape.migration.applied_at IS 'When it was applied. [UTC]';

COMMENT ON TABLE tradetape.landed_offset IS
  'How far each partition has landed. Locking the row keeps a second owner out; next_offset is the only truth of '
  'what has landed.';
COMMENT ON COLUMN tradetape.landed_offset.topic IS 'The full name of the topic.';
COMMENT ON COLUMN tradetape.landed_offset.partition IS 'The partition.';
COMMENT ON COLUMN tradetape.landed_offset.next_offset IS 'The offset that lands next: all below it has landed.';
COMMENT ON COLUMN tradetape.landed_offset.cluster_id IS
  'The Kafka cluster that the partition lands from; null is not known.';
COMMENT ON COLUMN tradetape.landed_offset.last_offset IS
  'The offset of the last record that landed; null before the first.';
COMMENT ON COLUMN tradetape.landed_offset.updated_at IS 'When next_offset moved last. [UTC]';

COMMENT ON TABLE tradetape.landed_batch IS
  'The ledger: what became of each range of offsets. next_offset - first_offset = read + holes + lost; read = '
  'written + duplicate + replaced + dead + parked + filtered.';
COMMENT ON COLUMN tradetape.landed_batch.topic IS 'The full name of the topic.';
COMMENT ON COLUMN tradetape.landed_batch.partition IS 'The partition.';
COMMENT ON COLUMN tradetape.landed_batch.seq IS 'Numbers the rows of a partition.';
COMMENT ON COLUMN tradetape.landed_batch.kind IS
  'batch: a range of offsets; release: parked events that left; accepted_loss: a range that the log no longer has; '
  'removed: rows that were deleted on purpose.';
COMMENT ON COLUMN tradetape.landed_batch.first_offset IS 'The first offset of the range.';
COMMENT ON COLUMN tradetape.landed_batch.next_offset IS 'The offset behind the range.';
COMMENT ON COLUMN tradetape.landed_batch.holes IS
  'Offsets without a record: markers of transactions, and what compaction removed. [offsets]';
COMMENT ON COLUMN tradetape.landed_batch.lost IS 'Offsets whose loss somebody accepted. [offsets]';
COMMENT ON COLUMN tradetape.landed_batch.read IS 'Events read. [events]';
COMMENT ON COLUMN tradetape.landed_batch.written IS 'Events that became a row. [events]';
COMMENT ON COLUMN tradetape.landed_batch.duplicate IS 'Events whose id and content had landed before. [events]';
COMMENT ON COLUMN tradetape.landed_batch.replaced IS
  'Events that replaced a row as a greater revision of it, or came behind such a revision. [events]';
COMMENT ON COLUMN tradetape.landed_batch.dead IS 'Events that became a dead letter. [events]';
COMMENT ON COLUMN tradetape.landed_batch.parked IS
  'Events that wait for a parent; in a release, minus how many left. [events]';
COMMENT ON COLUMN tradetape.landed_batch.filtered IS
  'Events left out on purpose: by session, by day, by a replay. [events]';
COMMENT ON COLUMN tradetape.landed_batch.removed IS 'Rows deleted on purpose: dropped days, deleted sessions. [rows]';
COMMENT ON COLUMN tradetape.landed_batch.detail IS
  'What a person should find beside the row: why, by whom, from where to where.';
COMMENT ON COLUMN tradetape.landed_batch.landed_at IS 'When the range landed. [UTC]';

COMMENT ON TABLE tradetape.dead_letter IS
  'Events that could not become a row, whole, each with the reason. Never deleted: the state says what became of a '
  'letter.';
COMMENT ON COLUMN tradetape.dead_letter.topic IS 'The full name of the topic.';
COMMENT ON COLUMN tradetape.dead_letter.partition IS 'The partition.';
COMMENT ON COLUMN tradetape.dead_letter."offset" IS 'The offset of the event in the partition.';
COMMENT ON COLUMN tradetape.dead_letter.reason IS
  'Why, as a code: missing_parent, conflicting_duplicate, refused and the like.';
COMMENT ON COLUMN tradetape.dead_letter.detail IS 'Why, as a sentence.';
COMMENT ON COLUMN tradetape.dead_letter.column_name IS 'The column that is wrong, where one can be named.';
COMMENT ON COLUMN tradetape.dead_letter.sqlstate IS 'PostgreSQL''s code, where PostgreSQL refused the row.';
COMMENT ON COLUMN tradetape.dead_letter.key IS 'The key of the message.';
COMMENT ON COLUMN tradetape.dead_letter.value IS 'The value of the message, byte for byte.';
COMMENT ON COLUMN tradetape.dead_letter.headers IS
  'The headers of the message: by name a value in base64, or a list where a name repeats.';
COMMENT ON COLUMN tradetape.dead_letter.published_at IS 'When the broker had the event. [UTC]';
COMMENT ON COLUMN tradetape.dead_letter.dead_at IS 'When it was set aside. [UTC]';
COMMENT ON COLUMN tradetape.dead_letter.state IS 'open, redriven or discarded.';
COMMENT ON COLUMN tradetape.dead_letter.acted_at IS 'When it was redriven or discarded. [UTC]';
COMMENT ON COLUMN tradetape.dead_letter.acted_by IS 'Who redrove or discarded it.';

COMMENT ON TABLE tradetape.parked_event IS 'Events that wait for a parent, whole.';
COMMENT ON COLUMN tradetape.parked_event.topic IS 'The full name of the topic.';
COMMENT ON COLUMN tradetape.parked_event.partition IS 'The partition.';
COMMENT ON COLUMN tradetape.parked_event."offset" IS 'The offset of the event in the partition.';
COMMENT ON COLUMN tradetape.parked_event.event_id IS 'The id of the event.';
COMMENT ON COLUMN tradetape.parked_event.key IS 'The key of the message.';
COMMENT ON COLUMN tradetape.parked_event.value IS 'The value of the message, byte for byte.';
COMMENT ON COLUMN tradetape.parked_event.headers IS
  'The headers of the message: by name a value in base64, or a list where a name repeats.';
COMMENT ON COLUMN tradetape.parked_event.published_at IS 'When the broker had the event. [UTC]';
COMMENT ON COLUMN tradetape.parked_event.parked_at IS 'When it was parked. [UTC]';

COMMENT ON TABLE tradetape.outbox IS
  'Messages that committed with the rows and are still to be published. A message is deleted when the broker has '
  'acknowledged it.';
COMMENT ON COLUMN tradetape.outbox.outbox_id IS 'The order of publishing.';
COMMENT ON COLUMN tradetape.outbox.source_topic IS 'The full name of the topic whose group publishes the message.';
COMMENT ON COLUMN tradetape.outbox.source_partition IS 'The partition of that topic whose owner publishes it.';
COMMENT ON COLUMN tradetape.outbox.topic IS 'The full name of the topic that it goes to.';
COMMENT ON COLUMN tradetape.outbox.key IS 'The key of the message.';
COMMENT ON COLUMN tradetape.outbox.value IS 'The value of the message.';
COMMENT ON COLUMN tradetape.outbox.headers IS 'The headers of the message: by name a value in base64.';
COMMENT ON COLUMN tradetape.outbox.created_at IS 'When it was committed. [UTC]';

COMMENT ON TABLE tradetape.replay_run IS
  'Replays that filled this database from the topics. One is unfinished at most.';
COMMENT ON COLUMN tradetape.replay_run.run_id IS 'The id of the run.';
COMMENT ON COLUMN tradetape.replay_run.plan_digest IS
  'The digest of what was asked, by which a run that was cut off is found again.';
COMMENT ON COLUMN tradetape.replay_run.state IS
  'What it does now: loading, settling, indexing, verifying, telling or finished.';
COMMENT ON COLUMN tradetape.replay_run.counts IS 'What it read, wrote and set aside, by topic.';
COMMENT ON COLUMN tradetape.replay_run.result IS 'What verify said at the end.';
COMMENT ON COLUMN tradetape.replay_run.started_at IS 'When it began. [UTC]';
COMMENT ON COLUMN tradetape.replay_run.updated_at IS 'When the row changed last. [UTC]';
COMMENT ON COLUMN tradetape.replay_run.finished_at IS 'When it finished; null before. [UTC]';

COMMENT ON COLUMN tradetape.day_table.table_name IS 'The table, of the schema public.';
COMMENT ON COLUMN tradetape.day_table.keep_from IS 'The first day that is kept; null while none was dropped. [UTC day]';
COMMENT ON COLUMN tradetape.day_table.moved_at IS 'When keep_from moved last. [UTC]';
COMMENT ON COLUMN tradetape.day_table.moved_by IS 'Who moved it.';

COMMENT ON FUNCTION tradetape.bar_length(text) IS
  'The length of a bar by its interval''s name; null for a name that is none.';
COMMENT ON FUNCTION tradetape.make_day(text, date) IS
  'Makes the partition of a UTC day: true when it made it, false when it is there, null for a day before keep_from.';
COMMENT ON FUNCTION tradetape.refuse_audit_change() IS 'Refuses every change of audit_log but an insert.';
