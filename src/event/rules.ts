import type { EventTopic } from "./schemas.ts";

type Fields = Readonly<Record<string, unknown>>;
/** A whole sentence about an event whose fields are each well formed, or null. */
type Rule = (event: Fields) => string | null;

const notNegative =
  (...names: string[]): Rule =>
  (event) => {
    for (const name of names) if ((event[name] as number) < 0) return `${name} must not be negative`;
    return null;
  };

const probability =
  (...names: string[]): Rule =>
  (event) => {
    for (const name of names) {
      const value = event[name] as number | null | undefined;
      if (value !== null && value !== undefined && !(value >= 0 && value <= 1)) return `${name} must lie in 0 to 1`;
    }
    return null;
  };

const inOrder =
  (earlier: string, later: string): Rule =>
  (event) => {
    const from = event[earlier] as number | null | undefined;
    const to = event[later] as number | null | undefined;
    if (from === null || from === undefined || to === null || to === undefined || to >= from) return null;
    return `${later} must not lie before ${earlier}`;
  };

function tickRule(event: Fields): string | null {
  // An empty id would make one trade of a whole day's.
  if (event.trade_id === "") return "trade_id must not be empty; leave it out instead";
  const ns = (event.timestamp_ns as number | undefined) ?? 0;
  return ns >= 0 && ns <= 999 ? null : "timestamp_ns must lie in 0 to 999";
}

function barRule(event: Fields): string | null {
  if (event.interval === "tick") return "interval must not be 'tick' in a bar";
  return (event.high as number) < (event.low as number) ? "high must not be below low" : null;
}

function fillRule(event: Fields): string | null {
  const price = event.executed_price ?? null;
  if (event.status !== "FILLED") {
    return event.quantity === 0 ? null : `quantity must be 0 when status is ${event.status}`;
  }
  if (price === null) return "executed_price must be given when status is FILLED";
  return (event.quantity as number) > 0 ? null : "quantity must be above 0 when status is FILLED";
}

/**
 * What the fields' types can't say. Prices may be negative (crude oil was, in April 2020), sizes not; open and close
 * outside high and low occur in vendors' adjusted bars, high below low only in damaged ones.
 */
export const RULES: Readonly<Record<EventTopic, readonly Rule[]>> = {
  symbols: [],
  sessions: [inOrder("started_at", "ended_at")],
  ticks: [notNegative("volume"), tickRule],
  bars: [notNegative("volume"), barRule],
  indicators: [notNegative("period")],
  predictions: [probability("probability_up", "confidence_score")],
  decisions: [
    notNegative("size"),
    (event) => (event.action === "HOLD" && event.size !== 0 ? "size must be 0 when action is HOLD" : null),
  ],
  fills: [notNegative("quantity"), fillRule],
  performance: [inOrder("window_start", "window_end"), notNegative("total_trades"), probability("win_rate")],
  audit: [notNegative("source_partition", "source_offset")],
};
