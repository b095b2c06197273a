import type { Connection } from "../connection.ts";
import { aheadOf, barValues, type PriceBars } from "./ahead.ts";
import { inScope, type Scope, scopeValues } from "./scope.ts";

/** Predictions, each with the close that it was made at and the close so many bars further. */
const PREDICTED = aheadOf(
  `SELECT p.prediction_id AS id, p.symbol_id, p."timestamp", p.price_source, p.probability_up, p.confidence_score,
     p.predicted_price, p.model_version
   FROM public.model_prediction p WHERE ${inScope("p", ["p.model_version", "text"])}`,
  "close",
);

/** Predictions of one bin. */
export interface HitBin {
  readonly by: "probability" | "confidence";
  readonly model: string;
  /** Of the bars that tell the outcome; null where there are several, and neither the predictions nor the question name one. */
  readonly source: string | null;
  /** The tenth that the bin begins with: 0.3 is from 0.3 to below 0.4, the last one includes 1. */
  readonly from: number;
  readonly predictions: number;
  /** Those of them whose outcome is known; all figures are of these, and null where there are none. */
  readonly judged: number;
  /** Of what the bins are made of. */
  readonly mean: number | null;
  /** Share after which the close was higher. */
  readonly rose: number | null;
  /** Share that was right; a chance of exactly one half says nothing, null where all do. */
  readonly hit: number | null;
}

/** How often predictions came true, by tenths of their chance of a rise, and of the model's confidence. */
export function hitBins(connection: Connection, scope: Scope, bars: PriceBars): Promise<HitBin[]> {
  return connection.query<HitBin & Record<string, unknown>>(
    `WITH ${PREDICTED}
     SELECT b.by, a.model_version AS model, a.source, least(floor(b.value * 10), 9) / 10 AS "from", count(*) AS predictions,
       count(later - price) AS judged, avg(b.value) FILTER (WHERE later - price IS NOT NULL) AS mean,
       avg((later > price)::int)::float8 AS rose,
       (avg(((probability_up > 0.5) = (later > price))::int) FILTER (WHERE probability_up <> 0.5))::float8 AS hit
     FROM ahead a CROSS JOIN LATERAL (VALUES ('probability', probability_up), ('confidence', confidence_score)) b(by, value)
     WHERE probability_up IS NOT NULL AND b.value IS NOT NULL
     GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 2, 3, 4`,
    [...scopeValues(scope), ...barValues(bars)],
  );
}

/** How far predicted prices were off, in money, beside the naive forecast that nothing changes. */
export interface PriceErrors {
  readonly model: string;
  readonly symbol: string;
  /** Of the bars that tell the outcome; null where there are several, and neither the predictions nor the question name one. */
  readonly source: string | null;
  readonly predictions: number;
  /** Those of them whose outcome is known; all figures are of these, and null where there are none. */
  readonly judged: number;
  /** Mean error; above 0 too high. */
  readonly bias: number | null;
  /** Mean absolute error. */
  readonly mae: number | null;
  /** Root of the mean square error. */
  readonly rmse: number | null;
  /** Mean absolute error as a share of the price. */
  readonly mape: number | null;
  readonly naiveMae: number | null;
  readonly naiveRmse: number | null;
}

export function priceErrors(connection: Connection, scope: Scope, bars: PriceBars): Promise<PriceErrors[]> {
  return connection.query<PriceErrors & Record<string, unknown>>(
    `WITH ${PREDICTED},
     judged AS (
       SELECT model_version, symbol_id, source, predicted_price - later AS error, price - later AS naive, later FROM ahead
       WHERE predicted_price IS NOT NULL
     )
     SELECT j.model_version AS model, s.ticker AS symbol, source, count(*) AS predictions, count(error) AS judged,
       avg(error) AS bias,
       avg(abs(error)) AS mae, sqrt(avg(error ^ 2)) AS rmse, avg(abs(error / nullif(later, 0))) AS mape,
       avg(abs(naive)) FILTER (WHERE error IS NOT NULL) AS "naiveMae",
       sqrt(avg(naive ^ 2) FILTER (WHERE error IS NOT NULL)) AS "naiveRmse"
     FROM judged j JOIN public.symbol s USING (symbol_id) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    [...scopeValues(scope), ...barValues(bars)],
  );
}
