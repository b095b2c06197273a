import { type Draft, draftPrediction } from "../src/agent/draft.ts";
import { type AgentIdentity, identityOf } from "../src/agent/fields.ts";
import type { BarEvent, IndicatorEvent } from "../src/event/events.ts";
import type { NamedInput } from "../src/event/field/inputs.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";
import { endOfBar } from "../src/feed/zone.ts";
import { type Features, forecast } from "../src/strategy/model.ts";
import { isOfSource, refuseOwnAndLive, type TradedBars } from "../src/strategy/traded-bars.ts";
import { defineProgram } from "../src/stream/define-program.ts";
import type { Machine, Program } from "../src/stream/program.ts";

/** What models expect, from JSON lines. */
export const predictions = producerOf("predictions", [jsonLines("predictions")]);

/** What the model needs of one bar beside its close, by the indicator's name and period. */
const FEATURES: Readonly<Record<string, Exclude<keyof Features, "close">>> = {
  "RSI 14": "rsi",
  "MACD_HISTOGRAM null": "macdHistogram",
  "SMA 50": "sma50",
  "SMA 200": "sma200",
  "BOLLINGER_UPPER 20": "bandUpper",
  "BOLLINGER_LOWER 20": "bandLower",
};
const COUNT = Object.keys(FEATURES).length;

/** What was used of an event: its number, and which revision of it. */
type Used = NamedInput & { readonly value: number };

/** The indicators of one bar, by the feature that each is. */
interface Moment {
  readonly timestamp: number;
  readonly used: Partial<Record<keyof Features, Used>>;
  /** The id of the indicator that came last. */
  cause: string;
}

/** The bars of one symbol and source. */
interface Series {
  readonly symbolId: string;
  readonly source: string;
  /** Whether the bars are the session's own; null before the first one. */
  isOwn: boolean | null;
  /** The latest bar whose indicators began to come; null before the first one. */
  moment: Moment | null;
  /** Moments whose indicators are all there, and whose bar isn't read yet: the topics are read side by side. */
  readonly complete: Map<number, Moment>;
  /** Closes by the time of their bar's end, as first told, from the latest prediction on. */
  readonly closes: Map<number, Used>;
  /** The time of the latest prediction; null before the first one. */
  predictedUs: number | null;
}

/** What a series remembers, as plain JSON values. */
interface SavedSeries extends Omit<Series, "complete" | "closes"> {
  readonly complete: readonly (readonly [endUs: number, moment: Moment])[];
  readonly closes: readonly (readonly [endUs: number, close: Used])[];
}

/**
 * bars, indicators -> predictions: one for every moment whose indicators are all there, by the model of src/strategy/model.ts,
 * whose formula and sources stand there. The first prediction of a moment stays: a value that is revised later wasn't known
 * then, and changes none, even if the program begins after the correction; such bars are counted (`revised`). Caused, in its
 * headers, by the indicator that came last. It names what it was made of, each with the broker's time of the revision that was
 * used. Each source of bars has predictions of its own. Until its indicators come a bar is remembered, with about 200 bytes.
 */
export function predictionsOfIndicators(by: AgentIdentity, traded: TradedBars): Program {
  const { interval, source } = traded;
  return defineProgram({
    name: "predictions",
    reads: ["bars", "indicators"],
    publishes: ["predictions"],
    snapshot: { version: 1, settings: { ...identityOf(by), interval, source } },
    open: (_isWhole, saved?: readonly SavedSeries[]) => new PredictionsMachine(by, traded, saved),
  });
}

class PredictionsMachine implements Machine<readonly SavedSeries[]> {
  readonly #by: AgentIdentity;
  readonly #traded: TradedBars;
  readonly #series = new Map<string, Series>();
  /** Bars that came when their close was known, or their moment predicted on. */
  #revised = 0;

  constructor(by: AgentIdentity, traded: TradedBars, saved: readonly SavedSeries[] = []) {
    this.#by = by;
    this.#traded = traded;
    for (const { complete, closes, ...rest } of saved) {
      this.#keep({ ...rest, complete: new Map(complete), closes: new Map(closes) });
    }
  }

  save(): SavedSeries[] {
    return [...this.#series.values()].map(({ complete, closes, ...rest }) => ({
      ...rest,
      complete: [...complete],
      closes: [...closes],
    }));
  }

  take(record: Parameters<Machine["take"]>[0]): Draft<"predictions">[] {
    if (record.topic === "bars") return this.#takeBar(record.event, record.publishedUs);
    return record.topic === "indicators" ? this.#takeIndicator(record.event, record.publishedUs) : [];
  }

  counts(): Readonly<Record<string, number>> {
    const waiting = [...this.#series.values()].reduce((sum, { complete }) => sum + complete.size, 0);
    return { waiting, revised: this.#revised };
  }

  #takeBar(bar: Required<BarEvent>, publishedUs: number): Draft<"predictions">[] {
    const { market_data_id: id, symbol_id, source, interval, close: value } = bar;
    const { backtest_session_id: session } = bar;
    if (interval !== this.#traded.interval || (session !== null && session !== this.#by.session)) return [];
    const series = this.#find(symbol_id, source);
    const endUs = endOfBar(bar);
    if (series === undefined || endUs === null) return [];
    series.isOwn ??= session !== null;
    if (series.isOwn !== (session !== null)) refuseOwnAndLive(symbol_id, interval, source);
    const isKnown = isPredicted(series, endUs) || series.closes.has(endUs);
    if (isKnown) this.#revised++;
    else series.closes.set(endUs, { kind: "bar", id, known_at: publishedUs, value });
    return isKnown ? [] : this.#predict(series, series.complete.get(endUs));
  }

  #takeIndicator(indicator: Required<IndicatorEvent>, publishedUs: number): Draft<"predictions">[] {
    const { symbol_id, timestamp, indicator_id: id, indicator_value: value } = indicator;
    if (indicator.backtest_session_id !== (this.#by.session ?? null) || indicator.computed_by !== this.#by.actor)
      return [];
    const { interval, source } = barsOf(indicator);
    const feature = FEATURES[`${indicator.indicator_name} ${indicator.period}`];
    if (interval !== this.#traded.interval || typeof source !== "string" || feature === undefined) return [];
    const series = this.#find(symbol_id, source);
    if (series === undefined || (series.moment !== null && timestamp < series.moment.timestamp)) return [];
    if (timestamp !== series.moment?.timestamp) series.moment = { timestamp, used: {}, cause: id };
    const { moment } = series;
    if (Object.keys(moment.used).length === COUNT) return [];
    moment.used[feature] = { kind: "indicator", id, known_at: publishedUs, value };
    if (Object.keys(moment.used).length < COUNT) return [];
    moment.cause = id;
    series.complete.set(timestamp, moment);
    return this.#predict(series, moment);
  }

  #find(symbolId: string, source: string): Series | undefined {
    if (!isOfSource(this.#traded.source, source)) return undefined;
    return this.#series.get(keyOf({ symbolId, source })) ?? this.#keep(newSeries(symbolId, source));
  }

  #keep(series: Series): Series {
    this.#series.set(keyOf(series), series);
    return series;
  }

  /** Predicts what is complete and has its bar. */
  #predict(series: Series, moment: Moment | undefined): Draft<"predictions">[] {
    const close = moment && series.closes.get(moment.timestamp);
    if (moment === undefined || close === undefined) return [];
    const { timestamp, cause } = moment;
    series.complete.delete(timestamp);
    series.predictedUs = timestamp;
    forget(series);
    const used = { ...moment.used, close };
    const values = Object.entries(used).map(([name, { value }]) => [name, value]);
    const features = Object.fromEntries(values) as Record<keyof Features, number>;
    const { probabilityUp, predictedPrice, confidence } = forecast(features);
    const { interval } = this.#traded;
    const fields = {
      ...{ symbol_id: series.symbolId, timestamp, price_source: series.source, horizon: interval },
      ...{ predicted_price: predictedPrice, probability_up: probabilityUp, confidence_score: confidence },
      inputs: Object.values(used),
      known_until: timestamp,
    };
    return [draftPrediction(this.#by, `${interval} ${series.source} ${timestamp}`, fields, { causationId: cause })];
  }
}

const newSeries = (symbolId: string, source: string): Series => ({
  ...{ symbolId, source, isOwn: null, moment: null, predictedUs: null },
  complete: new Map(),
  closes: new Map(),
});

const keyOf = ({ symbolId, source }: Pick<Series, "symbolId" | "source">) => `${symbolId} ${source}`;

const isPredicted = ({ predictedUs }: Series, endUs: number) => predictedUs !== null && endUs <= predictedUs;

/** Bars come in the order of time but for late ones, so the first one that is needed is behind those that aren't. */
function forget(series: Series): void {
  const { closes, complete } = series;
  for (const endUs of closes.keys()) {
    if (!isPredicted(series, endUs)) return;
    if (!complete.has(endUs)) closes.delete(endUs);
  }
}

/** Which bars an indicator is of, as our indicators say it; another program's need not. */
function barsOf({ parameters }: IndicatorEvent): { interval?: unknown; source?: unknown } {
  return parameters === null || parameters === undefined ? {} : ((JSON.parse(parameters) as object | null) ?? {});
}
