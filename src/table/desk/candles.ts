import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";
import { epochMicros } from "./scope.ts";

/** Where candles come from: bars as they are, or ticks put together. */
type CandleKind = "bars" | "ticks";

/** What an instrument has candles of, by its newest rows. */
interface CandleSeries {
  readonly kind: CandleKind;
  /** Of bars; null of ticks, which candles of any length are made of. */
  readonly interval: string | null;
  readonly source: string;
  /** ISO 8601: when the newest row began, or happened. */
  readonly newest: string;
}

/** Among so many of the newest rows the series of an instrument are looked for: what none of them is of has stopped long ago. */
const LOOKED_AT = 20_000;

/**
 * Bars first.
 * @param sessionId whose rows are looked at beside those of no session
 */
export function candleSeries(
  connection: Connection,
  symbolId: string,
  sessionId: string | null,
): Promise<CandleSeries[]> {
  const newest = (kind: CandleKind, table: string, interval: string) =>
    `(SELECT '${kind}' AS kind, ${interval} AS "interval", source, ${isoOf('max("timestamp")')} AS newest, count(*) AS n FROM (
       SELECT * FROM public.${table} m WHERE symbol_id = $1 AND (backtest_session_id IS NULL OR backtest_session_id = $2)
       ORDER BY "timestamp" DESC LIMIT ${LOOKED_AT}) m GROUP BY 2, 3)`;
  return connection.query<CandleSeries & Record<string, unknown>>(
    `SELECT kind, "interval", source, newest FROM (${newest("bars", "market_data_bar", 'm."interval"')}
       UNION ALL ${newest("ticks", "market_data_tick", "NULL::text")}) s ORDER BY kind, n DESC, "interval", source`,
    [symbolId, sessionId],
  );
}

/** What is drawn: at most so many candles that begin before a moment. */
interface CandleWindow {
  readonly symbolId: string;
  /** Whose candles stand in the place of those of no session; null looks at the latter only. */
  readonly sessionId: string | null;
  readonly kind: CandleKind;
  readonly interval: string;
  readonly source: string;
  /** ISO 8601, not counted in. */
  readonly until: string;
}

/** Microseconds since 1970 of its beginning; open, high, low, close; volume. */
type Candle = readonly [at: number, open: number, high: number, low: number, close: number, volume: number];

interface Candles {
  /** ISO 8601: from when on. */
  readonly since: string;
  readonly candles: readonly Candle[];
  /** Whether the window was made shorter, because it has more ticks than are put together at once. */
  readonly isCut: boolean;
}

const CANDLES_MAX = 1000;
/** Putting together so many takes some tenths of a second. */
const TICKS_MAX = 250_000;

/** Candles in the order of time. @throws TradetapeError as every question to the database does */
export async function readCandles(connection: Connection, window: CandleWindow): Promise<Candles> {
  const { symbolId, sessionId, kind, interval, source, until } = window;
  const [begin] = await connection.query<{ since: string; isCut: boolean }>(
    `WITH whole AS (SELECT $1::timestamptz - ${CANDLES_MAX} * ${LENGTH} AS since)
     SELECT ${isoOf("coalesce(cut.since, whole.since)")} AS since, cut.since IS NOT NULL AS "isCut"
     FROM whole LEFT JOIN ${kind === "ticks" ? LATEST_TICKS : NO_CUT} ON true`,
    kind === "ticks" ? [until, interval, symbolId] : [until, interval],
  );
  const rows = await connection.query<{ candle: Candle }>(
    `SELECT jsonb_build_array(${epochMicros("c.at")}, open, high, low, close, volume) AS candle
     FROM (${CANDLES[kind]}) c ORDER BY c.at`,
    [symbolId, sessionId, source, begin!.since, until, interval],
  );
  return { ...begin!, candles: rows.map(({ candle }) => candle) };
}

/** A window has a beginning even where nobody knows the length of its interval. */
const LENGTH = "coalesce(tradetape.bar_length($2), interval '1 day')";

const NO_CUT = "(SELECT NULL::timestamptz AS since) cut";

/** The first candle of which all ticks are among those that are put together; no row where all of the window's are. */
const LATEST_TICKS = `LATERAL (SELECT date_bin(${LENGTH}, "timestamp", 'epoch') + ${LENGTH} AS since FROM (
    SELECT "timestamp" FROM public.market_data_tick
    WHERE symbol_id = $3 AND "timestamp" >= whole.since AND "timestamp" < $1
    ORDER BY "timestamp" DESC OFFSET ${TICKS_MAX} LIMIT 1) t) cut`;

const IN_WINDOW = `t.symbol_id = $1 AND t.source = $3 AND t."timestamp" >= $4 AND t."timestamp" < $5
  AND (t.backtest_session_id IS NULL OR t.backtest_session_id = $2)`;

/** The price of the first or the last tick of a candle: by the index, since sorting all ticks would cost more than all else. */
const priceAt = (end: "first" | "last", direction: "" | "DESC") =>
  `(SELECT t.close FROM public.market_data_tick t WHERE ${IN_WINDOW} AND t."timestamp" = b.${end}
    ORDER BY t.timestamp_ns ${direction}, t.market_data_id ${direction} LIMIT 1)`;

const CANDLES: Readonly<Record<CandleKind, string>> = {
  bars: `SELECT DISTINCT ON (t."timestamp") t."timestamp" AS at, t.open, t.high, t.low, t.close, t.volume
    FROM public.market_data_bar t WHERE ${IN_WINDOW} AND t."interval" = $6
    ORDER BY t."timestamp" DESC, t.backtest_session_id LIMIT ${CANDLES_MAX}`,
  ticks: `SELECT b.at, ${priceAt("first", "")} AS open, b.high, b.low, ${priceAt("last", "DESC")} AS close, b.volume FROM (
      SELECT date_bin(tradetape.bar_length($6), t."timestamp", 'epoch') AS at, max(t.close) AS high, min(t.close) AS low,
        sum(t.volume) AS volume, min(t."timestamp") AS first, max(t."timestamp") AS last
      FROM public.market_data_tick t WHERE ${IN_WINDOW} GROUP BY 1) b`,
};
