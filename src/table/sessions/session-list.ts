import type { Connection } from "../connection.ts";
import type { SessionFacts } from "../landing/sessions.ts";

/** A session as it has landed. Times are microseconds since 1970, `config` and `result` JSON text. */
export interface LandedSession extends SessionFacts {
  readonly backtest_session_id: string;
  readonly name: string | null;
  readonly code_version: string | null;
  readonly config: string | null;
  readonly config_sha256: string | null;
  readonly data_set: string | null;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly result: string | null;
}

const micros = (column: string) => `(extract(epoch FROM ${column}) * 1000000)::bigint AS ${column}`;

export async function readSession(connection: Connection, id: string): Promise<LandedSession | undefined> {
  const [row] = await connection.query<LandedSession & Record<string, unknown>>(
    `SELECT backtest_session_id, kind, status, name, code_version, config::text AS config, config_sha256, data_set,
       ${micros("started_at")}, ${micros("ended_at")}, result::text AS result
     FROM public.backtest_session WHERE backtest_session_id = $1`,
    [id],
  );
  return row;
}

/** A session and how many rows its agents have made. */
export interface ListedSession extends SessionFacts {
  readonly id: string;
  readonly name: string | null;
  /** ISO 8601. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly predictions: number;
  readonly decisions: number;
  readonly fills: number;
  readonly performance: number;
}

const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const countOf = (table: string) =>
  `(SELECT count(*) FROM public.${table} t WHERE t.backtest_session_id = s.backtest_session_id)`;

/**
 * Sessions, the latest first; counts of the small tables only, which have an index by session.
 * @param sessionsMax how many; null is all
 */
export function listSessions(
  connection: Connection,
  withDeleted: boolean,
  sessionsMax: number | null,
): Promise<ListedSession[]> {
  return connection.query<ListedSession & Record<string, unknown>>(
    `SELECT backtest_session_id AS id, kind, name, status, ${iso("started_at")} AS "startedAt",
       ${iso("ended_at")} AS "endedAt", ${countOf("model_prediction")} AS predictions,
       ${countOf("trade_decision")} AS decisions, ${countOf("trade_execution")} AS fills,
       ${countOf("strategy_performance")} AS performance
     FROM public.backtest_session s WHERE $1 OR status <> 'deleted' ORDER BY started_at DESC NULLS LAST, 1 LIMIT $2`,
    [withDeleted, sessionsMax],
  );
}

/** What a strategy earned in a session and window. Times are ISO 8601. */
export interface PerformanceRow {
  readonly strategyId: string;
  /** The ticker; null is the whole portfolio. */
  readonly symbol: string | null;
  readonly windowStart: string;
  readonly windowEnd: string;
  /** Up to when a window that wasn't over is counted. */
  readonly asOf: string | null;
  readonly trades: number;
  readonly pnl: number | null;
  readonly unrealisedPnl: number | null;
  readonly fees: number | null;
  readonly openPosition: number | null;
  readonly winRate: number | null;
  readonly avgRoi: number | null;
  readonly maxDrawdown: number | null;
  readonly maxDrawdownMoney: number | null;
  /** Per trade. */
  readonly sharpe: number | null;
  /** Of the daily returns, of which there are so many. */
  readonly sharpeAnnualised: number | null;
  readonly dailyReturns: number | null;
}

const PERFORMANCE_ROWS_MAX = 200;

export function sessionPerformance(connection: Connection, session: string): Promise<PerformanceRow[]> {
  return connection.query<PerformanceRow & Record<string, unknown>>(
    `SELECT p.strategy_id AS "strategyId", s.ticker AS symbol, ${iso("p.window_start")} AS "windowStart",
       ${iso("p.window_end")} AS "windowEnd", ${iso("p.as_of")} AS "asOf", p.total_trades AS trades, p.pnl,
       p.unrealised_pnl AS "unrealisedPnl", p.fees, p.open_position AS "openPosition", p.win_rate AS "winRate",
       p.avg_roi AS "avgRoi", p.max_drawdown AS "maxDrawdown", p.max_drawdown_money AS "maxDrawdownMoney",
       p.sharpe_ratio AS sharpe, p.sharpe_annualised AS "sharpeAnnualised", p.daily_returns AS "dailyReturns"
     FROM public.strategy_performance p LEFT JOIN public.symbol s USING (symbol_id)
     WHERE p.backtest_session_id = $1 ORDER BY 1, 3, 4, 2 LIMIT $2`,
    [session, PERFORMANCE_ROWS_MAX],
  );
}
