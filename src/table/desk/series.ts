import type { Connection } from "../connection.ts";
import { barEnd, isoOf } from "../sql.ts";
import { inScope, type Scope, scopeValues } from "./scope.ts";

/** Kinds of market data, each with its table and how one row of it is asked for. */
const KINDS = {
  bars: {
    table: "market_data_bar",
    interval: '"interval"',
    known: barEnd("m"),
  },
  ticks: { table: "market_data_tick", interval: "NULL::text", known: 'm."timestamp"' },
  quotes: { table: "quote", interval: "NULL::text", known: 'm."timestamp"' },
} as const;

export type MarketDataKind = keyof typeof KINDS;
export const MARKET_DATA_KINDS = Object.keys(KINDS) as readonly MarketDataKind[];

/** Rows of one source are asked about, where a scope names an owner. */
const OF_SOURCE = inScope("m", ["m.source", "text"]);

/** What comes of one instrument from one source. */
interface Series {
  readonly kind: MarketDataKind;
  readonly symbol: string;
  /** Null but for bars. */
  readonly interval: string | null;
  readonly source: string;
}

/** How old the newest of a series is. */
export interface Staleness extends Series {
  readonly rows: number;
  /** ISO 8601: the time of a tick or quote, the end of a bar. */
  readonly newest: string;
  readonly ageS: number;
  /** The age in lengths of its bars: below 1 the next one isn't due yet. */
  readonly lengths: number | null;
}

/** The stalest first. @param at ISO 8601: when the ages are asked; @param kinds of which they are asked */
export function staleness(
  connection: Connection,
  scope: Scope,
  kinds: readonly MarketDataKind[],
  at: string,
): Promise<Staleness[]> {
  const newest = kinds.map((kind) => {
    const { table, interval, known } = KINDS[kind];
    return `SELECT '${kind}' AS kind, symbol_id, ${interval} AS "interval", source, count(*) AS rows, max(${known}) AS newest
      FROM public.${table} m WHERE ${OF_SOURCE} GROUP BY 2, 3, 4`;
  });
  return connection.query<Staleness & Record<string, unknown>>(
    `SELECT n.kind, s.ticker AS symbol, n."interval", n.source, n.rows, ${isoOf("newest")} AS newest,
       extract(epoch FROM $6::timestamptz - newest)::float8 AS "ageS",
       (extract(epoch FROM $6::timestamptz - newest) / extract(epoch FROM tradetape.bar_length(n."interval")))::float8 AS lengths
     FROM (${newest.join(" UNION ALL ")}) n JOIN public.symbol s USING (symbol_id) ORDER BY "ageS" DESC, 1, 2, 3, 4`,
    [...scopeValues(scope), at],
  );
}

/** How long after its own time the feed handed an event over, in whole milliseconds; of a bar after its end. */
export interface FeedDelay extends Omit<Series, "symbol"> {
  readonly rows: number;
  /** Those that tell when they were received; the figures are of these. */
  readonly told: number;
  readonly min: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** Counted by the millisecond first, since millions of single delays would have to be sorted. */
export function feedDelays(
  connection: Connection,
  scope: Scope,
  kinds: readonly MarketDataKind[],
): Promise<FeedDelay[]> {
  const counted = kinds.map((kind) => {
    const { table, interval, known } = KINDS[kind];
    return `SELECT '${kind}' AS kind, ${interval} AS "interval", source,
        round(extract(epoch FROM received_at - ${known}) * 1000)::bigint AS ms, count(*) AS n
      FROM public.${table} m WHERE ${OF_SOURCE} GROUP BY 2, 3, 4`;
  });
  const percentile = (share: number) => `min(ms) FILTER (WHERE so_far >= ${share} * told)`;
  return connection.query<FeedDelay & Record<string, unknown>>(
    `SELECT kind, "interval", source, sum(n)::bigint AS rows, coalesce(max(told), 0)::bigint AS told, min(ms) AS min,
       ${percentile(0.5)} AS p50, ${percentile(0.9)} AS p90, ${percentile(0.99)} AS p99, max(ms) AS max
     FROM (SELECT *, sum(n) FILTER (WHERE ms IS NOT NULL) OVER series AS told,
         sum(n) OVER (PARTITION BY kind, "interval", source ORDER BY ms) AS so_far
       FROM (${counted.join(" UNION ALL ")}) c WINDOW series AS (PARTITION BY kind, "interval", source)) c
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    scopeValues(scope),
  );
}

/** A time in which a series has nothing, where it has something in most weeks. */
export interface Gap {
  readonly symbol: string;
  readonly source: string;
  /** ISO 8601: the first slot that is missing, and the end of the last one. */
  readonly from: string;
  readonly until: string;
  readonly missing: number;
  /** What the series' usual week is made of. */
  readonly weeks: number;
}

/** How the weeks of a series are cut. */
interface Slots {
  readonly kind: MarketDataKind;
  /** The bars' length; of ticks and quotes the length of time in which there is usually one. */
  readonly interval: string;
  /** The zone by whose clock a week looks like the next one. */
  readonly zone: string;
}

/**
 * Slots of a week that a series fills in more than half of the weeks in which it has anything, and that are empty between
 * its first and its last: what follows one another is one gap. The longest come first.
 */
export function gaps(connection: Connection, scope: Scope, { kind, interval, zone }: Slots): Promise<Gap[]> {
  const isBars = kind === "bars";
  const wall = `m."timestamp" AT TIME ZONE $7`;
  const length = "tradetape.bar_length($6)";
  return connection.query<Gap & Record<string, unknown>>(
    `WITH slot AS MATERIALIZED (
       SELECT DISTINCT m.symbol_id, m.source, ${isBars ? wall : `date_bin(${length}, ${wall}, timestamp '2001-01-01')`} AS at
       FROM public.${KINDS[kind].table} m WHERE ${OF_SOURCE} AND ${isBars ? '"interval" = $6' : "$6::text IS NOT NULL"}
     ),
     series AS (
       SELECT symbol_id, source, min(at) AS first, max(at) AS last, count(DISTINCT date_trunc('week', at)) AS weeks
       FROM slot GROUP BY 1, 2
     ),
     usual AS (
       SELECT symbol_id, source, at - date_trunc('week', at) AS of_week, first, last, weeks
       FROM slot JOIN series USING (symbol_id, source) GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(*) * 2 > weeks
     ),
     expected AS (
       SELECT symbol_id, source, weeks, week + of_week AS at,
         row_number() OVER (PARTITION BY symbol_id, source ORDER BY week + of_week) AS n
       FROM usual, generate_series(date_trunc('week', first), last, interval '7 days') AS week
       WHERE week + of_week BETWEEN first AND last
         -- An hour that the zone's clock skips in spring is nobody's gap.
         AND (week + of_week) AT TIME ZONE $7 AT TIME ZONE $7 = week + of_week
     ),
     missing AS (
       SELECT e.*, n - row_number() OVER (PARTITION BY symbol_id, source ORDER BY n) AS island
       FROM expected e LEFT JOIN slot s USING (symbol_id, source, at) WHERE s.at IS NULL
     )
     SELECT y.ticker AS symbol, source, ${isoOf("(min(at) AT TIME ZONE $7)")} AS "from",
       ${isoOf(`((max(at) + ${length}) AT TIME ZONE $7)`)} AS until, count(*) AS missing, weeks
     FROM missing JOIN public.symbol y USING (symbol_id) GROUP BY symbol_id, 1, 2, weeks, island ORDER BY missing DESC, 3, 1, 2`,
    [...scopeValues(scope), interval, zone],
  );
}
