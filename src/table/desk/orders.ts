import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";
import { aheadOf, barValues, type PriceBars } from "./ahead.ts";
import { inScope, type Scope, scopeValues } from "./scope.ts";

const OF_ORDERS = inScope("o", ["o.strategy_id", "uuid"]);

/** Orders of one strategy that came to the same end, by the view `trade_order`. */
export interface OrderState {
  readonly strategyId: string | null;
  readonly state: "refused" | "open" | "partial" | "filled" | "canceled" | "rejected";
  readonly orders: number;
  readonly size: number;
  readonly filled: number;
  /** Reports of each kind. */
  readonly fills: number;
  readonly rejected: number;
  readonly canceled: number;
  /** Orders that were filled in several parts. */
  readonly inParts: number;
}

export function orderStates(connection: Connection, scope: Scope): Promise<OrderState[]> {
  return connection.query<OrderState & Record<string, unknown>>(
    `SELECT strategy_id AS "strategyId", state, count(*) AS orders, sum(size) AS size, sum(filled_quantity) AS filled,
       sum(fills)::bigint AS fills, sum(rejected)::bigint AS rejected, sum(canceled)::bigint AS canceled,
       count(*) FILTER (WHERE fills > 1) AS "inParts"
     FROM public.trade_order o WHERE ${OF_ORDERS} GROUP BY 1, 2 ORDER BY 1, 2`,
    scopeValues(scope),
  );
}

/** An approved order that no report has ended. */
export interface WaitingOrder {
  readonly id: string;
  readonly strategyId: string | null;
  readonly symbol: string;
  /** ISO 8601. */
  readonly at: string;
  readonly action: "BUY" | "SELL";
  readonly size: number;
  readonly filled: number;
}

/** The oldest first. */
export function waitingOrders(connection: Connection, scope: Scope, rowsMax: number): Promise<WaitingOrder[]> {
  return connection.query<WaitingOrder & Record<string, unknown>>(
    `SELECT decision_id AS id, strategy_id AS "strategyId", s.ticker AS symbol, ${isoOf('o."timestamp"')} AS at, action, size,
       filled_quantity AS filled
     FROM public.trade_order o JOIN public.symbol s USING (symbol_id)
     WHERE state IN ('open', 'partial') AND ${OF_ORDERS} ORDER BY o."timestamp", 1 LIMIT $6`,
    [...scopeValues(scope), rowsMax],
  );
}

/** What orders would have earned that were held for so many bars, without costs. */
export interface HeldOrders {
  readonly strategyId: string | null;
  /** Orders that one check refused, all that were refused, and all that were approved, to compare with. */
  readonly of: "check" | "refused" | "approved";
  /** Null but for one check. */
  readonly refusedBy: string | null;
  readonly orders: number;
  /** Those of them whose bars are there. */
  readonly judged: number;
  /** Mean return, of the price, with the order's sign. */
  readonly meanReturn: number | null;
  /** Share that would have earned something. */
  readonly won: number | null;
  /** For their sizes, in money. */
  readonly money: number | null;
}

/** An order that several checks refused counts once in each of them, and once in all that were refused. */
export function heldOrders(connection: Connection, scope: Scope, bars: PriceBars): Promise<HeldOrders[]> {
  const orders = `SELECT o.decision_id AS id, o.symbol_id, o."timestamp", o.price_source, o.strategy_id, o.refused_by, o.approved,
      CASE o.action WHEN 'BUY' THEN 1 ELSE -1 END AS sign, o.size
    FROM public.trade_order o WHERE ${OF_ORDERS}`;
  return connection.query<HeldOrders & Record<string, unknown>>(
    `WITH ${aheadOf(orders, "open")}
     SELECT strategy_id AS "strategyId", r.of, r.refused_by AS "refusedBy", count(*) AS orders, count(later - price) AS judged,
       avg(sign * (later - price) / nullif(abs(price), 0)) AS "meanReturn",
       (avg((sign * (later - price) > 0)::int) FILTER (WHERE later - price IS NOT NULL))::float8 AS won,
       sum(sign * (later - price) * size) AS money
     FROM ahead CROSS JOIN LATERAL (
       SELECT DISTINCT 1 AS rank, 'check' AS of, coalesce(name, 'no reason') AS refused_by FROM unnest(ahead.refused_by) name
       WHERE NOT approved
       UNION ALL SELECT 2, CASE WHEN approved THEN 'approved' ELSE 'refused' END, NULL
     ) r
     GROUP BY 1, rank, 2, 3 ORDER BY 1, rank, 2 DESC, 3`,
    [...scopeValues(scope), ...barValues(bars)],
  );
}
