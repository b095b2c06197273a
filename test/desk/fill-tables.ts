import type { Connection } from "../../src/table/connection.ts";

/** How many rows there are to be. */
export interface Amounts {
  readonly ticks: number;
  readonly decisions: number;
}

const SYMBOLS = 50;
const DAYS = 40;
const BEGIN = "timestamptz '2024-01-01 00:00Z'";
/** The days' seconds in which there is trade, from 14:30 on. */
const OPEN_S = 23_400;
const uuidOf = (kind: string, n = "n") => `md5('${kind} ' || ${n})::uuid`;
const symbolOf = (n: string) => uuidOf("symbol", `(${n}) % ${SYMBOLS}`);
const LANDED = "now() AS landed_at, 0 AS source_partition, n AS source_offset";

/** The n-th of so many rows: its day, one after the other, and a time within the market's hours. */
const timeOf = (rows: number) =>
  `${BEGIN} + interval '24 h' * (n * ${DAYS}::bigint / ${rows}) + interval '52200 s'
   + interval '1 s' * (n * ${DAYS}::bigint % ${rows} * ${OPEN_S}.0 / ${rows})`;

/** Prices that wander around 100 by a few waves, so that there is something to gain and to lose. */
const priceAt = (time: string) =>
  `100 + 5 * sin(extract(epoch FROM ${time}) / 40000) + sin(extract(epoch FROM ${time}) / 700)`;

const perSymbolMinutes = (step: string, from: string, hours: string) => `
  FROM generate_series(0, ${SYMBOLS - 1}) AS symbol,
    generate_series(${from}, ${BEGIN} + interval '${24 * DAYS} h' - interval '1 s', interval '${step}') AS at ${hours}`;

function bars(interval: string, step: string, hours: string): string {
  return `INSERT INTO public.market_data_bar (market_data_id, symbol_id, "timestamp", open, high, low, close, volume, "interval",
      source, timestamp_ns, received_at, revised_at)
    SELECT md5('${interval} ' || symbol || at::text)::uuid, ${symbolOf("symbol")}, at, ${priceAt("at")}, 110, 90,
      ${priceAt(`(at + interval '${step}')`)}, 1000, '${interval}', 'proof', 0, at + interval '${step}' + interval '20 ms',
      at + interval '${step}'
    ${perSymbolMinutes(step, BEGIN, hours)}`;
}

function statements({ ticks, decisions }: Amounts): string[] {
  const [tickAt, decidedAt] = [timeOf(ticks), timeOf(decisions)];
  const partitions = ["market_data_tick", "quote"].map(
    (name) =>
      `SELECT tradetape.make_day('${name}', (${BEGIN} AT TIME ZONE 'UTC')::date + day) FROM generate_series(0, ${DAYS - 1}) day`,
  );
  return [
    `INSERT INTO public.symbol (symbol_id, ticker, asset_type, is_active, revised_at)
     SELECT ${symbolOf("n")}, 'S' || n, 'equity', true, now() FROM generate_series(0, ${SYMBOLS - 1}) n`,
    ...partitions,
    `INSERT INTO public.market_data_tick (market_data_id, symbol_id, "timestamp", close, volume, "interval", source, timestamp_ns,
       received_at)
     SELECT ${uuidOf("tick")}, ${symbolOf("n")}, at, ${priceAt("at")}, 100, 'tick', 'proof', 0,
       at + interval '1 ms' * (1 + n % 97)
     FROM (SELECT n, ${tickAt} AS at FROM generate_series(0, ${ticks - 1}) n) t`,
    `INSERT INTO public.quote (quote_id, symbol_id, "timestamp", timestamp_ns, bid_price, bid_size, ask_price, ask_size, source)
     SELECT ${uuidOf("quote")}, ${symbolOf("n")}, at, 0, ${priceAt("at")} - 0.01, 1, ${priceAt("at")} + 0.01, 1, 'proof'
     FROM (SELECT n, ${timeOf(ticks / 5)} AS at FROM generate_series(0, ${ticks / 5 - 1}) n) t`,
    bars("1min", "1 min", "WHERE at - date_trunc('day', at, 'UTC') BETWEEN interval '52200 s' AND interval '75540 s'"),
    bars("1d", "24 h", "WHERE extract(isodow FROM at AT TIME ZONE 'UTC') < 6"),
    `INSERT INTO public.model_prediction (prediction_id, symbol_id, "timestamp", predicted_price, probability_up,
       confidence_score, model_version, price_source, published_at, landed_at, source_partition, source_offset)
     SELECT ${uuidOf("prediction")}, ${symbolOf("n")}, at, ${priceAt("at")} + 0.1, n % 100 / 100.0, n % 10 / 10.0,
       'proof-1', 'proof', at + interval '1 ms', ${LANDED}
     FROM (SELECT n, ${decidedAt} AS at FROM generate_series(0, ${decisions - 1}) n) t`,
    `INSERT INTO public.trade_decision (decision_id, symbol_id, "timestamp", action, size, approved, strategy_id, reason,
       model_reference, price_source, decision_price, inputs, known_until, published_at, landed_at, source_partition,
       source_offset)
     SELECT ${uuidOf("decision")}, ${symbolOf("n")}, at, (ARRAY['BUY', 'SELL', 'HOLD'])[1 + n % 3],
       CASE n % 3 WHEN 2 THEN 0 ELSE 10 END,
       n % 6 < 2, ${uuidOf("strategy", "n % 3")},
       CASE WHEN n % 3 = 2 THEN 'hold: nothing' WHEN n % 6 < 2 THEN 'buy: up'
         ELSE 'buy: up; position: 10 held; cooldown: 1 day' END,
       ${uuidOf("prediction")}, 'proof', ${priceAt("at")},
       jsonb_build_array(jsonb_build_object('kind', 'prediction', 'id', ${uuidOf("prediction")}, 'known_at', NULL)), at,
       at + interval '2 ms', ${LANDED} FROM (SELECT n, ${decidedAt} AS at FROM generate_series(0, ${decisions - 1}) n) t`,
    `INSERT INTO public.trade_execution (execution_id, decision_id, symbol_id, executed_price, quantity, status, broker,
       latency_ms, "timestamp", fee, published_at, landed_at, source_partition, source_offset)
     SELECT ${uuidOf("fill", "n || '-' || part")}, decision_id, symbol_id,
       CASE WHEN n % 29 > 0 THEN ${priceAt(`d."timestamp"`)} + 0.01 END, CASE WHEN n % 29 > 0 THEN 5 ELSE 0 END,
       CASE WHEN n % 29 > 0 THEN 'FILLED' WHEN part = 1 THEN 'CANCELED' ELSE 'REJECTED' END, 'proof', n % 400,
       d."timestamp" + interval '1 ms' * (n % 400 + part), 0.5, d."timestamp" + interval '1 s', now(), 0, n
     FROM (SELECT d.*, d.source_offset AS n FROM public.trade_decision d WHERE approved) d, generate_series(0, 1) part`,
    "ANALYZE",
  ];
}

/** Fills a migrated, empty database: live trading of three strategies in fifty instruments over forty days. */
export async function fillTables(connection: Connection, amounts: Amounts): Promise<void> {
  for (const statement of statements(amounts)) await connection.query(statement);
}
