/**
 * Sees what a reader of the database sees: notes when it got the answer that a partition has landed further. An event was
 * visible then at the latest, so what is computed from it is never too short, and too long by the 2 ms between two looks
 * and an answer's way. The looking is done by the server itself: a client that asked as often would take a sixth of two
 * cores from what it measures.
 */
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

const { until } = argsOf<WatchArgs>();
const config = requireServices(readConfig(), "databaseUrl");
const client = new pg.Client({ connectionString: config.databaseUrl });
await client.connect();
// Each statement of it sees what has committed by then.
await client.query(`CREATE FUNCTION pg_temp.beyond(name text, known int[]) RETURNS int[] LANGUAGE plpgsql AS $$
  DECLARE landed int[];
  BEGIN
    LOOP
      SELECT array_agg(coalesce(next_offset, 0)::int ORDER BY p) INTO landed FROM generate_series(0, 3) AS p
        LEFT JOIN tradetape.landed_offset ON topic = name AND partition = p;
      EXIT WHEN landed IS DISTINCT FROM known;
      PERFORM pg_sleep(0.002);
    END LOOP;
    RETURN landed;
  END $$`);
const topic = topicName(config.namespace, "ticks");

async function beyond(known: readonly number[] | null): Promise<number[]> {
  const { rows } = await client.query<{ next: number[] }>({
    name: "beyond",
    text: "SELECT pg_temp.beyond($1, $2) AS next",
    values: [topic, known],
  });
  return rows[0]!.next;
}

const sum = (next: readonly number[]) => next.reduce((total, offset) => total + offset, 0);
const before = await beyond(null);
const seen: { us: number; next: number[] }[] = [];
for (let last = before; sum(last) < until; ) {
  last = await beyond(last);
  seen.push({ us: nowUs(), next: last });
}
await client.end();
print({ before, seen } satisfies Watched);
