/**
 * Ticks into PostgreSQL the usual way: kafkajs and the registry's client as their documentation shows them, rows by
 * INSERT ... ON CONFLICT DO NOTHING. Kafka's committed offset remembers; the unique key makes what is read twice
 * harmless. `tuned` is the best that such a program gets to: larger statements, prepared, all partitions at once.
 */
import { SchemaRegistry } from "@kafkajs/confluent-schema-registry";
import kafkajs from "kafkajs";
import pg from "pg";
import { readConfig, requireServices } from "../../../src/config.ts";
import { TOPICS, topicName } from "../../../src/topic/topics.ts";
import type { LandArgs } from "./land.ts";
import { argsOf, Measure, print } from "./measure.ts";

export interface UsualArgs extends LandArgs {
  readonly tuned: boolean;
}

const COLUMNS = [
  "market_data_id",
  "symbol_id",
  "timestamp",
  "timestamp_ns",
  "close",
  "volume",
  "source",
  "trade_id",
  "venue",
  "conditions",
  "received_at",
  "backtest_session_id",
] as const;

const { events, tuned, pids } = argsOf<UsualArgs>();
const rowsPerInsert = tuned ? 1000 : 500;
const partitionsAtOnce = tuned ? TOPICS.ticks.partitions : 1;
const settings = readConfig();
const config = requireServices(settings, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
const topic = topicName(config.namespace, "ticks");

const registry = new SchemaRegistry({ host: config.schemaRegistryUrl });
const kafka = new kafkajs.Kafka({ clientId: "usual", brokers: config.kafkaBrokers, logLevel: kafkajs.logLevel.ERROR });
const pool = new pg.Pool({ connectionString: config.databaseUrl, max: partitionsAtOnce });

/** Times are whole microseconds; a Date would lose three digits of them. */
const placeholder = (name: string, at: number) =>
  name === "timestamp" || name === "received_at" ? `to_timestamp($${at}::float8 / 1000000)` : `$${at}`;

function insertOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const values = COLUMNS.map((name, column) => placeholder(name, row * COLUMNS.length + column + 1));
    return `(${values.join(", ")})`;
  });
  const names = COLUMNS.map((name) => `"${name}"`).join(", ");
  return `INSERT INTO public.market_data_tick (${names}) VALUES ${lines.join(", ")} ON CONFLICT DO NOTHING`;
}

const whole = insertOf(rowsPerInsert);

async function insert(ticks: readonly Record<string, unknown>[]): Promise<void> {
  const text = ticks.length === rowsPerInsert ? whole : insertOf(ticks.length);
  const values = ticks.flatMap((tick) => COLUMNS.map((name) => tick[name]));
  const isPrepared = tuned && ticks.length === rowsPerInsert;
  await pool.query(isPrepared ? { name: "insert ticks", text, values } : { text, values });
}

const all = Promise.withResolvers<void>();
let landed = 0;
const consumer = kafka.consumer({ groupId: `usual.${topic}.${Date.now()}` });
const joined = new Promise<void>((resolve) => {
  consumer.on(consumer.events.GROUP_JOIN, () => resolve());
});
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await pool.query("SELECT 1");
await consumer.run({
  partitionsConsumedConcurrently: partitionsAtOnce,
  eachBatchAutoResolve: false,
  eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
    for (let from = 0; from < batch.messages.length && isRunning() && !isStale(); from += rowsPerInsert) {
      const messages = batch.messages.slice(from, from + rowsPerInsert);
      const ticks: Record<string, unknown>[] = [];
      for (const message of messages) ticks.push(await registry.decode(message.value!));
      await insert(ticks).catch(all.reject);
      resolveOffset(messages.at(-1)!.offset);
      await heartbeat();
      landed += ticks.length;
      if (landed >= events) all.resolve();
    }
  },
});
await joined;
const measure = new Measure(pids);
const before = landed;
await all.promise;
const measured = measure.end(landed - before);
await consumer.disconnect();
await pool.end();
print({ ...measured, written: landed, duplicate: 0 });
process.exit(0);
