import type { Connection } from "../connection.ts";
import { inScope, type Scope, scopeValues } from "./scope.ts";

/** How long one step took, in milliseconds. */
export interface Latency {
  readonly step: string;
  readonly events: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const millis = (from: string, to: string) => `extract(epoch FROM ${to} - ${from})::float8 * 1000`;

/** Steps on the way of an order: by the events' own times, and by the broker's and this database's clocks. */
export function latencies(connection: Connection, scope: Scope): Promise<Latency[]> {
  const ofDecisions = inScope("d", ["d.strategy_id", "uuid"]);
  const ofFills = inScope("f", ["d.strategy_id", "uuid"]);
  return connection.query<Latency & Record<string, unknown>>(
    `WITH step AS (
       SELECT 1 AS rank, 'prediction to decision' AS step, ${millis('p."timestamp"', 'd."timestamp"')} AS ms
       FROM public.trade_decision d JOIN public.model_prediction p ON p.prediction_id = d.model_reference
       WHERE ${ofDecisions}
       UNION ALL SELECT 2, 'decision published to landed', ${millis("d.published_at", "d.landed_at")}
       FROM public.trade_decision d WHERE ${ofDecisions}
       UNION ALL SELECT s.* FROM public.trade_execution f JOIN public.trade_decision d USING (decision_id)
       CROSS JOIN LATERAL (VALUES (3, 'order to report, as reported', f.latency_ms::float8),
         (4, 'decision published to report published', ${millis("d.published_at", "f.published_at")}),
         (5, 'report published to landed', ${millis("f.published_at", "f.landed_at")})) s
       WHERE ${ofFills}
     )
     SELECT step, events, min, p[1] AS p50, p[2] AS p90, p[3] AS p99, max FROM (
       SELECT rank, step, count(*) AS events, min(ms), max(ms),
         percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY ms) AS p
       FROM step WHERE ms IS NOT NULL GROUP BY rank, step) s
     ORDER BY rank`,
    scopeValues(scope),
  );
}

/** What executions cost against a price of the moment of the decision; above 0 is worse. */
export interface Slippage {
  readonly strategyId: string | null;
  readonly symbol: string;
  /** The price the agent saw, or the middle of bid and ask, of one source. */
  readonly against: "decision price" | "arrival mid";
  readonly source: string | null;
  readonly orders: number;
  /** In money, of all that was filled. */
  readonly money: number;
  /** Ten-thousandths of what was filled, at the price compared with: of all, and of single orders. */
  readonly bps: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
}

/** A quote stands until the next one, but not longer: days before it would be read for an instrument without quotes. */
const QUOTE_AGE_MAX = "24 hours";

/** @param source of the quotes; null takes the latest quote of any, and figures stay apart by source */
export function slippages(connection: Connection, scope: Scope, source: string | null): Promise<Slippage[]> {
  return connection.query<Slippage & Record<string, unknown>>(
    `WITH filled AS (
       SELECT o.*, CASE o.action WHEN 'BUY' THEN 1 ELSE -1 END AS sign FROM public.trade_order o
       WHERE o.filled_quantity > 0 AND ${inScope("o", ["o.strategy_id", "uuid"])}
     ),
     compared AS (
       SELECT strategy_id, symbol_id, sign, average_price, filled_quantity, 'decision price' AS against, price_source AS source,
         decision_price AS price
       FROM filled WHERE decision_price IS NOT NULL
       UNION ALL
       SELECT strategy_id, f.symbol_id, sign, average_price, filled_quantity, 'arrival mid', q.source,
         (q.bid_price + q.ask_price) / 2
       FROM filled f CROSS JOIN LATERAL (
         SELECT q.source, q.bid_price, q.ask_price FROM public.quote q
         WHERE q.symbol_id = f.symbol_id AND q."timestamp" <= f."timestamp"
           AND q."timestamp" > f."timestamp" - interval '${QUOTE_AGE_MAX}'
           AND ($6::text IS NULL OR q.source = $6) AND (q.backtest_session_id IS NULL OR q.backtest_session_id = $1)
         ORDER BY q."timestamp" DESC, q.timestamp_ns DESC, q.quote_id LIMIT 1) q
       WHERE q.bid_price IS NOT NULL AND q.ask_price IS NOT NULL
     ),
     cost AS (SELECT *, sign * (average_price - price) AS each FROM compared)
     SELECT strategy_id AS "strategyId", s.ticker AS symbol, against, c.source, count(*) AS orders,
       sum(each * filled_quantity) AS money,
       sum(each * filled_quantity) / nullif(sum(abs(price) * filled_quantity), 0) * 10000 AS bps,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY each / nullif(abs(price), 0) * 10000) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY each / nullif(abs(price), 0) * 10000) AS p95
     FROM cost c JOIN public.symbol s USING (symbol_id) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3 DESC, 4`,
    [...scopeValues(scope), source],
  );
}
