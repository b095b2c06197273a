import type { Draft } from "../src/agent/draft.ts";
import type { IndicatorEvent } from "../src/event/events.ts";
import { indicatorId } from "../src/event/identity.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";
import { endOfBar } from "../src/feed/zone.ts";
import { IndicatorSeries, type SavedBars } from "../src/strategy/indicator-series.ts";
import type { IndicatorValue } from "../src/strategy/indicators.ts";
import { defineProgram } from "../src/stream/define-program.ts";
import type { Program } from "../src/stream/program.ts";

/** Values of technical indicators, from JSON lines. */
export const indicators = producerOf("indicators", [jsonLines("indicators")]);

interface IndicatorsOptions {
  /** The bars' length, as in 1d. */
  readonly interval: string;
  /** Goes into computed_by, and so into the ids. */
  readonly actor: string;
  /** Whose values; they rest on the session's own bars and on live ones. */
  readonly session: string | null;
}

/**
 * bars -> indicators: SMA, EMA, RSI, MACD and Bollinger's bands of the closes (src/strategy/indicators.ts), valid at the
 * bar's end. Where a bar of days doesn't say its end and begins at no UTC midnight, nobody knows when its close was known:
 * it counts in the averages, but no value is told of it, and it is counted (`endless`). `parameters` names the series, too:
 * {"interval":"1d","source":"ohlcv"}.
 *
 * Averages remember everything, so a restart reads all the bars there are, in silence up to where it was. A bar that is
 * revised, or comes late, computes its series anew, and what has changed is published. `revised_at` is that of the bars
 * before it, the latest one's: a late bar that was revised long ago must not lose against the values without it.
 */
export function indicatorsOfBars({ interval, actor, session }: IndicatorsOptions): Program {
  return defineProgram({
    name: "indicators",
    reads: ["bars"],
    publishes: ["indicators"],
    snapshot: { version: 1, settings: { interval, actor, session } },
    open: (_isWhole, saved: SavedIndicators = { series: [], endless: 0 }) => {
      const counts = { endless: saved.endless };
      const series = new Map<string, { readonly values: IndicatorSeries; revisedUs: number }>(
        saved.series.map(([key, { bars, revisedUs }]) => [key, { values: IndicatorSeries.of(bars), revisedUs }]),
      );
      return {
        take: (record) => {
          if (record.topic !== "bars" || record.event.interval !== interval) return [];
          const { event: bar, publishedUs } = record;
          if (bar.backtest_session_id !== null && bar.backtest_session_id !== session) return [];
          const key = `${bar.symbol_id} ${bar.source} ${bar.backtest_session_id}`;
          const own = series.get(key) ?? { values: new IndicatorSeries(), revisedUs: Number.NEGATIVE_INFINITY };
          series.set(key, own);
          const barUs = bar.revised_at ?? publishedUs;
          own.revisedUs = Math.max(own.revisedUs, barUs);
          const parameters = (settings: object) => JSON.stringify({ interval, source: bar.source, ...settings });
          const end = endOfBar(bar);
          if (end === null) counts.endless++;
          return own.values.take({ start: bar.timestamp, end, close: bar.close }, barUs).map(({ end, value }) => {
            const times = { timestamp: end, revised_at: own.revisedUs };
            const of = { symbol_id: bar.symbol_id, computed_by: actor, backtest_session_id: session };
            return draftOf(value, { ...of, ...times, parameters: parameters(value.settings) });
          });
        },
        counts: () => counts,
        save: () => ({
          series: [...series].map(([key, { values, revisedUs }]) => [key, { bars: values.save(), revisedUs }]),
          endless: counts.endless,
        }),
      };
    },
  });
}

/** What the program remembers, as plain JSON values. */
interface SavedIndicators {
  readonly series: readonly (readonly [
    key: string,
    series: { readonly bars: SavedBars; readonly revisedUs: number },
  ])[];
  readonly endless: number;
}

type Placed = Omit<IndicatorEvent, "indicator_id" | "indicator_name" | "indicator_value" | "period">;

function draftOf({ name, value, period }: IndicatorValue, placed: Placed): Draft<"indicators"> {
  const named = { indicator_name: name, indicator_value: value, period, ...placed };
  const event = { indicator_id: indicatorId(named), ...named } as Required<IndicatorEvent>;
  return { topic: "indicators", event, headers: {} };
}
