import { barEnd } from "../sql.ts";
import { openToSession } from "./scope.ts";

/** The bars that prices are taken of. */
export interface PriceBars {
  readonly interval: string;
  /** Null is the one that a row names, else the only one that an instrument has. */
  readonly source: string | null;
  /** How many bars ahead is looked, 1 or more. */
  readonly after: number;
}

/** $6 to $8 of the statements that `aheadOf` is part of. */
export const barValues = ({ interval, source, after }: PriceBars): readonly unknown[] => [interval, source, after];

/**
 * Common table expressions that give asked rows prices of their instrument's bars: of the source that a row names, else
 * of $7, else of the only one there is (`source`); of the session's own bars where it has any, else of live ones. Rows that
 * name another source than $7 are left out. All rows are put
 * among the bars by one sort, where the last bar so far is a running maximum: a look-up for each row would walk over
 * bars of other lengths, and a join by bars' numbers is planned without knowing how many there are.
 *
 * The last one, `ahead`, has the asked rows with two prices, each null while there is no such bar. `from: "close"`: the
 * close of the last bar that had ended by the row's time, and the close $8 bars further. `from: "open"`: the open of the
 * first bar that begins at its time or later, and the close of the $8th bar from there.
 * @param asked a SELECT with at least id, symbol_id, "timestamp" and price_source
 */
export function aheadOf(asked: string, from: "close" | "open"): string {
  const isClose = from === "close";
  const [at, price, further] = isClose ? [barEnd("b"), "close", "$8::int"] : ['b."timestamp"', "open", "$8::int - 1"];
  return `
  asked AS MATERIALIZED (SELECT * FROM (${asked}) a WHERE $7::text IS NULL OR coalesce(a.price_source, $7) = $7),
  series AS MATERIALIZED (
    SELECT row_number() OVER ()::int AS n, s.*, bool_or(is_own) OVER (PARTITION BY symbol_id) AS any_own,
      bool_or(is_own) OVER (PARTITION BY symbol_id, source) AS has_own
    FROM (SELECT b.symbol_id, b.source, b.backtest_session_id IS NOT NULL AS is_own
      FROM public.market_data_bar b WHERE b."interval" = $6 AND ${openToSession("b")} GROUP BY 1, 2, 3) s
  ),
  single AS (
    SELECT symbol_id, min(source) AS source FROM series WHERE is_own = any_own GROUP BY symbol_id HAVING count(*) = 1
  ),
  placed_in AS MATERIALIZED (
    SELECT a.*, s.n FROM (SELECT asked.*, coalesce(price_source, $7, o.source) AS source FROM asked
      LEFT JOIN single o USING (symbol_id)) a
    LEFT JOIN series s ON s.symbol_id = a.symbol_id AND s.source = a.source AND s.is_own = s.has_own
  ),
  -- A bar that ends as a row's time begins had ended by then; one that begins then is still to come.
  mark AS (
    SELECT s.n, ${at} AS at, NULL::uuid AS id,
      ARRAY[${isClose ? "" : "-"}extract(epoch FROM b."timestamp")::float8, b.${price}, lead(b.close, ${further}) OVER
        (PARTITION BY s.n ORDER BY b."timestamp")] AS seen
    FROM public.market_data_bar b JOIN series s ON s.symbol_id = b.symbol_id AND s.source = b.source
      AND s.is_own = (b.backtest_session_id IS NOT NULL)
    WHERE b."interval" = $6 AND ${openToSession("b")} AND ${at} IS NOT NULL AND s.n IN (SELECT n FROM placed_in)
    UNION ALL SELECT n, "timestamp", id, NULL FROM placed_in WHERE n IS NOT NULL
  ),
  placed AS (
    SELECT id, max(seen) OVER
      (PARTITION BY n ORDER BY at${isClose ? "" : " DESC"}, id IS NOT NULL ROWS UNBOUNDED PRECEDING) AS seen
    FROM mark
  ),
  ahead AS (
    SELECT a.*, p.seen[2] AS price, p.seen[3] AS later
    FROM placed_in a LEFT JOIN (SELECT * FROM placed WHERE id IS NOT NULL) p USING (id)
  )`;
}
