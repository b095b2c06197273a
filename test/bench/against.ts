/**
 * How long `verify --against` takes over ticks, equal and with one changed, one missing and one extra row.
 *   node test/bench/against.ts [ROWS]     on the server of DATABASE_URL, in two databases of its own, which it drops
 */
import { CONSUMERS } from "../../consumers/all.ts";
import { readConfig, requireServices } from "../../src/config.ts";
import { dayOf } from "../../src/event/day.ts";
import { Connection } from "../../src/table/connection.ts";
import { makeDays } from "../../src/table/landing/days.ts";
import { migrate } from "../../src/table/migrate.ts";
import { compareDatabases } from "../../src/verify/against.ts";

const rows = Number(process.argv[2] ?? 5_000_000);
const DAYS = 5;
const DAY_US = 86_400_000_000;
const START_US = Date.UTC(2024, 2, 4) * 1000;

const { databaseUrl } = requireServices(readConfig(), "databaseUrl");
const server = await Connection.open(databaseUrl, { name: "bench against" });
const names = ["left", "right"].map((side) => `tradetape_against_${process.pid}_${side}`);
const urlOf = (name: string) => {
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
};

/** The same rows in every database: all of them made from their number. */
async function fill(name: string): Promise<void> {
  await server.query(`CREATE DATABASE ${name}`);
  await migrate(urlOf(name));
  const connection = await Connection.open(urlOf(name), { name: "bench against" });
  const days = Array.from({ length: DAYS }, (_, n) => dayOf(START_US + n * DAY_US));
  await makeDays(connection, "market_data_tick", days);
  await connection.query(
    `INSERT INTO market_data_tick (market_data_id, symbol_id, "timestamp", close, volume, "interval", source, trade_id,
       venue, conditions, timestamp_ns, received_at)
     SELECT md5(i::text)::uuid, md5('symbol' || i % 50)::uuid, at, 100 + i % 1000 / 100.0, i % 900, 'tick', 'bench',
       't' || i, 'P', '{@,T}', i % 1000, at + interval '5 ms'
     FROM generate_series(0, $1::bigint - 1) i CROSS JOIN LATERAL (
       SELECT timestamptz '2024-03-04 00:00Z' + i * ($2::bigint / $1::bigint) * interval '1 microsecond' AS at) t`,
    [rows, DAYS * DAY_US],
  );
  await connection.query("ANALYZE market_data_tick");
  await connection.close();
}

async function compare(what: string): Promise<void> {
  const open = (name: string) => Connection.open(urlOf(name), { name: "bench against", role: "tradetape_reader" });
  const pair = { here: await open(names[0]!), there: await open(names[1]!) };
  const begun = performance.now();
  const found = await compareDatabases(pair, CONSUMERS, { waitMs: 0, stop: new AbortController().signal });
  const seconds = (performance.now() - begun) / 1000;
  const differing = found?.tables.flatMap((table) => table.hours.flatMap((hour) => hour.rows)) ?? [];
  process.stdout.write(
    `${what}: ${seconds.toFixed(1)} s, ${Math.round(rows / seconds)} rows/s, equal ${found?.equal}\n`,
  );
  for (const row of differing) process.stdout.write(`  ${row.kind} ${row.id} ${row.columns.join(", ")}\n`);
  await pair.here.close();
  await pair.there.close();
}

try {
  await Promise.all(names.map(fill));
  await compare(`${rows} ticks of ${DAYS} days, equal`);
  const there = await Connection.open(urlOf(names[1]!), { name: "bench against" });
  const id = (n: number) => `md5('${n}')::uuid`;
  await there.query(`UPDATE market_data_tick SET close = close + 1e-9 WHERE market_data_id = ${id(rows >> 2)}`);
  await there.query(`DELETE FROM market_data_tick WHERE market_data_id = ${id(rows >> 1)}`);
  await there.query(
    `INSERT INTO market_data_tick SELECT md5('extra')::uuid, symbol_id, "timestamp", NULL, NULL, NULL, close, volume,
       "interval", source FROM market_data_tick WHERE market_data_id = ${id(rows - 1)}`,
  );
  await there.close();
  await compare("one changed, one missing, one extra");
} finally {
  for (const name of names) await server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await server.close();
}
