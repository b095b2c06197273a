// Made from schemas/*.avsc by `npm run generate`; change those.

/** An instrument that other events point at. */
export type SymbolEvent = {
  /** The instrument: UUID version 5 of (ticker, exchange). */
  symbol_id: string;
  /** The venue's own name for it, as in 'IBM' or 'BTCUSDT'. */
  ticker: string;
  /** Where it is listed; null when one ticker means one instrument. */
  exchange?: string | null;
  /** equity, crypto, future, fx, index or what the desk calls it; 'unknown' when found in a feed. */
  asset_type?: string;
  /** Whether it is traded now. */
  is_active?: boolean;
  /** When the desk took it up; null when it was found in a feed. Microseconds since 1970, UTC. */
  created_at?: number | null;
  /** Which revision this is: the greater one stays. Null takes the broker's time. Microseconds since 1970, UTC. */
  revised_at?: number | null;
};

/** A run whose events are kept apart: a backtest, a paper run, a replay, or a named live run. */
export type SessionEvent = {
  /** The session's own id. */
  backtest_session_id: string;
  /** What its events mean. */
  kind: "live" | "paper" | "backtest" | "replay";
  /** A title for people. */
  name?: string | null;
  /** Where it stands; deleted is final. */
  status: "created" | "running" | "completed" | "failed" | "deleted";
  /** The version of the code that ran, as in a git hash. */
  code_version?: string | null;
  /** The run's settings, as JSON text. */
  config?: string | null;
  /** SHA-256 of the config, its keys sorted and without white space, in hex. */
  config_sha256?: string | null;
  /** The data it read. */
  data_set?: string | null;
  /** When it began. Microseconds since 1970, UTC. */
  started_at?: number | null;
  /** When it ended. Microseconds since 1970, UTC. */
  ended_at?: number | null;
  /** Its figures, as JSON text. */
  result?: string | null;
  /** Which revision this is: the greater one stays. Null takes the broker's time. Microseconds since 1970, UTC. */
  revised_at?: number | null;
};

/** One trade on a venue. The first event of an id stays. */
export type TickEvent = {
  /** UUID version 5 of the trade's natural key (schemas/ids.json). */
  market_data_id: string;
  /** The instrument: UUID version 5 of (ticker, exchange). */
  symbol_id: string;
  /** When it was traded, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** The nanoseconds 0 to 999 below the microsecond. */
  timestamp_ns?: number;
  /** The price; the view 'tick' names it so. */
  close: number;
  /** The size; the view 'tick' names it so. */
  volume: number;
  /** The feed or data set it comes from. */
  source: string;
  /** The venue's id of the trade. */
  trade_id?: string | null;
  /** The venue's code in the feed. */
  venue?: string | null;
  /** Sale conditions as the feed gives them. */
  conditions?: readonly string[] | null;
  /** When the feed handed the event to us; not part of its content. Microseconds since 1970, UTC. */
  received_at?: number | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** The best bid and ask of an instrument at one time. The first event of an id stays. */
export type QuoteEvent = {
  /** UUID version 5 of the quote's natural key (schemas/ids.json). */
  quote_id: string;
  /** The instrument: UUID version 5 of (ticker, exchange). */
  symbol_id: string;
  /** When it was quoted, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** The nanoseconds 0 to 999 below the microsecond. */
  timestamp_ns?: number;
  /** The best bid's price, which may be negative; null when nobody bids. It may lie above ask_price (crossed) or on it (locked). */
  bid_price?: number | null;
  /** The size at bid_price; null when nobody bids, or the feed tells no sizes. */
  bid_size?: number | null;
  /** The best ask's price, which may be negative; null when nobody asks. Not both prices are null. */
  ask_price?: number | null;
  /** The size at ask_price; null when nobody asks, or the feed tells no sizes. */
  ask_size?: number | null;
  /** The feed or data set it comes from. */
  source: string;
  /** The feed's number of the quote, where no other quote of the source, instrument, venue and UTC day has it. */
  sequence?: string | null;
  /** The venue's code in the feed. */
  venue?: string | null;
  /** Quote conditions as the feed gives them. */
  conditions?: readonly string[] | null;
  /** When the feed handed the event to us; not part of its content. Microseconds since 1970, UTC. */
  received_at?: number | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** One bar of one interval. The greatest revision of an id stays. */
export type BarEvent = {
  /** UUID version 5 of (source, symbol, interval, start, session). */
  market_data_id: string;
  /** The instrument: UUID version 5 of (ticker, exchange). */
  symbol_id: string;
  /** The START of the bar, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** First price. */
  open: number;
  /** Highest price. */
  high: number;
  /** Lowest price. */
  low: number;
  /** Last price. */
  close: number;
  /** Traded size. */
  volume: number;
  /** The bar's length: 1s, 1min, 5min, 1h, 1d and the like; never 'tick'. */
  interval: string;
  /** The feed or data set it comes from. */
  source: string;
  /** The venue's code in the feed. */
  venue?: string | null;
  /** When the feed handed the event to us; not part of its content. Microseconds since 1970, UTC. */
  received_at?: number | null;
  /** Which revision this is: the greater one stays. Null takes the broker's time. Microseconds since 1970, UTC. */
  revised_at?: number | null;
  /** The END of the bar, not counted in, UTC; null where nobody knows it. Microseconds since 1970, UTC. */
  ends_at?: number | null;
  /** When the trade that gave open was made; null where the source tells no trades. Microseconds since 1970, UTC. */
  first_trade_at?: number | null;
  /** When the trade that gave close was made; null where the source tells no trades. Microseconds since 1970, UTC. */
  last_trade_at?: number | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** One value of one technical indicator. The greatest revision of an id stays. */
export type IndicatorEvent = {
  /** UUID version 5 of (symbol, timestamp, name, period, parameters, computed_by, session). */
  indicator_id: string;
  /** The instrument: UUID version 5 of (ticker, exchange). */
  symbol_id: string;
  /** The time it is valid for, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** SMA, EMA, RSI, MACD and the like. */
  indicator_name: string;
  /** Its value. */
  indicator_value: number;
  /** Its window in bars, where one number says it. */
  period?: number | null;
  /** Its settings as JSON text, where one number does not: MACD 12/26/9. */
  parameters?: string | null;
  /** The program or agent that computed it. */
  computed_by: string;
  /** Which revision this is: the greater one stays. Null takes the broker's time. Microseconds since 1970, UTC. */
  revised_at?: number | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** What a model expects. The first event of an id stays. */
export type PredictionEvent = {
  /** The prediction's id, made by the agent. */
  prediction_id: string;
  /** The instrument: UUID version 5 of (ticker, exchange). */
  symbol_id: string;
  /** When it was made, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** The expected price. */
  predicted_price?: number | null;
  /** The chance of a rise, 0 to 1. */
  probability_up?: number | null;
  /** The model's confidence, 0 to 1. */
  confidence_score?: number | null;
  /** The model that made it. */
  model_version: string;
  /** The source of the prices that it is about, as bars name it. */
  price_source?: string | null;
  /** How long after its time that which it expects is due, as bars' lengths are written: 5min, 1d. */
  horizon?: string | null;
  /** What it was made of, as JSON: a list of {kind, id, known_at, value}, where the last two need not be told. */
  inputs?: string | null;
  /** The time of the newest information used: the end of the latest bar, the time of the latest tick. Microseconds since 1970, UTC. */
  known_until?: number | null;
  /** SHA-256, in hex, of the features that it was made of, where they are too many to name. */
  features_sha256?: string | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** What an agent decided to do. The first event of an id stays. */
export type DecisionEvent = {
  /** The decision's id, made by the agent. */
  decision_id: string;
  /** The instrument: UUID version 5 of (ticker, exchange). */
  symbol_id: string;
  /** When it was taken, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** What to do. */
  action: "BUY" | "SELL" | "HOLD";
  /** How much; 0 for HOLD. */
  size: number;
  /** The expected return, as a fraction. */
  predicted_roi?: number | null;
  /** The prediction it rests on. */
  model_reference?: string | null;
  /** Whether the risk checks let it pass. */
  approved: boolean;
  /** The strategy that took it. */
  strategy_id?: string | null;
  /** Why, for people: the checks that spoke. */
  reason?: string | null;
  /** The source of the prices that it is about, as bars name it. */
  price_source?: string | null;
  /** The price that the agent saw as it decided. */
  decision_price?: number | null;
  /** What it was made of, as JSON: a list of {kind, id, known_at, value}, where the last two need not be told. */
  inputs?: string | null;
  /** The time of the newest information used: the end of the latest bar, the time of the latest tick. Microseconds since 1970, UTC. */
  known_until?: number | null;
  /** SHA-256, in hex, of the features that it was made of, where they are too many to name. */
  features_sha256?: string | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** One execution report of a broker. The first event of an id stays. */
export type FillEvent = {
  /** The report's id. */
  execution_id: string;
  /** The decision it carries out. */
  decision_id: string;
  /** The instrument: UUID version 5 of (ticker, exchange). */
  symbol_id: string;
  /** The price; null when nothing was executed. */
  executed_price?: number | null;
  /** The size of this report; 0 when rejected or canceled. */
  quantity: number;
  /** What happened. */
  status: "FILLED" | "REJECTED" | "CANCELED";
  /** Who reported it. */
  broker: string;
  /** From when the order could go to the report, in milliseconds; clocks may make it negative. */
  latency_ms?: number | null;
  /** When it happened, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** The broker's own id of the report. */
  broker_execution_id?: string | null;
  /** What it cost. */
  fee?: number | null;
  /** The source of the price, as bars name it. */
  price_source?: string | null;
  /** The time of the trade or quote that gave the price; of a bar that doesn't tell it the last microsecond. Microseconds since 1970, UTC. */
  priced_at?: number | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** What a strategy earned in a window. The greatest revision of an id stays. */
export type PerformanceEvent = {
  /** UUID version 5 of (strategy, symbol, window, session). */
  performance_id: string;
  /** The strategy. */
  strategy_id: string;
  /** The instrument; null is the whole portfolio. */
  symbol_id?: string | null;
  /** Start of the window, UTC. Microseconds since 1970, UTC. */
  window_start: number;
  /** End of the window, UTC. Microseconds since 1970, UTC. */
  window_end: number;
  /** Trades closed in the window, from flat to flat or to the other side of zero. */
  total_trades: number;
  /** Share of the trades that made money after fees, 0 to 1. */
  win_rate?: number | null;
  /** Mean return of a trade, after fees over its entries' notional, as a fraction. */
  avg_roi?: number | null;
  /** Largest fall from a peak of the equity, marked daily, as a fraction of the peak. */
  max_drawdown?: number | null;
  /** Mean over deviation of the trades' returns: per trade, not annualised. */
  sharpe_ratio?: number | null;
  /** Up to when a window that wasn't over is counted, UTC; null is the whole window. Microseconds since 1970, UTC. */
  as_of?: number | null;
  /** How many of the trades have no return, since their entries' notional is 0. */
  trades_without_return?: number | null;
  /** What was made in the window: realised, and the change of what is unrealised. */
  pnl?: number | null;
  /** What exits made against the average cost, less all fees of the window. */
  realised_pnl?: number | null;
  /** What the open position would make at its last close. */
  unrealised_pnl?: number | null;
  /** What the executions of the window cost. */
  fees?: number | null;
  /** Quantity that is open at the window's end, a short one below 0; null of a portfolio. */
  open_position?: number | null;
  /** Largest fall from a peak of the equity, marked daily, in money. */
  max_drawdown_money?: number | null;
  /** Mean over deviation of the daily returns, times the root of 252 days a year. */
  sharpe_annualised?: number | null;
  /** How many daily returns there are. */
  daily_returns?: number | null;
  /** Money that daily returns are of, with what was made; null: they are of what was at stake. */
  capital?: number | null;
  /** The bars whose closes mark open positions: interval and source. */
  marked_by?: string | null;
  /** Which revision this is: the greater one stays. Null takes the broker's time. Microseconds since 1970, UTC. */
  revised_at?: number | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** What came of a prediction. The greatest revision of an id stays. */
export type OutcomeEvent = {
  /** UUID version 5 of (prediction, judged_by). */
  outcome_id: string;
  /** The prediction that was judged. */
  prediction_id: string;
  /** The instrument: UUID version 5 of (ticker, exchange). */
  symbol_id: string;
  /** When it was known: the end of the bar of realised_price, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** The model that made the prediction. */
  model_version: string;
  /** The bars whose closes judge it: interval and source. */
  judged_by: string;
  /** The last close that was known at the prediction's time. */
  base_price: number;
  /** When the bar of base_price ended, UTC. Microseconds since 1970, UTC. */
  base_at: number;
  /** The first close at or after the end of the prediction's horizon. */
  realised_price: number;
  /** What the price made of base_price's size, as a fraction; null where base_price is 0. */
  realised_return?: number | null;
  /** The square of probability_up less 1 after a rise, else less 0; null without a probability. */
  brier?: number | null;
  /** Minus the natural logarithm of the chance that was given to what came; null without a probability. */
  log_loss?: number | null;
  /** predicted_price less realised_price; null without a predicted price. */
  price_error?: number | null;
  /** Which revision this is: the greater one stays. Null takes the broker's time. Microseconds since 1970, UTC. */
  revised_at?: number | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** One call of a model or a tool: what was asked, what was answered, and what it led to. The first event of an id stays. */
export type CallEvent = {
  /** The call's id, made by the agent. */
  call_id: string;
  /** When it began, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** When its answer was whole, or it had failed, UTC. Microseconds since 1970, UTC. */
  ended_at: number;
  /** Whether a model was asked or a tool was used. */
  kind: "MODEL" | "TOOL";
  /** The program that called. */
  actor: string;
  /** What was called: the path of a model's interface, or the tool's name. */
  name: string;
  /** Who was asked: the host of a model's interface. */
  provider?: string | null;
  /** The model that was asked for, by its name there. */
  model?: string | null;
  /** How it was asked, as JSON: what the request holds beside the model, the conversation and the tools. */
  parameters?: string | null;
  /** The seed that was asked for, where it is a whole number within 2^53. */
  seed?: number | null;
  /** How many tokens the provider counted in the request. */
  input_tokens?: number | null;
  /** How many tokens the provider counted in the answer. */
  output_tokens?: number | null;
  /** What it cost, as the agent reckons, in the currency of its books. */
  cost?: number | null;
  /** The HTTP status of a model's answer. */
  status?: number | null;
  /** Why the model stopped, in the provider's word. */
  finish_reason?: string | null;
  /** What went wrong; null of a call that succeeded. */
  error?: string | null;
  /** What was asked, redacted; null where it lies in pieces, or is no text and isn't kept. */
  request?: string | null;
  /** The SHA-256 of each content that together make the request, in order, in hex; null where it is whole here, or not kept. */
  request_pieces?: readonly string[] | null;
  /** SHA-256, in hex, of the whole request as it is kept; of its bytes where it is no text. */
  request_sha256: string;
  /** How many bytes that request has, as UTF-8. */
  request_bytes: number;
  /** What was answered, redacted; null where it lies in pieces, is no text and isn't kept, or never came. */
  response?: string | null;
  /** The SHA-256 of each content that together make the answer, in order, in hex; null where it is whole here, or not kept. */
  response_pieces?: readonly string[] | null;
  /** SHA-256, in hex, of the whole answer as it is kept; of its bytes where it is no text; null where none came. */
  response_sha256?: string | null;
  /** How many bytes that answer has, as UTF-8; null where none came. */
  response_bytes?: number | null;
  /** The answer's content type, which tells a stream of events from a whole document. */
  response_type?: string | null;
  /** The rules by which something was taken out of the bodies; null where nothing was. */
  redacted?: readonly string[] | null;
  /** The call that led to this one: of a tool the model's that asked for it; null where none did. */
  parent_call_id?: string | null;
  /** The prediction that it led to, which need not be there yet, nor ever. */
  prediction_id?: string | null;
  /** The decision that it led to, which need not be there yet, nor ever. */
  decision_id?: string | null;
  /** The strategy that it was made for. */
  strategy_id?: string | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** A piece of what calls asked or answered, kept once for all calls of its session. The first event of an id stays. */
export type ContentEvent = {
  /** The content's id: UUID version 5 of (sha256, session). */
  content_id: string;
  /** SHA-256, in hex, of body as UTF-8: the name that calls know it by. */
  sha256: string;
  /** When it was sent, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** The text: a piece of a call's request or answer, or the whole of one. */
  body: string;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** One entry of the audit trail. The first event of an id stays. */
export type AuditEvent = {
  /** The entry's id; deterministic for everything the pipeline writes. */
  log_id: string;
  /** When it happened, UTC. Microseconds since 1970, UTC. */
  timestamp: number;
  /** MODEL_RUN, TRADE_DECISION, TRADE_SUBMIT, TRADE_EXECUTION, RECEIPT, DEAD_LETTER and the like. */
  event_type: string;
  /** Who did it. */
  actor: string;
  /** What happened, as JSON text. */
  payload: string;
  /** Whether it succeeded. */
  success?: boolean;
  /** The workflow it belongs to. */
  correlation_id?: string | null;
  /** The topic it tells of. */
  source_topic?: string | null;
  /** The partition it tells of. */
  source_partition?: number | null;
  /** The offset it tells of; a receipt's first. */
  source_offset?: number | null;
  /** The session this event belongs to; null is live trading. */
  backtest_session_id?: string | null;
};

/** The fields that hold times, in whichever event. */
export type TimeField =
  | "created_at"
  | "revised_at"
  | "started_at"
  | "ended_at"
  | "timestamp"
  | "received_at"
  | "ends_at"
  | "first_trade_at"
  | "last_trade_at"
  | "known_until"
  | "priced_at"
  | "window_start"
  | "window_end"
  | "as_of"
  | "base_at";

/** The event of each topic. */
export interface EventOfTopic {
  symbols: SymbolEvent;
  sessions: SessionEvent;
  ticks: TickEvent;
  quotes: QuoteEvent;
  bars: BarEvent;
  indicators: IndicatorEvent;
  predictions: PredictionEvent;
  decisions: DecisionEvent;
  fills: FillEvent;
  performance: PerformanceEvent;
  outcomes: OutcomeEvent;
  calls: CallEvent;
  contents: ContentEvent;
  audit: AuditEvent;
}
