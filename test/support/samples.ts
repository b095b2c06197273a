import { hash } from "node:crypto";
import type {
  AuditEvent,
  BarEvent,
  CallEvent,
  ContentEvent,
  DecisionEvent,
  FillEvent,
  IndicatorEvent,
  OutcomeEvent,
  PerformanceEvent,
  PredictionEvent,
  QuoteEvent,
  SessionEvent,
  SymbolEvent,
  TickEvent,
} from "../../src/event/events.ts";
import { eventId } from "../../src/event/identity.ts";

/** 2024-03-05T14:30:00Z in microseconds; events of the samples lie around it. */
export const NOON = 1_709_649_000_000_000;

export const EVERY_SESSION_KIND = ["live", "paper", "backtest", "replay"] as const;

/** A deterministic id from any text, so that a failing test's rows can be recognised. */
export const idOf = (text: string): string => eventId("audit", ["test", text]);

export const SYMBOL_ID = idOf("symbol");

export const symbol = (change: Partial<SymbolEvent> = {}): Required<SymbolEvent> => ({
  symbol_id: SYMBOL_ID,
  ticker: "IBM",
  exchange: "XNYS",
  asset_type: "equity",
  is_active: true,
  created_at: NOON + 1,
  revised_at: NOON + 2,
  ...change,
});

export const session = (change: Partial<SessionEvent> = {}): Required<SessionEvent> => ({
  backtest_session_id: idOf("session"),
  kind: "backtest",
  name: 'March, "second" run',
  status: "running",
  code_version: "1a2b3c4",
  config: '{"capital": 100000, "venues": ["XNYS"]}',
  config_sha256: null,
  data_set: "lean-equity",
  started_at: NOON + 123_456,
  ended_at: null,
  result: null,
  revised_at: NOON + 3,
  ...change,
});

/** @param n makes the id, the time and the price of the n-th tick */
export const tick = (n = 0, change: Partial<TickEvent> = {}): Required<TickEvent> => ({
  market_data_id: idOf(`tick ${n}`),
  symbol_id: SYMBOL_ID,
  timestamp: NOON + n,
  timestamp_ns: n % 1000,
  close: 184.25 + n,
  volume: 100,
  source: "sample",
  trade_id: `t${n}`,
  venue: "P",
  conditions: ["@", "T"],
  received_at: NOON + n + 5,
  backtest_session_id: null,
  ...change,
});

/** @param n makes the id, the time and the prices of the n-th quote */
export const quote = (n = 0, change: Partial<QuoteEvent> = {}): Required<QuoteEvent> => ({
  quote_id: idOf(`quote ${n}`),
  symbol_id: SYMBOL_ID,
  timestamp: NOON + n,
  timestamp_ns: n % 1000,
  bid_price: 184.25 + n,
  bid_size: 300,
  ask_price: 184.5 + n,
  ask_size: 0,
  source: "sample",
  sequence: `s${n}`,
  venue: "P",
  conditions: ["R"],
  received_at: NOON + n + 5,
  backtest_session_id: null,
  ...change,
});

/** @param n makes the id and the minute of the n-th bar; a changed `timestamp` moves its other times along */
export const bar = (
  n = 0,
  { timestamp = NOON + n * 60_000_000, ...change }: Partial<BarEvent> = {},
): Required<BarEvent> => ({
  market_data_id: idOf(`bar ${n}`),
  symbol_id: SYMBOL_ID,
  timestamp,
  open: 1.5,
  high: 2.25,
  low: 0.1,
  close: 2,
  volume: 1000,
  interval: "1min",
  source: "sample",
  venue: "P",
  received_at: NOON + 7,
  revised_at: NOON + 8,
  ends_at: timestamp + 60_000_000,
  first_trade_at: timestamp + 3_318_000,
  last_trade_at: timestamp + 59_000_000,
  backtest_session_id: null,
  ...change,
});

export const indicator = (n = 0, change: Partial<IndicatorEvent> = {}): Required<IndicatorEvent> => ({
  indicator_id: idOf(`indicator ${n}`),
  symbol_id: SYMBOL_ID,
  timestamp: NOON + n,
  indicator_name: "MACD",
  indicator_value: 0.1,
  period: 12,
  parameters: '{"fast": 12, "slow": 26}',
  computed_by: "sample-agent",
  revised_at: NOON + 9,
  backtest_session_id: null,
  ...change,
});

export const prediction = (n = 0, change: Partial<PredictionEvent> = {}): Required<PredictionEvent> => ({
  prediction_id: idOf(`prediction ${n}`),
  symbol_id: SYMBOL_ID,
  timestamp: NOON + n,
  predicted_price: 190.5,
  probability_up: 0.625,
  confidence_score: 0.75,
  model_version: "model-7",
  price_source: "sample",
  horizon: "1d",
  inputs: `[{"kind":"indicator","id":"${idOf(`indicator ${n}`)}","known_at":${NOON + n + 1},"value":0.1}]`,
  known_until: NOON + n,
  features_sha256: "0123456789abcdef".repeat(4),
  backtest_session_id: null,
  ...change,
});

export const decision = (n = 0, change: Partial<DecisionEvent> = {}): Required<DecisionEvent> => ({
  decision_id: idOf(`decision ${n}`),
  symbol_id: SYMBOL_ID,
  timestamp: NOON + n,
  action: "BUY",
  size: 10,
  predicted_roi: 0.03,
  model_reference: idOf(`prediction ${n}`),
  approved: true,
  strategy_id: idOf("strategy"),
  reason: "all checks passed",
  price_source: "sample",
  decision_price: 184.25,
  inputs: `[{"kind":"prediction","id":"${idOf(`prediction ${n}`)}"}]`,
  known_until: NOON + n,
  features_sha256: "fedcba9876543210".repeat(4),
  backtest_session_id: null,
  ...change,
});

export const fill = (n = 0, change: Partial<FillEvent> = {}): Required<FillEvent> => ({
  execution_id: idOf(`fill ${n}`),
  decision_id: idOf(`decision ${n}`),
  symbol_id: SYMBOL_ID,
  executed_price: 184.5,
  quantity: 10,
  status: "FILLED",
  broker: "paper-broker",
  latency_ms: -3,
  timestamp: NOON + n,
  broker_execution_id: `x${n}`,
  fee: 1.25,
  price_source: "sample",
  priced_at: NOON + n - 1,
  backtest_session_id: null,
  ...change,
});

export const performance = (n = 0, change: Partial<PerformanceEvent> = {}): Required<PerformanceEvent> => ({
  performance_id: idOf(`performance ${n}`),
  strategy_id: idOf("strategy"),
  symbol_id: SYMBOL_ID,
  window_start: NOON,
  window_end: NOON + 86_400_000_000,
  total_trades: 12,
  win_rate: 0.5,
  avg_roi: 0.01,
  max_drawdown: 0.2,
  sharpe_ratio: 1.7,
  as_of: NOON + 40_000_000_000,
  trades_without_return: 1,
  pnl: 12.5,
  realised_pnl: 10,
  unrealised_pnl: 2.25,
  fees: 0.75,
  open_position: -3,
  max_drawdown_money: 4.5,
  sharpe_annualised: 0.9,
  daily_returns: 20,
  capital: 1000,
  marked_by: "1d test",
  revised_at: NOON + 10,
  backtest_session_id: null,
  ...change,
});

export const outcome = (n = 0, change: Partial<OutcomeEvent> = {}): Required<OutcomeEvent> => ({
  outcome_id: idOf(`outcome ${n}`),
  prediction_id: idOf(`prediction ${n}`),
  symbol_id: SYMBOL_ID,
  timestamp: NOON + 86_400_000_000,
  model_version: "model-7",
  judged_by: "1d sample",
  base_price: 184.25,
  base_at: NOON,
  realised_price: 186.5,
  realised_return: 0.0122,
  brier: 0.1444,
  log_loss: 0.478,
  price_error: -1.5,
  revised_at: NOON + 10,
  backtest_session_id: null,
  ...change,
});

export const content = (n = 0, change: Partial<ContentEvent> = {}): Required<ContentEvent> => {
  const body = change.body ?? `context ${n}`;
  const sha256 = hash("sha256", body, "hex");
  return { content_id: idOf(`content ${n}`), sha256, timestamp: NOON + n, body, backtest_session_id: null, ...change };
};

export const call = (n = 0, change: Partial<CallEvent> = {}): Required<CallEvent> => {
  const [request, response] = [`{"model":"m-1","n":${n}}`, `{"usage":{"n":${n}}}`];
  return {
    call_id: idOf(`call ${n}`),
    timestamp: NOON + n,
    ended_at: NOON + n + 1_500_000,
    kind: "MODEL",
    actor: "llm-bot",
    name: "/v1/chat/completions",
    provider: "127.0.0.1:8080",
    model: "m-1",
    parameters: '{"temperature": 0.5}',
    seed: 4_000_000_000,
    input_tokens: 120,
    output_tokens: 30,
    cost: 0.0125,
    status: 200,
    finish_reason: "stop",
    error: null,
    request,
    request_pieces: ["a".repeat(64), "b".repeat(64)],
    request_sha256: hash("sha256", request, "hex"),
    request_bytes: request.length,
    response,
    response_pieces: null,
    response_sha256: hash("sha256", response, "hex"),
    response_bytes: response.length,
    response_type: "application/json",
    redacted: ["email"],
    parent_call_id: idOf("call before"),
    prediction_id: idOf("prediction 0"),
    decision_id: idOf("decision 0"),
    strategy_id: idOf("strategy"),
    backtest_session_id: null,
    ...change,
  };
};

export const audit = (n = 0, change: Partial<AuditEvent> = {}): Required<AuditEvent> => ({
  log_id: idOf(`audit ${n}`),
  timestamp: NOON + n,
  event_type: "MANUAL",
  actor: "somebody",
  payload: '{"what": "a note"}',
  success: false,
  correlation_id: "workflow-1",
  source_topic: "ticks",
  source_partition: 3,
  source_offset: 4_000_000_000,
  backtest_session_id: idOf("session"),
  ...change,
});
