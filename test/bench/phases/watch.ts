/**
 * Sees what a reader of the database sees: asks every 5 ms how far each partition has landed, and notes when it got the
 * answer. An event was visible then at the latest, so what is computed from it is never too short, and too long by the
 * 5 ms and a query's time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { readConfig, requireServices } from "../../../src/config.ts";
import { topicName } from "../../../src/topic/topics.ts";
import { argsOf, print } from "./measure.ts";
import { nowUs } from "./pace.ts";

export interface WatchArgs {
  /** Ends when so many offsets have landed, all partitions together. */
  readonly until: number;
}

export interface Watched {
  /** What had landed before: the next offset by partition. */
  readonly before: readonly number[];
  /** Each time that something was new: microseconds, and the next offset by partition. */
  readonly seen: readonly { readonly us: number; readonly next: readonly number[] }[];
}

/** Asked every 2 ms, it took a sixth of two cores from what it measures. */
const EVERY_MS = 5;

const { until } = argsOf<WatchArgs>();
const config = requireServices(readConfig(), "databaseUrl");
const client = new pg.Client({ connectionString: config.databaseUrl });
await client.connect();
const topic = topicName(config.namespace, "ticks");
const text = `SELECT coalesce(next_offset, 0)::int AS next FROM generate_series(0, 3) AS p
  LEFT JOIN tradetape.landed_offset ON topic = $1 AND partition = p ORDER BY p`;

async function look(): Promise<number[]> {
  const { rows } = await client.query<{ next: number }>({ name: "look", text, values: [topic] });
  return rows.map(({ next }) => next);
}

const sum = (next: readonly number[]) => next.reduce((total, offset) => total + offset, 0);
const before = await look();
const seen: { us: number; next: number[] }[] = [];
for (let last = sum(before); last < until; ) {
  const next = await look();
  if (sum(next) > last) seen.push({ us: nowUs(), next });
  last = sum(next);
  await sleep(EVERY_MS);
}
await client.end();
print({ before, seen } satisfies Watched);
