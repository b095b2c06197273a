import type { Connection } from "../connection.ts";

/** One decision of each session for the same strategy, symbol and time; null where a session has none. */
interface DecisionPair {
  readonly symbol: string;
  /** ISO 8601. */
  readonly at: string;
  readonly a: DecisionSide | null;
  readonly b: DecisionSide | null;
}

export interface DecisionSide {
  readonly action: "BUY" | "SELL" | "HOLD";
  readonly size: number;
  readonly approved: boolean;
  /** What its fills came to, and their average price. */
  readonly filled: number;
  readonly price: number | null;
}

const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

/** Decisions of one session, with what became of them; the n-th of its kind at its time, in the order published. */
const decisions = (session: string) => `
  SELECT d.strategy_id, d.symbol_id, d."timestamp", row_number() OVER (
      PARTITION BY d.strategy_id, d.symbol_id, d."timestamp" ORDER BY d.source_partition, d.source_offset) AS n,
    jsonb_build_object('action', d.action, 'size', d.size, 'approved', d.approved,
      'filled', coalesce(e.filled_quantity, 0), 'price', e.average_price) AS side
  FROM public.trade_decision d LEFT JOIN (
    SELECT decision_id, sum(quantity) AS filled_quantity,
      sum(executed_price * quantity) / nullif(sum(quantity), 0) AS average_price
    FROM public.trade_execution WHERE backtest_session_id = ${session} AND status = 'FILLED' GROUP BY 1) e USING (decision_id)
  WHERE d.backtest_session_id = ${session}`;

/** FULL JOIN takes plain equality only, and a decision may name no strategy: the nil UUID stands for none. */
const NONE = "'00000000-0000-0000-0000-000000000000'::uuid";
const PAIRED = `
  SELECT coalesce(a.symbol_id, b.symbol_id) AS symbol_id, coalesce(a."timestamp", b."timestamp") AS at, a.side AS a, b.side AS b
  FROM (${decisions("$1")}) a FULL JOIN (${decisions("$2")}) b
    ON coalesce(a.strategy_id, ${NONE}) = coalesce(b.strategy_id, ${NONE}) AND a.symbol_id = b.symbol_id
      AND a."timestamp" = b."timestamp" AND a.n = b.n`;

export interface DecisionComparison {
  readonly same: number;
  readonly differing: number;
  readonly onlyA: number;
  readonly onlyB: number;
  /** Those that aren't the same, by time. */
  readonly pairs: readonly DecisionPair[];
}

/** Two sessions' decisions and what was filled of them, matched by strategy, symbol and time. */
export async function compareDecisions(
  connection: Connection,
  a: string,
  b: string,
  pairsMax: number,
): Promise<DecisionComparison> {
  const [counts] = await connection.query<Omit<DecisionComparison, "pairs">>(
    `SELECT count(*) FILTER (WHERE a = b) AS same, count(*) FILTER (WHERE a <> b) AS differing,
       count(*) FILTER (WHERE b IS NULL) AS "onlyA", count(*) FILTER (WHERE a IS NULL) AS "onlyB" FROM (${PAIRED}) p`,
    [a, b],
  );
  const pairs = await connection.query<DecisionPair & Record<string, unknown>>(
    `SELECT s.ticker AS symbol, to_char(p.at AT TIME ZONE 'UTC', ${ISO}) AS at, p.a, p.b
     FROM (${PAIRED}) p JOIN public.symbol s USING (symbol_id)
     WHERE p.a IS DISTINCT FROM p.b ORDER BY p.at, 1 LIMIT $3`,
    [a, b, pairsMax],
  );
  return { ...counts!, pairs };
}

/** What a session's decisions and fills come to. Quantities and money are in the units of its events. */
export interface SessionTotals {
  readonly decisions: number;
  readonly buys: number;
  readonly sells: number;
  readonly holds: number;
  readonly approved: number;
  readonly fills: number;
  readonly rejected: number;
  readonly canceled: number;
  readonly quantity: number;
  readonly turnover: number;
  readonly fees: number;
  readonly avgLatencyMs: number | null;
}

export async function sessionTotals(connection: Connection, session: string): Promise<SessionTotals> {
  const [row] = await connection.query<SessionTotals & Record<string, unknown>>(
    `SELECT d.*, f.* FROM (
       SELECT count(*) AS decisions, count(*) FILTER (WHERE action = 'BUY') AS buys,
         count(*) FILTER (WHERE action = 'SELL') AS sells, count(*) FILTER (WHERE action = 'HOLD') AS holds,
         count(*) FILTER (WHERE approved) AS approved
       FROM public.trade_decision WHERE backtest_session_id = $1) d
     CROSS JOIN (
       SELECT count(*) FILTER (WHERE status = 'FILLED') AS fills, count(*) FILTER (WHERE status = 'REJECTED') AS rejected,
         count(*) FILTER (WHERE status = 'CANCELED') AS canceled, coalesce(sum(quantity), 0) AS quantity,
         coalesce(sum(executed_price * quantity), 0) AS turnover, coalesce(sum(fee), 0) AS fees,
         avg(latency_ms)::float8 AS "avgLatencyMs"
       FROM public.trade_execution WHERE backtest_session_id = $1) f`,
    [session],
  );
  return row!;
}
