import { dayOf, isoDate } from "./day.ts";
import type { BarEvent, IndicatorEvent, PerformanceEvent, TickEvent } from "./events.ts";
import { begin, eventId, finish, putDouble, putInteger, putText, putTexts } from "./natural-key.ts";

export { doubleField, eventId, integerField, NAMESPACES, type Namespace } from "./natural-key.ts";

/** The instrument's id, of (ticker, exchange); `exchange` null when one ticker means one instrument. */
export function symbolId(ticker: string, exchange: string | null): string {
  return eventId("symbol", [ticker, exchange]);
}

/** A strategy's id, of its name: the same in every program that calls it so. */
export function strategyId(name: string): string {
  return eventId("strategy", [name]);
}

let lastDay = Number.NaN;
let lastDayText = "";

/** A UTC day as YYYY-MM-DD, of whole microseconds since 1970. Ticks come day by day, and a date's text costs 1 us. */
function utcDay(timestamp: number): string {
  const day = dayOf(timestamp);
  if (day !== lastDay) {
    lastDayText = isoDate(day);
    lastDay = day;
  }
  return lastDayText;
}

/**
 * The id of a tick that has the venue's `trade_id`, of (source, symbol, venue, trade_id, trading date, session).
 * `tradingDate` is YYYY-MM-DD; venues that number their trades afresh each local day need it, else it is the UTC day.
 */
export function tickId(tick: Omit<TickEvent, "market_data_id">, tradingDate: string = utcDay(tick.timestamp)): string {
  if (tick.trade_id === null || tick.trade_id === undefined) {
    throw new Error("identity: a tick without trade_id gets its id by nthTickId");
  }
  begin("tick");
  putText(tick.source);
  putText(tick.symbol_id);
  putText(tick.venue);
  putText(tick.trade_id);
  putText(tradingDate);
  putText(tick.backtest_session_id);
  return finish();
}

/**
 * The id of a tick without a venue's id: every column but received_at, and `n`, counted from 0, which says how many
 * equal ticks the run has published before this one. Two trades may well be equal in every column.
 */
export function nthTickId(tick: Omit<TickEvent, "market_data_id">, n: number): string {
  begin("tick");
  putText(tick.source);
  putText(tick.symbol_id);
  putText(tick.venue);
  putInteger(tick.timestamp);
  putInteger(tick.timestamp_ns ?? 0);
  putDouble(tick.close);
  putDouble(tick.volume);
  putTexts(tick.conditions);
  putText(tick.backtest_session_id);
  putInteger(n);
  return finish();
}

/** A bar's id, of (source, symbol, interval, start, session): a later revision of the bar has the same one. */
export function barId(bar: Omit<BarEvent, "market_data_id">): string {
  begin("bar");
  putText(bar.source);
  putText(bar.symbol_id);
  putText(bar.interval);
  putInteger(bar.timestamp);
  putText(bar.backtest_session_id);
  return finish();
}

/**
 * An indicator value's id, of (symbol, timestamp, name, period, parameters, computed_by, session). `parameters` counts
 * as the text it is: two spellings of one JSON value are two ids.
 */
export function indicatorId(indicator: Omit<IndicatorEvent, "indicator_id">): string {
  begin("indicator");
  putText(indicator.symbol_id);
  putInteger(indicator.timestamp);
  putText(indicator.indicator_name);
  putInteger(indicator.period);
  putText(indicator.parameters);
  putText(indicator.computed_by);
  putText(indicator.backtest_session_id);
  return finish();
}

/** A performance row's id, of (strategy, symbol or null, start and end of the window, session). */
export function performanceId(performance: Omit<PerformanceEvent, "performance_id">): string {
  begin("performance");
  putText(performance.strategy_id);
  putText(performance.symbol_id);
  putInteger(performance.window_start);
  putInteger(performance.window_end);
  putText(performance.backtest_session_id);
  return finish();
}
