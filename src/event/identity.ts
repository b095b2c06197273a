import { utcDay } from "./day.ts";
import type { BarEvent, EventOfTopic, IndicatorEvent, PerformanceEvent, QuoteEvent, TickEvent } from "./events.ts";
import { begin, finish, idBy, integerField, putDouble, putInteger, putText, putTexts } from "./natural-key.ts";
import type { EventTopic } from "./schemas.ts";

export {
  doubleField,
  eventId,
  ID_RULES,
  type IdRule,
  idBy,
  integerField,
  NAMESPACES,
  type Namespace,
} from "./natural-key.ts";

/** The instrument's id, of (ticker, exchange); `exchange` null when one ticker means one instrument. */
export function symbolId(ticker: string, exchange: string | null): string {
  return idBy("symbol", [ticker, exchange]);
}

/** A strategy's id, of its name: the same in every program that calls it so. */
export function strategyId(name: string): string {
  return idBy("strategy", [name]);
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
 * The id of a tick without a venue's id, of (source, symbol, venue, timestamp, timestamp_ns, close, volume, conditions,
 * session, n). `n`, counted from 0, says how many ticks equal in all of these the run has published before this one,
 * because two trades may well be equal. A field that ticks get later stays out: with it, every tick would land again.
 */
export function nthTickId(tick: Omit<TickEvent, "market_data_id">, n: number): string {
  begin("nth_tick");
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

/** The id of a quote that has the feed's `sequence`, of (source, symbol, venue, sequence, UTC day, session). */
export function quoteId(quote: Omit<QuoteEvent, "quote_id">): string {
  if (quote.sequence === null || quote.sequence === undefined) {
    throw new Error("identity: a quote without sequence gets its id by nthQuoteId");
  }
  begin("quote");
  putText(quote.source);
  putText(quote.symbol_id);
  putText(quote.venue);
  putText(quote.sequence);
  putText(utcDay(quote.timestamp));
  putText(quote.backtest_session_id);
  return finish();
}

/**
 * The id of a quote without the feed's number, of (source, symbol, venue, timestamp, timestamp_ns, bid_price, bid_size,
 * ask_price, ask_size, conditions, session, n). `n` counts as in `nthTickId`, and fields that quotes get later stay out.
 */
export function nthQuoteId(quote: Omit<QuoteEvent, "quote_id">, n: number): string {
  begin("nth_quote");
  putText(quote.source);
  putText(quote.symbol_id);
  putText(quote.venue);
  putInteger(quote.timestamp);
  putInteger(quote.timestamp_ns ?? 0);
  putDouble(quote.bid_price);
  putDouble(quote.bid_size);
  putDouble(quote.ask_price);
  putDouble(quote.ask_size);
  putTexts(quote.conditions);
  putText(quote.backtest_session_id);
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
export function performanceId(row: Omit<PerformanceEvent, "performance_id">): string {
  const window = [row.window_start, row.window_end].map(integerField);
  return idBy("performance", [row.strategy_id, row.symbol_id ?? null, ...window, row.backtest_session_id ?? null]);
}

/** The fields of a topic's events, by name. */
export type FieldOf<T extends EventTopic> = T extends EventTopic ? keyof EventOfTopic[T] & string : never;

/** Those that hold a V in every event: none lacks the field, and none has null there. */
export type FieldHolding<V, T extends EventTopic> = HoldingIn<V, EventOfTopic[T]>;
type HoldingIn<V, E> = { [K in keyof E & string]-?: E[K] extends V ? K : never }[keyof E & string];

/** An event's own id: the field that holds it, and how it is made where its publisher left it out. */
export interface OwnId<T extends EventTopic> {
  readonly field: FieldOf<T>;
  /** Of an event whose other fields are good; null where the publisher alone can give the id. */
  readonly made: ((event: EventOfTopic[T]) => string) | null;
  /** For kinds whose other fields don't always make an id. */
  readonly ofRun?: {
    /** Why this event's other fields make no id, as a sentence without its full stop; null when they do. */
    readonly lacks: (event: EventOfTopic[T]) => string | null;
    /** The id of such an event, of which a run has published `n` equal ones before. */
    readonly nth: (event: EventOfTopic[T], n: number) => string;
  };
}

/** The own id of every kind. */
export const OWN_ID = {
  symbols: { field: "symbol_id", made: ({ ticker, exchange }) => symbolId(ticker, exchange ?? null) },
  sessions: { field: "backtest_session_id", made: null },
  ticks: {
    field: "market_data_id",
    made: (tick) => tickId(tick),
    ofRun: {
      lacks: ({ trade_id }) =>
        (trade_id ?? null) === null
          ? "market_data_id is missing, and without trade_id only a whole run of ticks gives it one"
          : null,
      nth: nthTickId,
    },
  },
  quotes: {
    field: "quote_id",
    made: quoteId,
    ofRun: {
      lacks: ({ sequence }) =>
        (sequence ?? null) === null
          ? "quote_id is missing, and without sequence only a whole run of quotes gives it one"
          : null,
      nth: nthQuoteId,
    },
  },
  bars: { field: "market_data_id", made: barId },
  indicators: { field: "indicator_id", made: indicatorId },
  predictions: { field: "prediction_id", made: null },
  decisions: { field: "decision_id", made: null },
  fills: { field: "execution_id", made: null },
  performance: { field: "performance_id", made: performanceId },
  outcomes: { field: "outcome_id", made: (outcome) => idBy("outcome", [outcome.prediction_id, outcome.judged_by]) },
  calls: { field: "call_id", made: null },
  contents: {
    field: "content_id",
    made: ({ sha256, backtest_session_id: of }) => idBy("content", [sha256, of ?? null]),
  },
  audit: { field: "log_id", made: null },
} as const satisfies { readonly [T in EventTopic]: OwnId<T> };

/** The same, for code that is generic over kinds. */
export const OWN_ID_OF: { readonly [T in EventTopic]: OwnId<T> } = OWN_ID;

/** The field of a topic's events that holds their own id. */
export type OwnIdField<T extends EventTopic> = (typeof OWN_ID)[T]["field"];
