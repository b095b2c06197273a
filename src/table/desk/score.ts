import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";
import { inScope, type Scope, scopeValues } from "./scope.ts";

/** Outcomes of predictions that gave a probability; predictions count by their own time. */
const JUDGED = `judged AS (
  SELECT p.model_version AS model, o.judged_by, p.symbol_id, p."timestamp", p.probability_up AS chance,
    (o.realised_price > o.base_price)::int AS rose, o.brier, o.log_loss, o.realised_return
  FROM public.prediction_outcome o JOIN public.model_prediction p USING (prediction_id)
  WHERE o.brier IS NOT NULL AND ${inScope("p", ["p.model_version", "text"])}
)`;

const FIGURES = `count(*) AS predictions, avg(chance) AS mean, avg(rose)::float8 AS rose, avg(brier) AS brier,
  avg(log_loss) AS "logLoss"`;

/** What the predictions of one model came to; all means are of `predictions`. */
interface Figures {
  readonly model: string;
  /** The bars that judged: interval and source. */
  readonly judgedBy: string;
  /** How many were judged that gave a probability. */
  readonly predictions: number;
  /** Mean probability of a rise. */
  readonly mean: number;
  /** Share after which the price was higher. */
  readonly rose: number;
  /** Mean Brier score: 0 is best, 0.25 is what a constant one half gets. */
  readonly brier: number;
  /** Mean log loss: 0 is best, 0.6931 is what a constant one half gets. */
  readonly logLoss: number;
}

export interface ModelScore extends Figures {
  /** Null is all symbols together. */
  readonly symbol: string | null;
  /** Brier skill score, 1 - brier / (rose (1 - rose)): above 0 beats the constant `rose`; null where nothing varies. */
  readonly skill: number | null;
  /** Share of probabilities other than one half on the side that came; null where there is none. */
  readonly right: number | null;
  /** Mean return after a probability above one half, less that after one below; null where either is missing. */
  readonly spread: number | null;
}

/** The scores of each model, of all symbols together and of each. */
export function modelScores(connection: Connection, scope: Scope): Promise<ModelScore[]> {
  return connection.query<ModelScore & Record<string, unknown>>(
    `WITH ${JUDGED}
     SELECT model, judged_by AS "judgedBy", s.ticker AS symbol, ${FIGURES},
       1 - avg(brier) / nullif(avg(rose)::float8 * (1 - avg(rose)::float8), 0) AS skill,
       (avg(((chance > 0.5) = (rose = 1))::int) FILTER (WHERE chance <> 0.5))::float8 AS right,
       avg(realised_return) FILTER (WHERE chance > 0.5) - avg(realised_return) FILTER (WHERE chance < 0.5) AS spread
     FROM judged j LEFT JOIN public.symbol s USING (symbol_id)
     GROUP BY GROUPING SETS ((model, judged_by), (model, judged_by, symbol_id, s.ticker))
     ORDER BY 1, 2, grouping(symbol_id) DESC, 3, symbol_id`,
    scopeValues(scope),
  );
}

/** Predictions of about one probability, and how often they came true. */
export interface ReliabilityBin {
  readonly model: string;
  readonly judgedBy: string;
  /** The bin: above this, up to `to` and with it; the first one includes 0. As scikit-learn's calibration_curve. */
  readonly from: number;
  readonly to: number;
  readonly predictions: number;
  readonly mean: number;
  readonly rose: number;
}

/** Reliability: bins of one width over 0 to 1, those without a prediction left out. */
export function reliability(connection: Connection, scope: Scope, bins: number): Promise<ReliabilityBin[]> {
  return connection.query<ReliabilityBin & Record<string, unknown>>(
    `WITH ${JUDGED}
     SELECT model, judged_by AS "judgedBy", bin::float8 / $6 AS "from", (bin + 1)::float8 / $6 AS "to",
       count(*) AS predictions, avg(chance) AS mean, avg(rose)::float8 AS rose
     FROM judged CROSS JOIN LATERAL (SELECT greatest(ceil(chance * $6) - 1, 0)::int AS bin)
     GROUP BY 1, 2, bin ORDER BY 1, 2, bin`,
    [...scopeValues(scope), bins],
  );
}

export const PERIODS = ["month", "quarter", "year"] as const;
export type Period = (typeof PERIODS)[number];

/** One model's figures of one symbol in one period, beside those of all periods before. */
export interface Drift extends Figures {
  readonly symbol: string;
  /** When the period began, UTC. */
  readonly since: string;
  /** `brier` less that of all periods before; null in the first one. */
  readonly change: number | null;
  /**
   * The change in standard errors (Welch, 1947): beyond 3 either way chance alone hardly does that. Null where a side has fewer
   * than two predictions, or no spread.
   */
  readonly z: number | null;
}

/** How the scores of each model and symbol moved from one UTC month, quarter or year to the next. */
export function drift(connection: Connection, scope: Scope, period: Period): Promise<Drift[]> {
  const before =
    "OVER (PARTITION BY model, judged_by, symbol_id ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)";
  return connection.query<Drift & Record<string, unknown>>(
    `WITH ${JUDGED}, periods AS (
       SELECT model, judged_by, symbol_id, date_trunc($6, "timestamp", 'UTC') AS since, ${FIGURES},
         sum(brier) AS total, sum(brier ^ 2) AS squares, var_samp(brier) AS variance
       FROM judged GROUP BY 1, 2, 3, 4
     ), beside AS (
       SELECT *, sum(predictions) ${before} AS n, sum(total) ${before} AS sum, sum(squares) ${before} AS square_sum
       FROM periods
     )
     SELECT model, judged_by AS "judgedBy", s.ticker AS symbol, ${isoOf("since")} AS since, predictions, mean, rose, brier,
       "logLoss", brier - sum / n AS change,
       (brier - sum / n) / nullif(sqrt(greatest(variance / predictions
         + CASE WHEN n > 1 THEN (square_sum - sum ^ 2 / n) / (n - 1) / n END, 0)), 0) AS z
     FROM beside JOIN public.symbol s USING (symbol_id) ORDER BY 1, 2, 3, symbol_id, beside.since`,
    [...scopeValues(scope), period],
  );
}
