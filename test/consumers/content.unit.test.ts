import { expect, it } from "vitest";
import { CONSUMERS } from "../../consumers/all.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import { contentColumns, type LandingTable } from "../../src/table/rows/landing-table.ts";

/** What each kind's content was decided to be. A field that is neither here nor declared otherwise is a question. */
const CONTENT: { readonly [T in EventTopic]: readonly string[] } = {
  symbols: ["ticker", "exchange", "asset_type", "is_active", "created_at"],
  sessions: [
    ...["kind", "name", "status", "code_version", "config", "config_sha256", "data_set", "started_at", "ended_at"],
    "result",
  ],
  ticks: ["timestamp_ns", "close", "volume", "source", "trade_id", "venue", "conditions", "backtest_session_id"],
  quotes: [
    ...["timestamp_ns", "bid_price", "bid_size", "ask_price", "ask_size", "source", "sequence", "venue", "conditions"],
    "backtest_session_id",
  ],
  bars: [
    ...["open", "high", "low", "close", "volume", "interval", "source", "venue", "ends_at", "first_trade_at"],
    ...["last_trade_at", "backtest_session_id"],
  ],
  indicators: ["indicator_name", "indicator_value", "period", "parameters", "computed_by", "backtest_session_id"],
  predictions: [
    ...["symbol_id", "timestamp", "predicted_price", "probability_up", "confidence_score", "model_version"],
    "backtest_session_id",
  ],
  decisions: [
    ...["symbol_id", "timestamp", "action", "size", "predicted_roi", "model_reference", "approved", "strategy_id"],
    ...["reason", "backtest_session_id"],
  ],
  fills: [
    ...["decision_id", "symbol_id", "executed_price", "quantity", "status", "broker", "latency_ms", "timestamp"],
    ...["broker_execution_id", "fee", "backtest_session_id"],
  ],
  performance: [
    ...["strategy_id", "symbol_id", "window_start", "window_end", "total_trades", "win_rate", "avg_roi"],
    ...["max_drawdown", "sharpe_ratio", "as_of", "trades_without_return", "pnl", "realised_pnl", "unrealised_pnl"],
    ...["fees", "open_position", "max_drawdown_money", "sharpe_annualised", "daily_returns", "capital", "marked_by"],
    "backtest_session_id",
  ],
  outcomes: [
    ...["prediction_id", "symbol_id", "timestamp", "model_version", "judged_by", "base_price", "base_at"],
    ...["realised_price", "realised_return", "brier", "log_loss", "price_error", "backtest_session_id"],
  ],
  calls: [
    ...["timestamp", "ended_at", "kind", "actor", "name", "provider", "model", "parameters", "seed", "input_tokens"],
    ...["output_tokens", "cost", "status", "finish_reason", "error", "request", "request_pieces", "request_sha256"],
    ...["request_bytes", "response", "response_pieces", "response_sha256", "response_bytes", "response_type"],
    ...["redacted", "parent_call_id", "prediction_id", "decision_id", "strategy_id", "backtest_session_id"],
  ],
  contents: ["sha256", "body", "backtest_session_id"],
  audit: [
    ...["timestamp", "event_type", "actor", "payload", "success", "correlation_id", "source_topic"],
    ...["source_partition", "source_offset", "backtest_session_id"],
  ],
};

/** What deciding means, by what the table does with repeats. */
const CHOICE: Readonly<Record<LandingTable["repeats"], string>> = {
  first: `The row that landed first stays. Is the field content, then an event of the same id with another value of it is a
conflicting_duplicate letter, and NULL and a value are two values: a file that landed before the field was known, published
again by a reader that fills it now, is a letter for every line. Choose this (add the field to CONTENT in this test) only if
nobody publishes again, with the field, what has landed without it.
Is it not content, then the row keeps what it has, and the second event counts as a duplicate whatever the field holds: the
new value isn't stored, and a contradiction in it goes unnoticed. Choose this (\`notContent\` in the topic's file of consumers/)
for all else.`,
  revised: `The greatest revision stays, whatever it holds, so a file that is published again fills the field in. Of two events
of the same revised_at the later one replaces the row if they differ in content, and counts as a duplicate if they don't.
So a field of what the event says is content: add it to CONTENT in this test. One that only says when or how the event was
handed over goes into \`notContent\` in the topic's file of consumers/.`,
};

it.each(CONSUMERS)(
  "every field of $topic is its key, its content as decided, or declared not to be",
  ({ topic, landing }) => {
    const undecided = `Is a field of ${topic} that is new, or gone from the list below, content?
${CHOICE[landing.repeats]}
Either way leave the rule of its id alone: an id that counts one field more lands everything a second time.`;
    expect(contentColumns(landing), undecided).toEqual(CONTENT[topic]);
  },
);
