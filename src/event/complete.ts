import type { BarEvent, EventOfTopic, IndicatorEvent, PerformanceEvent, SymbolEvent, TickEvent } from "./events.ts";
import { barId, indicatorId, performanceId, symbolId, tickId } from "./identity.ts";
import type { EventTopic } from "./schemas.ts";
import { checkEvent } from "./validate.ts";

type Fields = Record<string, unknown>;

/** Stands in for an id that isn't made yet, so that the key's ingredients are checked before anything hashes them. */
const NIL_UUID = "00000000-0000-0000-0000-000000000000";

interface Derived {
  readonly field: string;
  /** The id of an event that `checkEvent` found good, or a sentence why there is none. */
  id(event: Fields): { readonly id: string } | string;
}

function tickIdOf(event: Fields): { id: string } | string {
  if ((event.trade_id ?? null) === null) {
    return "market_data_id is missing, and without trade_id only a whole run of ticks gives it one";
  }
  return { id: tickId(event as unknown as TickEvent) };
}

const DERIVED: { readonly [T in EventTopic]?: Derived } = {
  symbols: {
    field: "symbol_id",
    id: (event) => {
      const symbol = event as unknown as SymbolEvent;
      return { id: symbolId(symbol.ticker, symbol.exchange ?? null) };
    },
  },
  ticks: { field: "market_data_id", id: tickIdOf },
  bars: { field: "market_data_id", id: (event) => ({ id: barId(event as unknown as BarEvent) }) },
  indicators: { field: "indicator_id", id: (event) => ({ id: indicatorId(event as unknown as IndicatorEvent) }) },
  performance: {
    field: "performance_id",
    id: (event) => ({ id: performanceId(event as unknown as PerformanceEvent) }),
  },
};

/** An event whose deterministic id may still be missing: what a caller of `publish` may give. */
export type Incomplete<T extends EventTopic> = T extends "symbols"
  ? Omit<SymbolEvent, "symbol_id"> & { symbol_id?: string }
  : T extends "ticks" | "bars"
    ? Omit<EventOfTopic[T], "market_data_id"> & { market_data_id?: string }
    : T extends "indicators"
      ? Omit<IndicatorEvent, "indicator_id"> & { indicator_id?: string }
      : T extends "performance"
        ? Omit<PerformanceEvent, "performance_id"> & { performance_id?: string }
        : EventOfTopic[T];

/**
 * The checked event, with its deterministic id made where it has none (symbols, bars, indicators, performance, and
 * ticks with trade_id); or, as text, the sentence that says what is wrong. Never throws on bad data, never changes the
 * event it is given.
 */
export function completeEvent<T extends EventTopic>(topic: T, event: unknown): EventOfTopic[T] | string {
  const derived = DERIVED[topic];
  const given = event as Fields | null | undefined;
  if (derived === undefined || typeof given !== "object" || given === null || (given[derived.field] ?? null) !== null) {
    return checkEvent(topic, event) ?? (event as EventOfTopic[T]);
  }
  const complete: Fields = { ...given, [derived.field]: NIL_UUID };
  const wrong = checkEvent(topic, complete);
  if (wrong !== null) return wrong;
  const made = derived.id(complete);
  if (typeof made === "string") return made;
  complete[derived.field] = made.id;
  return complete as unknown as EventOfTopic[T];
}
