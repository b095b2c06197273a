import { SYMBOL_ID, symbol } from "../../support/samples.ts";
import type { TestTape } from "../../support/tape.ts";

/** How many rows of every table that a trace could meet, for one symbol, spread over its minutes. */
export interface BigTape {
  readonly ticks: number;
  readonly minutes: number;
  /** Indicators of each minute. */
  readonly indicators: number;
  readonly decisions: number;
}

const START = "'2024-03-01T00:00Z'::timestamptz";

/** The n-th id of a kind, as `fillTape` makes them. */
export const bigId = (kind: "tick" | "bar" | "indicator" | "prediction" | "decision" | "fill" | "audit", n: string) =>
  `md5('${kind} ${n}')::uuid`;

/**
 * Fills the tables by SQL: ticks, bars of four lengths made of them, indicators, one of 20 of both revised, and as many
 * predictions, decisions, pairs of fills and audit entries of decisions, which are not chained. Ids are those of `bigId`:
 * `1d 1440` is the bar of a day that begins with minute 1440, `3 77` the third indicator of minute 77, `7 0` the first
 * fill of decision 7.
 */
export async function fillTape(tape: TestTape, { ticks, minutes, indicators, decisions }: BigTape): Promise<void> {
  await tape.publish("symbols", symbol());
  await tape.land("symbols");
  const evenly = (of: number) => `${START} + n * (interval '1 min' * ${minutes} / ${of})`;
  await tape.query(
    `SELECT tradetape.make_day('market_data_tick', ('2024-03-01'::date + n)) FROM generate_series(0, ${minutes} / 1440) n`,
  );
  await tape.query(`INSERT INTO market_data_tick (market_data_id, symbol_id, "timestamp", close, volume, source)
    SELECT md5('tick ' || n)::uuid, '${SYMBOL_ID}', ${evenly(ticks)}, 100, 1, 'big'
    FROM generate_series(0, ${ticks - 1}) n`);
  await tape.query(`INSERT INTO market_data_bar (market_data_id, symbol_id, "timestamp", open, high, low, close, volume,
      "interval", source, revised_at)
    SELECT md5(format('bar %s %s', length, n))::uuid, '${SYMBOL_ID}', ${evenly(minutes)}, 1, 2, 1, 2, 5, length,
      'ticks:big', ${START}
    FROM generate_series(0, ${minutes - 1}) n, unnest(ARRAY['1min', '5min', '1h', '1d'], ARRAY[1, 5, 60, 1440]) l (length, m)
    WHERE n % m = 0 ORDER BY n`);
  await tape.query(`INSERT INTO technical_indicator (indicator_id, symbol_id, "timestamp", indicator_name, indicator_value,
      period, computed_by, revised_at)
    SELECT md5(format('indicator %s %s', p, n))::uuid, '${SYMBOL_ID}', ${evenly(minutes)}, 'SMA', n, p, 'big', ${START}
    FROM generate_series(0, ${minutes - 1}) n, generate_series(1, ${indicators}) p ORDER BY n`);
  await tape.query(`INSERT INTO model_prediction (prediction_id, symbol_id, "timestamp", probability_up, model_version,
      published_at, source_partition, source_offset)
    SELECT md5('prediction ' || n)::uuid, '${SYMBOL_ID}', ${evenly(decisions)}, 0.5, 'big', ${evenly(decisions)}, 0, n
    FROM generate_series(1, ${decisions}) n`);
  await tape.query(`INSERT INTO trade_decision (decision_id, symbol_id, "timestamp", action, size, model_reference, approved,
      published_at, source_partition, source_offset)
    SELECT md5('decision ' || n)::uuid, '${SYMBOL_ID}', ${evenly(decisions)}, 'BUY', 1, md5('prediction ' || n)::uuid, true,
      ${evenly(decisions)}, 0, n FROM generate_series(1, ${decisions}) n`);
  await tape.query(`INSERT INTO trade_execution (execution_id, decision_id, symbol_id, executed_price, quantity, status,
      broker, "timestamp", published_at, source_partition, source_offset)
    SELECT md5(format('fill %s %s', n, part))::uuid, md5('decision ' || n)::uuid, '${SYMBOL_ID}', 1, 1, 'FILLED', 'big',
      ${evenly(decisions)}, ${evenly(decisions)}, 0, 2 * n + part
    FROM generate_series(1, ${decisions}) n, generate_series(0, 1) part`);
  await tape.query(`INSERT INTO tradetape.landed_offset (topic, partition, next_offset, origin)
    SELECT '${tape.name("fills").replace(/fills$/, "")}' || t, 0, 3 * ${decisions}, 0
    FROM unnest(ARRAY['predictions', 'decisions', 'fills']) t`);
  await tape.query(`INSERT INTO audit_log (log_id, "timestamp", event_type, actor, payload, success, correlation_id,
      source_topic, source_partition, source_offset, seq, prev_hash, hash)
    SELECT md5('audit ' || n)::uuid, ${evenly(decisions)}, 'TRADE_DECISION', 'big',
      jsonb_build_object('event', jsonb_build_object('decision_id', md5('decision ' || n)::uuid)), true, 'workflow ' || n,
      '${tape.name("decisions")}', 0, n, n, sha256('none'), sha256('none') FROM generate_series(1, ${decisions}) n`);
  for (const [table, value] of Object.entries({ market_data_bar: "close", technical_indicator: "indicator_value" })) {
    await tape.query(`INSERT INTO ${table}_revision SELECT (jsonb_populate_record(NULL::${table}_revision, to_jsonb(t) ||
        jsonb_build_object('${value}', 1.5, 'published_at', "timestamp" + interval '60 s', 'successor_partition', 0,
          'successor_offset', 0, 'known_to', "timestamp" + interval '90 s'))).*
      FROM ${table} t WHERE extract(epoch FROM "timestamp")::bigint / 60 % 20 = 0`);
    await tape.query(`UPDATE ${table} SET published_at = "timestamp" + interval '90 s'
      WHERE extract(epoch FROM "timestamp")::bigint / 60 % 20 = 0`);
  }
  await tape.query("VACUUM ANALYZE");
}
