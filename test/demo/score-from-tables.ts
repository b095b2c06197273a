import pg from "pg";

/** What a strategy earned in one window, as the tables say it. */
export interface TableScore {
  readonly performance_id: string;
  readonly total_trades: number;
  readonly win_rate: number | null;
  readonly avg_roi: number | null;
  readonly max_drawdown: number | null;
  readonly sharpe_ratio: number | null;
}

/**
 * The figures of every performance row, computed again from trade_execution and trade_decision by PostgreSQL alone: it
 * shares no line with the program that published them. A round trip ends where the running position comes back to 0.
 */
const RECOMPUTED = `
WITH execution AS (
    SELECT d.strategy_id, e.symbol_id, e.backtest_session_id AS session, e."timestamp", e.execution_id,
      CASE d.action WHEN 'BUY' THEN e.quantity ELSE -e.quantity END AS signed,
      CASE d.action WHEN 'BUY' THEN e.quantity * e.executed_price + coalesce(e.fee, 0) ELSE 0 END AS cost,
      CASE d.action WHEN 'SELL' THEN e.quantity * e.executed_price - coalesce(e.fee, 0) ELSE 0 END AS proceeds
    FROM trade_execution e JOIN trade_decision d USING (decision_id) WHERE e.status = 'FILLED'),
  running AS (
    SELECT *, sum(signed) OVER series AS position FROM execution
    WINDOW series AS (PARTITION BY strategy_id, symbol_id, session ORDER BY "timestamp", execution_id)),
  numbered AS (
    SELECT *, count(*) FILTER (WHERE abs(position) < 1e-9) OVER (
        PARTITION BY strategy_id, symbol_id, session ORDER BY "timestamp", execution_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS trip
    FROM running),
  trip AS (
    SELECT strategy_id, symbol_id, session, trip, max("timestamp") AS closed, sum(proceeds) / sum(cost) - 1 AS roi
    FROM numbered GROUP BY strategy_id, symbol_id, session, trip
    HAVING bool_or(abs(position) < 1e-9)),
  windowed AS (
    SELECT p.performance_id, t.closed, t.roi,
      exp(sum(ln(1 + t.roi)) OVER (PARTITION BY p.performance_id ORDER BY t.closed)) AS equity
    FROM strategy_performance p LEFT JOIN trip t ON t.strategy_id = p.strategy_id AND t.symbol_id = p.symbol_id
      AND t.session IS NOT DISTINCT FROM p.backtest_session_id
      AND t.closed >= p.window_start AND t.closed < p.window_end),
  peaked AS (
    SELECT *, 1 - equity / greatest(1, max(equity) OVER (PARTITION BY performance_id ORDER BY closed)) AS drawdown
    FROM windowed)
SELECT performance_id, count(roi)::integer AS total_trades, avg((roi > 0)::integer)::double precision AS win_rate,
  avg(roi) AS avg_roi, max(drawdown) AS max_drawdown, avg(roi) / nullif(stddev_samp(roi), 0) AS sharpe_ratio
FROM peaked GROUP BY performance_id ORDER BY performance_id`;

const STATED = `SELECT performance_id, total_trades, win_rate, avg_roi, max_drawdown, sharpe_ratio
FROM strategy_performance ORDER BY performance_id`;

/** What the rows of strategy_performance state, and what they should. */
export async function scores(databaseUrl: string): Promise<{ stated: TableScore[]; recomputed: TableScore[] }> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: stated } = await client.query<TableScore>(STATED);
    const { rows: recomputed } = await client.query<TableScore>(RECOMPUTED);
    return { stated, recomputed };
  } finally {
    await client.end();
  }
}

/** Where a stated figure is not the recomputed one, but for the order of additions; empty when all agree. */
export function differences({ stated, recomputed }: Awaited<ReturnType<typeof scores>>): string[] {
  const figures = ({ performance_id: _id, ...rest }: TableScore) => Object.entries(rest) as [string, number | null][];
  return recomputed.flatMap((row, i) => {
    const own = stated[i];
    if (own?.performance_id !== row.performance_id) return [`${row.performance_id} is missing`];
    const far = figures(row).filter(([name, figure]) => {
      const said = own[name as keyof TableScore] as number | null;
      if (figure === null || said === null) return figure !== said;
      return !(Math.abs(figure - said) <= 1e-9 * Math.max(1, Math.abs(figure)));
    });
    return far.map(([name, figure]) => `${row.performance_id}: ${name} is ${figure}`);
  });
}

/** By hand: DATABASE_URL=... node test/demo/score-from-tables.ts prints every row, and exits 1 when one differs. */
if (import.meta.main) {
  const found = await scores(process.env.DATABASE_URL ?? "");
  const wrong = differences(found);
  for (const row of found.recomputed) process.stdout.write(`${JSON.stringify(row)}\n`);
  process.stdout.write(`${found.recomputed.length} rows, ${wrong.length} differences\n${wrong.join("\n")}`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
