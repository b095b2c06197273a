import type {
  BarEvent,
  DecisionEvent,
  FillEvent,
  IndicatorEvent,
  PerformanceEvent,
  PredictionEvent,
  SessionEvent,
} from "../event/events.ts";
import { eventId, indicatorId, performanceId } from "../event/identity.ts";

const AGENT = "demo-agent";
const MODEL = "golden-cross-1";
const FAST = 50;
const SLOW = 200;
const SHARES = 10;
const US_PER_S = 1_000_000;

/** What an agent would have published while it read these bars, parents before children. */
export interface DemoTrades {
  readonly sessions: readonly SessionEvent[];
  readonly indicators: readonly IndicatorEvent[];
  readonly predictions: readonly PredictionEvent[];
  readonly decisions: readonly DecisionEvent[];
  readonly fills: readonly FillEvent[];
  readonly performance: readonly PerformanceEvent[];
}

const SESSION = eventId("session", ["demo", "golden cross on the S&P 500"]);
const STRATEGY = eventId("session", ["demo", "strategy"]);

/**
 * The plainest strategy there is, over daily bars in time order: buy when the 50-day mean crosses above the 200-day
 * mean, sell when it falls below; filled at the next bar's open. A backtest, so everything carries its session.
 */
export function tradeBars(bars: readonly BarEvent[]): DemoTrades {
  const closes = bars.map((bar) => bar.close);
  const fast = movingAverage(closes, FAST);
  const slow = movingAverage(closes, SLOW);
  const trades = {
    sessions: [session(bars)],
    indicators: [] as IndicatorEvent[],
    predictions: [] as PredictionEvent[],
    decisions: [] as DecisionEvent[],
    fills: [] as FillEvent[],
    performance: [] as PerformanceEvent[],
  };
  for (let i = SLOW; i < bars.length - 1; i++) {
    const above = fast[i]! > slow[i]!;
    if (above === fast[i - 1]! > slow[i - 1]!) continue;
    const bar = bars[i]!;
    trades.indicators.push(average(bar, FAST, fast[i]!), average(bar, SLOW, slow[i]!));
    const prediction = predict(bar, above, fast[i]! / slow[i]! - 1);
    const decision = decide(prediction, bar, above);
    trades.predictions.push(prediction);
    trades.decisions.push(decision);
    trades.fills.push(fill(decision, bars[i + 1]!));
  }
  trades.performance.push(...judge(trades, bars));
  return trades;
}

/** The mean of the last `period` values at each place; NaN before there are so many. */
export function movingAverage(values: readonly number[], period: number): number[] {
  let sum = 0;
  return values.map((value, i) => {
    sum += value - (i >= period ? values[i - period]! : 0);
    return i >= period - 1 ? sum / period : Number.NaN;
  });
}

/** A daily bar is complete a day after its start: an agent that acts earlier has looked into the future. */
const closeOf = (bar: BarEvent) => bar.timestamp + 24 * 3600 * US_PER_S;

function session(bars: readonly BarEvent[]): SessionEvent {
  return {
    backtest_session_id: SESSION,
    kind: "backtest",
    name: "tradetape demo",
    status: "completed",
    code_version: MODEL,
    config: JSON.stringify({ fast: FAST, slow: SLOW, shares: SHARES }),
    data_set: bars[0]?.source ?? null,
    started_at: bars[0]?.timestamp ?? null,
    ended_at: bars.at(-1)?.timestamp ?? null,
    result: null,
    revised_at: 0,
  };
}

function average(bar: BarEvent, period: number, value: number): IndicatorEvent {
  const indicator = {
    symbol_id: bar.symbol_id,
    timestamp: closeOf(bar),
    indicator_name: "SMA",
    indicator_value: value,
    period,
    parameters: null,
    computed_by: AGENT,
    revised_at: null,
    backtest_session_id: SESSION,
  };
  return { indicator_id: indicatorId(indicator), ...indicator };
}

function predict(bar: BarEvent, up: boolean, spread: number): PredictionEvent {
  return {
    prediction_id: eventId("prediction", [AGENT, bar.market_data_id]),
    symbol_id: bar.symbol_id,
    timestamp: closeOf(bar),
    predicted_price: bar.close * (up ? 1.02 : 0.98),
    probability_up: up ? 0.6 : 0.4,
    confidence_score: Math.min(1, Math.abs(spread) * 100),
    model_version: MODEL,
    backtest_session_id: SESSION,
  };
}

function decide(prediction: PredictionEvent, bar: BarEvent, buy: boolean): DecisionEvent {
  return {
    decision_id: eventId("decision", [AGENT, prediction.prediction_id]),
    symbol_id: bar.symbol_id,
    timestamp: closeOf(bar) + US_PER_S,
    action: buy ? "BUY" : "SELL",
    size: SHARES,
    predicted_roi: 0.02,
    model_reference: prediction.prediction_id,
    approved: true,
    strategy_id: STRATEGY,
    reason: `the ${FAST}-day mean crossed ${buy ? "above" : "below"} the ${SLOW}-day mean`,
    backtest_session_id: SESSION,
  };
}

function fill(decision: DecisionEvent, next: BarEvent): FillEvent {
  return {
    execution_id: eventId("fill", [AGENT, decision.decision_id]),
    decision_id: decision.decision_id,
    symbol_id: decision.symbol_id,
    executed_price: next.open,
    quantity: decision.size,
    status: "FILLED",
    broker: "simulated",
    latency_ms: 3,
    timestamp: Math.max(next.timestamp, decision.timestamp) + 3000,
    broker_execution_id: null,
    fee: 1,
    backtest_session_id: SESSION,
  };
}

/** One row over the whole run: a round trip is a purchase and the sale after it. */
function judge({ decisions, fills }: DemoTrades, bars: readonly BarEvent[]): PerformanceEvent[] {
  const [first, last] = [bars[0], bars.at(-1)];
  if (first === undefined || last === undefined) return [];
  const returns = fills.flatMap((bought, i) => {
    const sold = fills[i + 1];
    if (decisions[i]?.action !== "BUY" || sold === undefined) return [];
    return [sold.executed_price! / bought.executed_price! - 1];
  });
  const mean = returns.reduce((sum, r) => sum + r, 0) / returns.length;
  const performance = {
    strategy_id: STRATEGY,
    symbol_id: first.symbol_id,
    window_start: first.timestamp,
    window_end: last.timestamp,
    total_trades: returns.length,
    win_rate: returns.length > 0 ? returns.filter((r) => r > 0).length / returns.length : null,
    avg_roi: returns.length > 0 ? mean : null,
    max_drawdown: null,
    sharpe_ratio: null,
    revised_at: null,
    backtest_session_id: SESSION,
  };
  return [{ performance_id: performanceId(performance), ...performance }];
}
