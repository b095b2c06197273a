import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";
import { inScope, type Scope, scopeValues } from "./scope.ts";

/** A decision as a search finds it. */
interface FoundDecision {
  readonly id: string;
  readonly symbol: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly action: "BUY" | "SELL" | "HOLD";
  readonly size: number;
  readonly approved: boolean;
  readonly reason: string | null;
  readonly prediction: string | null;
  readonly session: string | null;
}

/** @param words all of which the reason has, whatever their case; none finds every decision of the scope @returns newest first */
export function searchDecisions(
  connection: Connection,
  scope: Scope,
  words: readonly string[],
  rowsMax: number,
): Promise<FoundDecision[]> {
  return connection.query<FoundDecision & Record<string, unknown>>(
    `SELECT d.decision_id AS id, s.ticker AS symbol, ${isoOf('d."timestamp"')} AS at, d.action, d.size, d.approved,
       d.reason, d.model_reference AS prediction, d.backtest_session_id AS session
     FROM public.trade_decision d JOIN public.symbol s USING (symbol_id)
     WHERE ${inScope("d", ["d.strategy_id", "uuid"])}
       AND NOT EXISTS (SELECT FROM unnest($6::text[]) AS w (word) WHERE strpos(lower(coalesce(d.reason, '')), lower(w.word)) = 0)
     ORDER BY d."timestamp" DESC, d.decision_id LIMIT $7`,
    [...scopeValues(scope), words, rowsMax],
  );
}

/** The last bar of a series that was complete and known at a time. */
interface KnownBar {
  readonly id: string;
  readonly symbol: string;
  readonly interval: string;
  readonly source: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly publishedAt: string | null;
  readonly close: number;
  readonly session: string | null;
}

/** @param known ISO 8601: what the broker had by then @returns of each interval and source the last one of 408 hours before */
export function barsKnown(connection: Connection, scope: Scope, known: string, rowsMax: number): Promise<KnownBar[]> {
  return connection.query<KnownBar & Record<string, unknown>>(
    `SELECT * FROM (
       SELECT DISTINCT ON (b.symbol_id, b."interval", b.source, b.backtest_session_id) b.market_data_id AS id,
         s.ticker AS symbol, b."interval", b.source, ${isoOf('b."timestamp"')} AS "startedAt",
         ${isoOf("b.published_at")} AS "publishedAt", b.close, b.backtest_session_id AS session
       FROM public.market_data_bar_as_of($3) b JOIN public.symbol s USING (symbol_id)
       WHERE b.symbol_id = ANY ($2::uuid[]) AND (b.backtest_session_id IS NULL OR b.backtest_session_id = $1::uuid)
         AND b."timestamp" < $3 AND b."timestamp" > $3::timestamptz - interval '408 h'
         AND coalesce(b.ends_at, tradetape.bar_end(b."timestamp", b."interval")) <= $3
       ORDER BY b.symbol_id, b."interval", b.source, b.backtest_session_id, b."timestamp" DESC
     ) k ORDER BY symbol, "interval", source LIMIT $4`,
    [scope.session, scope.symbols, known, rowsMax],
  );
}
