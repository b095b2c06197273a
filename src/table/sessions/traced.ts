import type { Connection } from "../connection.ts";
import { barEnd } from "../sql.ts";
import { TREES_OF_CALL } from "./call-steps.ts";

/** What an agent did, or an entry about it: found by a key that is the id. */
interface KeyedRow {
  readonly kind: "fill" | "decision" | "prediction" | "call" | "audit entry";
  readonly id: string;
}

/** A row whose key begins with symbol and time, which therefore stand beside its id. */
interface MarketRow {
  readonly kind: "bar" | "indicator" | "tick" | "quote";
  readonly id: string;
  readonly symbolId: string;
  /** As PostgreSQL writes it. */
  readonly at: string;
  readonly sessionId: string | null;
}

/** What can be traced, and where its id stands. */
export type Traced = KeyedRow | MarketRow;

/** As many as a person needs to see that an id is ambiguous. */
const FOUND_MAX = 10;

type Place = readonly [kind: Traced["kind"], table: string, key: string];

const KEYED: readonly Place[] = [
  ["fill", "trade_execution", "execution_id"],
  ["decision", "trade_decision", "decision_id"],
  ["prediction", "model_prediction", "prediction_id"],
  ["call", "agent_call", "call_id"],
  ["audit entry", "audit_log", "log_id"],
];
const MARKET: readonly Place[] = [
  ["bar", "market_data_bar", "market_data_id"],
  ["indicator", "technical_indicator", "indicator_id"],
];

/**
 * The rows whose id lies between two: an id and itself, or the two ends of a prefix. Those of small tables by their keys.
 * Market data only if none of those has it: a whole id by the function `row_of`, a prefix by reading all bars and indicators.
 */
export async function findTraced(connection: Connection, low: string, high: string): Promise<Traced[]> {
  const keyed = await connection.query<KeyedRow & Record<string, unknown>>(between(KEYED, ""), [low, high]);
  if (keyed.length > 0) return keyed;
  const [query, values] =
    low === high
      ? [`SELECT kind, $1::uuid AS id, ${WHERE_IT_IS} FROM public.row_of($1)`, [low]]
      : [between(MARKET, `, ${WHERE_IT_IS}`), [low, high]];
  return connection.query<MarketRow & Record<string, unknown>>(query, values);
}

const WHERE_IT_IS = 'symbol_id AS "symbolId", "timestamp"::text AS at, backtest_session_id AS "sessionId"';

const between = (places: readonly Place[], more: string): string =>
  `${places
    .map(
      ([kind, table, key]) =>
        `(SELECT '${kind}' AS kind, ${key} AS id${more} FROM public.${table} WHERE ${key} BETWEEN $1 AND $2 LIMIT ${FOUND_MAX})`,
    )
    .join(" UNION ALL ")} LIMIT ${FOUND_MAX}`;

/**
 * The trace_ids of the trees that a row is part of, in the order of their decisions, as many as asked for.
 * @param asOf what the broker had by then: a time, or `infinity`
 */
export async function tracesOf(
  connection: Connection,
  traced: Traced,
  asOf: string,
  tracesMax: number,
): Promise<string[]> {
  if (traced.kind === "tick" || traced.kind === "quote") return [];
  if (traced.kind === "audit entry") {
    const [told] = await connection.query<KeyedRow & Record<string, unknown>>(EVENT_OF_ENTRY, [traced.id]);
    return told === undefined ? [] : tracesOf(connection, told, asOf, tracesMax);
  }
  const place = "symbolId" in traced ? [traced.symbolId, traced.at, traced.sessionId] : [];
  const rows = await connection.query<{ id: string }>(TRACES[traced.kind], [traced.id, tracesMax, asOf, ...place]);
  return rows.map((row) => row.id);
}

/** The bars that a tick is in: of its source and session, begun before it and not over. The shortest first. */
export function barsHolding(connection: Connection, tick: MarketRow): Promise<MarketRow[]> {
  return connection.query<MarketRow & Record<string, unknown>>(
    `SELECT 'bar' AS kind, market_data_id AS id, ${WHERE_IT_IS} FROM (
       SELECT * FROM public.market_data_bar
       WHERE symbol_id = $1 AND "timestamp" <= $2 AND "timestamp" > $2::timestamptz - ${LOOKED_BACK}
         AND ${ofSession("$3", "market_data_bar")} ORDER BY "timestamp" DESC LIMIT ${ROWS_LOOKED_BACK}
     ) b WHERE ${barEnd("b")} > $2 AND source = (SELECT 'ticks:' || source FROM public.market_data_tick
       WHERE symbol_id = $1 AND "timestamp" = $2 AND market_data_id = $4)
     ORDER BY b."timestamp" DESC, ${barEnd("b")}`,
    [tick.symbolId, tick.at, tick.sessionId, tick.id],
  );
}

/** How far the view `lineage` looks back from a decision for bars and indicators: in time, and in rows of a symbol. */
const LOOKED_BACK = "interval '408 h'";
const ROWS_LOOKED_BACK = 5000;

/** An entry's payload holds the event whole; each kind's has none of the ids above its own. */
const EVENT_OF_ENTRY = `
  SELECT kind, id FROM public.audit_log a CROSS JOIN LATERAL (VALUES
      (0, 'call', a.payload -> 'event' ->> 'call_id'),
      (1, 'fill', a.payload -> 'event' ->> 'execution_id'),
      (2, 'decision', a.payload -> 'event' ->> 'decision_id'),
      (3, 'prediction', a.payload -> 'event' ->> 'prediction_id')) e (rank, kind, id)
  WHERE a.log_id = $1 AND e.id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' ORDER BY rank LIMIT 1`;

interface KnownTable {
  readonly table: string;
  readonly id: string;
  /** From when on a row of this alias is known. */
  readonly knownAt: (alias: string) => string;
  /** Rows that agree in these are one series: of each the view has the last. */
  readonly series: readonly string[];
  /** Whose prices a row of the alias `t` is about; null where nobody knows. */
  readonly source: string;
  /** Whether trees of sessions have rows without a session, too. */
  readonly shared: boolean;
}

/**
 * A bar or an indicator is in the trees of all decisions, and predictions that led to none, from when it is known until
 * the next of its series is, or until the view no longer looks back so far: of those that are about its source, and of
 * those that name it. Trees of other times that name it are not found, because nothing leads from an input to who named it.
 */
function resting({ table, id, knownAt, series, source, shared }: KnownTable): string {
  const same = series.map((column) => `w."${column}" IS NOT DISTINCT FROM a."${column}"`).join(" AND ");
  const inTime = (alias: string) => `${alias}.symbol_id = $4 AND ${alias}."timestamp" >= k.known_at
        AND ${alias}."timestamp" < k.until AND ${alias}.published_at <= $3
        AND ${shared ? `($6::uuid IS NULL OR ${alias}.backtest_session_id = $6)` : ofSession("$6", alias)}`;
  // As the table's _as_of has them, each table walked by its key: of both together the planner would sort all rows.
  const later = (from: string, known: string) => `(SELECT * FROM (
          SELECT ${[...series, "timestamp"].map((name) => `t."${name}"`).join(", ")}, ${knownAt("t")} AS known_at
          FROM public.${from} t
          WHERE t.symbol_id = $4 AND t."timestamp" > $5 AND t."timestamp" < $5::timestamptz + ${LOOKED_BACK}
            AND coalesce(t.published_at, '-infinity') <= $3 ${known}
            AND ${shared ? "(t.backtest_session_id IS NULL OR t.backtest_session_id = $6::uuid)" : ofSession("$6", "t")}
          ORDER BY t."timestamp" LIMIT ${ROWS_LOOKED_BACK}) w)`;
  return `WITH asked AS (
    SELECT t.*, ${knownAt("t")} AS known_at, ${source} AS of_source FROM public.${table}_as_of($3) t
    WHERE t.symbol_id = $4 AND t."timestamp" = $5 AND t.${id} = $1
  ), k AS (
    SELECT a.known_at, a.of_source, least(a."timestamp" + ${LOOKED_BACK}, n.next, n.bound) AS until
    FROM asked a CROSS JOIN LATERAL (
      SELECT min(w.known_at) FILTER (WHERE ${same}) AS next,
        CASE WHEN count(*) >= ${ROWS_LOOKED_BACK} THEN max(w."timestamp") END AS bound
      FROM (${later(table, "")} UNION ALL ${later(`${table}_revision`, "AND $3 < t.known_to")}) w
    ) n
  )
  SELECT c.id FROM k CROSS JOIN LATERAL (
    (SELECT d.decision_id AS id, d."timestamp" FROM public.trade_decision d
        LEFT JOIN public.model_prediction p ON p.prediction_id = d.model_reference
      WHERE ${inTime("d")} AND ${isShownTo("coalesce(d.price_source, p.price_source)", ["d.inputs", "p.inputs"])}
      ORDER BY d."timestamp", d.decision_id LIMIT $2)
    UNION ALL
    (SELECT p.prediction_id, p."timestamp" FROM public.model_prediction p WHERE ${inTime("p")}
        AND ${isShownTo("p.price_source", ["p.inputs"])} AND NOT EXISTS (
        SELECT FROM public.trade_decision d WHERE d.model_reference = p.prediction_id AND d.published_at <= $3)
      ORDER BY p."timestamp", p.prediction_id LIMIT $2)
  ) c ORDER BY c."timestamp", c.id LIMIT $2`;
}

/** Whether the tree of these prices and inputs has the row `k`, whose id is $1. */
const isShownTo = (prices: string, inputs: readonly string[]) =>
  `(k.of_source IS NULL OR coalesce(${prices}, k.of_source) = k.of_source
        OR ${inputs.map((list) => `${list} @> jsonb_build_array(jsonb_build_object('id', $1::uuid::text))`).join(" OR ")})`;

/** Not IS NOT DISTINCT FROM: the planner takes its rows for so few that it would read and sort all of them. */
const ofSession = (parameter: string, alias: string) =>
  `(${parameter}::uuid IS NULL AND ${alias}.backtest_session_id IS NULL OR ${alias}.backtest_session_id = ${parameter})`;

const TRACES: Readonly<Record<Exclude<Traced["kind"], "audit entry" | "tick" | "quote">, string>> = {
  fill: "SELECT decision_id AS id FROM public.trade_execution WHERE execution_id = $1 AND published_at <= $3 LIMIT $2",
  decision:
    "SELECT decision_id AS id FROM public.trade_decision WHERE decision_id = $1 AND published_at <= $3 LIMIT $2",
  prediction: `SELECT coalesce(d.decision_id, p.prediction_id) AS id FROM public.model_prediction p
    LEFT JOIN public.trade_decision d ON d.model_reference = p.prediction_id AND d.published_at <= $3
    WHERE p.prediction_id = $1 AND p.published_at <= $3 ORDER BY d."timestamp", 1 LIMIT $2`,
  call: TREES_OF_CALL,
  bar: resting({
    table: "market_data_bar",
    id: "market_data_id",
    knownAt: barEnd,
    series: ["interval", "source", "backtest_session_id"],
    source: "t.source",
    shared: true,
  }),
  indicator: resting({
    table: "technical_indicator",
    id: "indicator_id",
    knownAt: (alias) => `${alias}."timestamp"`,
    series: ["indicator_name", "period", "parameters", "computed_by", "backtest_session_id"],
    source: "t.parameters ->> 'source'",
    shared: false,
  }),
};
