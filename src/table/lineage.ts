import type { Connection } from "./connection.ts";

/** One step on the way that led to a fill, oldest first. */
export interface LineageStep {
  readonly step: "bar" | "indicator" | "prediction" | "decision" | "fill";
  /** The row's own id. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly what: string;
}

/**
 * What a session's last fill rests on: its decision, the prediction behind that, the indicators valid at that moment in the same
 * session, and the last bar that was complete by then.
 * @returns in the order of time; empty when nothing was filled
 */
export async function lastFillLineage(connection: Connection, sessionId: string): Promise<LineageStep[]> {
  return connection.query<LineageStep & Record<string, unknown>>(LINEAGE, [sessionId]);
}

/** A bar is complete when its interval has passed; of daily bars, which this asks for, that is a day. */
const LINEAGE = `
WITH fill AS (
       SELECT * FROM public.trade_execution WHERE backtest_session_id = $1 AND status = 'FILLED'
       ORDER BY "timestamp" DESC LIMIT 1),
     decision AS (SELECT d.* FROM public.trade_decision d JOIN fill USING (decision_id)),
     prediction AS (
       SELECT p.* FROM public.model_prediction p JOIN decision d ON d.model_reference = p.prediction_id),
     indicator AS (
       SELECT i.* FROM public.technical_indicator i JOIN prediction p USING (symbol_id, "timestamp")
       WHERE i.backtest_session_id IS NOT DISTINCT FROM p.backtest_session_id),
     bar AS (
       SELECT b.* FROM public.market_data_bar b JOIN prediction p USING (symbol_id)
       WHERE b."interval" = '1d' AND b."timestamp" <= p."timestamp" - interval '1 day'
       ORDER BY b."timestamp" DESC LIMIT 1),
     step AS (
       SELECT 1 AS rank, 'bar' AS step, market_data_id AS id, "timestamp" AS at,
         format('%s open %s high %s low %s close %s', "interval", open, high, low, close) AS what FROM bar
       UNION ALL
       SELECT 2, 'indicator', indicator_id, "timestamp",
         format('%s = %s by %s', indicator_name || coalesce('(' || period || ')', ''),
           round(indicator_value::numeric, 2), computed_by)
       FROM indicator
       UNION ALL
       SELECT 3, 'prediction', prediction_id, "timestamp",
         format('%s: up with %s, price %s', model_version, round(probability_up::numeric, 3), round(predicted_price::numeric, 2))
       FROM prediction
       UNION ALL
       SELECT 4, 'decision', decision_id, "timestamp", format('%s %s, %s', action, size, reason) FROM decision
       UNION ALL
       SELECT 5, 'fill', execution_id, "timestamp",
         format('%s %s at %s by %s', status, quantity, executed_price, broker) FROM fill)
SELECT step, id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, what
FROM step ORDER BY rank, what`;
