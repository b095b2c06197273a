import type { Connection } from "../connection.ts";
import { barEnd } from "../sql.ts";
import { epochMicros, inScope, openToSession, type Scope, scopeValues } from "./scope.ts";

/** A fill that executed something, with the side of its decision. Times are microseconds since 1970. */
interface ExecutedFill {
  readonly id: string;
  /** Null where the decision names none. */
  readonly strategyId: string | null;
  readonly symbolId: string;
  readonly symbol: string;
  readonly decision: string;
  /** Whose price it was executed at, by itself or by its decision; null where neither says. */
  readonly source: string | null;
  readonly side: "BUY" | "SELL";
  readonly timestamp: number;
  readonly partition: number;
  readonly offset: number;
  readonly quantity: number;
  readonly price: number;
  readonly fee: number;
}

/** All of the scope's executions: also those before its beginning, which its books begin with. */
export function executedFills(connection: Connection, scope: Scope): Promise<ExecutedFill[]> {
  return connection.query<ExecutedFill & Record<string, unknown>>(
    `SELECT e.execution_id AS id, d.strategy_id AS "strategyId", e.symbol_id AS "symbolId", s.ticker AS symbol,
       d.decision_id AS decision, coalesce(e.price_source, d.price_source) AS source, d.action AS side,
       ${epochMicros('e."timestamp"')} AS timestamp, e.source_partition AS partition, e.source_offset AS offset, e.quantity,
       e.executed_price AS price, coalesce(e.fee, 0) AS fee
     FROM public.trade_execution e JOIN public.trade_decision d USING (decision_id)
       JOIN public.symbol s ON s.symbol_id = e.symbol_id
     WHERE e.status = 'FILLED' AND d.action <> 'HOLD' AND ${inScope("e", ["d.strategy_id", "uuid"])}`,
    scopeValues({ ...scope, since: null }),
  );
}

/** The bar that ends last on its UTC day, of one source and session. Times are microseconds since 1970. */
interface DayLastBar {
  readonly symbolId: string;
  readonly source: string;
  readonly session: string | null;
  readonly startUs: number;
  readonly endUs: number;
  readonly close: number;
  readonly revisedUs: number;
}

/** The last bars of the UTC days, of every source: live ones and the session's own. */
export function dayLastBars(
  connection: Connection,
  { session, until }: Scope,
  symbols: readonly string[],
  interval: string,
): Promise<DayLastBar[]> {
  return connection.query<DayLastBar & Record<string, unknown>>(
    `SELECT DISTINCT ON (symbol_id, source, session, ("endUs" - 1) / 86400000000) symbol_id AS "symbolId", source, session,
       "startUs", "endUs", close, "revisedUs"
     FROM (SELECT b.symbol_id, b.source, b.backtest_session_id AS session, ${epochMicros('b."timestamp"')} AS "startUs",
         ${epochMicros(barEnd("b"))} AS "endUs", b.close, ${epochMicros("b.revised_at")} AS "revisedUs"
       FROM public.market_data_bar b
       WHERE b.symbol_id = ANY ($2) AND b."interval" = $3 AND ${openToSession("b")}
         AND ($4::timestamptz IS NULL OR b."timestamp" < $4)) b
     WHERE "endUs" IS NOT NULL
     ORDER BY symbol_id, source, session, ("endUs" - 1) / 86400000000, "startUs" DESC`,
    [session, symbols, interval, until],
  );
}
