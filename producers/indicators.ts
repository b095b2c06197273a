import type { Draft } from "../src/agent/draft.ts";
import type { BarEvent, IndicatorEvent } from "../src/event/events.ts";
import { indicatorId } from "../src/event/identity.ts";
import { producerOf } from "../src/feed/format.ts";
import { microsOfInterval } from "../src/feed/interval.ts";
import { jsonLines } from "../src/feed/json-lines.ts";
import { IndicatorSet, type IndicatorValue } from "../src/strategy/indicators.ts";
import type { Program } from "../src/stream/program.ts";

/** Values of technical indicators, from JSON lines. */
export const indicators = producerOf("indicators", [jsonLines("indicators")]);

export interface IndicatorsOptions {
  /** The bars' length, as in 1d. */
  readonly interval: string;
  /** Goes into computed_by, and so into the ids. */
  readonly actor: string;
  /** Whose values; they rest on the session's own bars and on live ones. */
  readonly session: string | null;
}

/** A bar that comes later than so many others changes nothing; after so many, what an average began with is gone. */
const BARS_MAX = 10_000;

/**
 * bars -> indicators: SMA, EMA, RSI, MACD and Bollinger's bands of the closes (src/strategy/indicators.ts), valid at the
 * bar's end. `parameters` names the series, too: {"interval":"1d","source":"ohlcv"}.
 *
 * Averages remember everything, so a restart reads all the bars there are, in silence up to where it was. A bar that is
 * revised, or comes late, computes its series anew, and what has changed is published: `revised_at` is the bar's.
 */
export function indicatorsOfBars({ interval, actor, session }: IndicatorsOptions): Program {
  const lengthUs = microsOfInterval(interval);
  return {
    name: "indicators",
    reads: ["bars"],
    open: () => {
      const series = new Map<string, Series>();
      return {
        take: (record) => {
          if (record.topic !== "bars" || record.event.interval !== interval || lengthUs === null) return [];
          const { event: bar, publishedUs } = record;
          if (bar.backtest_session_id !== null && bar.backtest_session_id !== session) return [];
          const key = `${bar.symbol_id} ${bar.source} ${bar.backtest_session_id}`;
          const own = series.get(key) ?? new Series();
          series.set(key, own);
          const revisedUs = bar.revised_at ?? publishedUs;
          const parameters = (settings: object) => JSON.stringify({ interval, source: bar.source, ...settings });
          return own.take(bar).map(({ start, value }) => {
            const times = { timestamp: start + lengthUs, revised_at: revisedUs };
            const of = { symbol_id: bar.symbol_id, computed_by: actor, backtest_session_id: session };
            return draftOf(value, { ...of, ...times, parameters: parameters(value.settings) });
          });
        },
      };
    },
  };
}

type Placed = Omit<IndicatorEvent, "indicator_id" | "indicator_name" | "indicator_value" | "period">;

function draftOf({ name, value, period }: IndicatorValue, placed: Placed): Draft<"indicators"> {
  const named = { indicator_name: name, indicator_value: value, period, ...placed };
  const event = { indicator_id: indicatorId(named), ...named } as Required<IndicatorEvent>;
  return { topic: "indicators", event, headers: {} };
}

/** The closes of one symbol and source in the order of time, and what was made of each. */
class Series {
  #bars: { start: number; close: number; values: readonly IndicatorValue[] }[] = [];
  #set = new IndicatorSet();

  /** @returns what is new or has changed, oldest first */
  take({ timestamp: start, close }: BarEvent): { start: number; value: IndicatorValue }[] {
    const last = this.#bars.at(-1);
    if (last === undefined || start > last.start) {
      const values = this.#set.add(close);
      this.#bars.push({ start, close, values });
      if (this.#bars.length > 2 * BARS_MAX) this.#bars = this.#bars.slice(-BARS_MAX);
      return values.map((value) => ({ start, value }));
    }
    const at = this.#bars.findLastIndex((bar) => bar.start <= start);
    if (this.#bars[at]?.start === start) {
      if (this.#bars[at].close === close) return [];
      this.#bars[at] = { ...this.#bars[at], close };
    } else if (at < 0 && this.#bars.length >= BARS_MAX) return [];
    else this.#bars.splice(at + 1, 0, { start, close, values: [] });
    return this.#again();
  }

  #again(): { start: number; value: IndicatorValue }[] {
    this.#set = new IndicatorSet();
    return this.#bars.flatMap((bar) => {
      const before = new Map(bar.values.map((value) => [nameOf(value), value.value]));
      bar.values = this.#set.add(bar.close);
      const changed = bar.values.filter((value) => before.get(nameOf(value)) !== value.value);
      return changed.map((value) => ({ start: bar.start, value }));
    });
  }
}

const nameOf = ({ name, period }: IndicatorValue) => `${name} ${period}`;
