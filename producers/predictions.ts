import { draftPrediction } from "../src/agent/draft.ts";
import { type AgentIdentity, identityOf } from "../src/agent/fields.ts";
import type { IndicatorEvent } from "../src/event/events.ts";
import { jsonLines } from "../src/feed/formats/json-lines.ts";
import { producerOf } from "../src/feed/producer.ts";
import { type Features, forecast } from "../src/strategy/model.ts";
import type { Program } from "../src/stream/program.ts";

/** What models expect, from JSON lines. */
export const predictions = producerOf("predictions", [jsonLines("predictions")]);

/** What the model needs of one bar, by the indicator's name and period. */
const FEATURES: Readonly<Record<string, keyof Features>> = {
  "RSI 14": "rsi",
  "MACD_HISTOGRAM null": "macdHistogram",
  "SMA 20": "sma20",
  "SMA 50": "sma50",
  "SMA 200": "sma200",
  "BOLLINGER_UPPER 20": "bandUpper",
  "BOLLINGER_LOWER 20": "bandLower",
};
const COUNT = Object.keys(FEATURES).length;

type SavedMoments = readonly (readonly [key: string, moment: Moment])[];

interface Moment {
  timestamp: number;
  features: { -readonly [F in keyof Features]?: number };
  isPredicted: boolean;
}

/**
 * indicators -> predictions: one for every moment whose indicators are all there, by the model of
 * src/strategy/model.ts, whose formula and sources stand there. The first prediction of a moment stays: a value that is
 * revised later wasn't known then, and changes none. Caused, in its headers, by the indicator that came last.
 * @param interval the bars' length that is traded, as in 1d
 */
export function predictionsOfIndicators(by: AgentIdentity, interval: string): Program<SavedMoments> {
  return {
    name: "predictions",
    reads: ["indicators"],
    snapshot: { version: 1, settings: { ...identityOf(by), interval } },
    open: (_isWhole, saved) => {
      const moments = new Map<string, Moment>(saved);
      return {
        take: (record) => {
          if (record.topic !== "indicators" || !isOurs(record.event, by)) return [];
          const { symbol_id, timestamp, indicator_id } = record.event;
          const series = seriesOf(record.event);
          const feature = FEATURES[`${record.event.indicator_name} ${record.event.period}`];
          if (series?.interval !== interval || feature === undefined) return [];
          const key = `${symbol_id} ${series.source}`;
          let moment = moments.get(key);
          if (moment === undefined || timestamp > moment.timestamp) {
            moment = { timestamp, features: {}, isPredicted: false };
            moments.set(key, moment);
          }
          if (timestamp < moment.timestamp || moment.isPredicted) return [];
          moment.features[feature] = record.event.indicator_value;
          if (Object.keys(moment.features).length < COUNT) return [];
          moment.isPredicted = true;
          const { probabilityUp, predictedPrice, confidence } = forecast(moment.features as Features);
          const fields = {
            symbol_id,
            timestamp,
            predicted_price: predictedPrice,
            probability_up: probabilityUp,
            confidence_score: confidence,
          };
          const name = `${interval} ${series.source} ${timestamp}`;
          return [draftPrediction(by, name, fields, { causationId: indicator_id })];
        },
        save: () => [...moments],
      };
    },
  };
}

const isOurs = (event: Required<IndicatorEvent>, by: AgentIdentity) =>
  event.backtest_session_id === (by.session ?? null) && event.computed_by === by.actor;

/** Which bars an indicator is of, as our indicators say it; another program's need not. */
function seriesOf({ parameters }: IndicatorEvent): { interval?: unknown; source?: unknown } | null {
  return parameters === null || parameters === undefined ? null : (JSON.parse(parameters) as object | null);
}
