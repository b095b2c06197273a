import { EVENT_SCHEMAS, type FieldType } from "../../event/schemas.ts";
import type { Connection } from "../connection.ts";
import { type LandingTable, tablesOf } from "../rows/landing-table.ts";
import { quoted } from "../sql.ts";
import { IS_CUT } from "../upkeep/rewinds.ts";

/** Offsets [from, to) of a partition, by its topic's full name. */
export interface LandedRange extends Record<string, unknown> {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Ranges of the log that landed of which the ledger says that a record left no row of its own: it was a repeat, was filtered, or
 * its offset holds none; and of a partition that gave parked events up so, those which parked any. A replay of a part of the log
 * says so of what it left out, and its topics aren't asked about.
 */
export const thinRanges = (connection: Connection, topics: readonly string[]): Promise<LandedRange[]> =>
  connection.query<LandedRange>(
    `SELECT b.topic, b.partition, b.first_offset AS "from", b.next_offset AS "to" FROM tradetape.landed_batch b
     WHERE b.topic = ANY($1::text[]) AND b.kind = 'batch' AND b.next_offset > b.first_offset
       AND (b.holes + b.duplicate + b.replaced + b.filtered > 0 OR (b.parked > 0
         AND EXISTS (SELECT FROM tradetape.landed_batch r WHERE r.topic = b.topic AND r.partition = b.partition
           AND r.kind = 'release' AND r.duplicate + r.replaced + r.filtered > 0)))
       AND NOT EXISTS (SELECT FROM tradetape.replay_run p WHERE b.topic = ANY(p.topics) AND NOT p.whole)
       AND NOT ${IS_CUT}
     ORDER BY 1, 2, 3`,
    [topics],
  );

/** A partition that landed here. */
export interface LandedSpan extends Record<string, unknown> {
  readonly topic: string;
  readonly partition: number;
  /** Where it began, or was rewound to. */
  readonly origin: number;
  readonly nextOffset: number;
  readonly rewinds: number;
  /** Whether a replay was asked for a part of its log. */
  readonly isPart: boolean;
}

export const landedSpans = (connection: Connection): Promise<LandedSpan[]> =>
  connection.query<LandedSpan>(
    `SELECT o.topic, o.partition, o.next_offset AS "nextOffset", o.rewinds, least(o.origin, (
         SELECT min(b.next_offset) FROM tradetape.landed_batch b
         WHERE b.topic = o.topic AND b.partition = o.partition AND b.kind = 'rewound')) AS origin,
       EXISTS (SELECT FROM tradetape.replay_run p WHERE o.topic = ANY(p.topics) AND NOT p.whole) AS "isPart"
     FROM tradetape.landed_offset o ORDER BY 1, 2`,
  );

/** Offsets that somebody accepted as lost, which the log is still that had lost them. */
export const acceptedLosses = (connection: Connection): Promise<LandedRange[]> =>
  connection.query<LandedRange>(
    `SELECT b.topic, b.partition, b.first_offset AS "from", b.next_offset AS "to" FROM tradetape.landed_batch b
     WHERE b.kind = 'accepted_loss' AND NOT ${IS_CUT} ORDER BY 1, 2, 3`,
  );

/** An event of the log, by what its row has in the columns of the table's key. */
export interface KeyedEvent {
  readonly partition: number;
  readonly offset: number;
  readonly key: readonly unknown[];
}

/** How a key's column is given, and SQL of what it is compared with. */
const GIVEN: { readonly [type in FieldType]?: readonly [string, (given: string) => string] } = {
  uuid: ["text", (given) => `${given}::uuid`],
  timestamp: ["bigint", (given) => `'epoch'::timestamptz + ${given} * interval '1 microsecond'`],
};

/**
 * Those of these events of which nothing is here: neither a row nor a revision, nor a letter or a parked event of that offset.
 * @returns their indexes
 */
export async function nowhere(
  connection: Connection,
  landing: LandingTable,
  topic: string,
  events: readonly KeyedEvent[],
): Promise<readonly number[]> {
  const types = landing.key.map((column) => {
    const field = EVENT_SCHEMAS[landing.event].fields.find(({ name }) => name === column);
    return (field && GIVEN[field.type]) ?? (["text", (given: string) => given] as const);
  });
  const same = landing.key.map((column, i) => `t.${quoted(column)} = ${types[i]![1](`e.k${i}`)}`).join(" AND ");
  const rows = tablesOf(landing).map((table) => `EXISTS (SELECT FROM public.${quoted(table)} t WHERE ${same})`);
  const atOffset = (table: string) => `EXISTS (SELECT FROM tradetape.${table} d
    WHERE d.topic = $1 AND d.partition = e.partition AND d."offset" = e.o)`;
  const lists = types.map(([type], i) => `$${i + 4}::${type}[]`);
  const found = await connection.query<{ n: number }>(
    `SELECT e.n::int - 1 AS n FROM unnest($2::int[], $3::bigint[], ${lists.join(", ")}) WITH ORDINALITY
       AS e (partition, o, ${types.map((_, i) => `k${i}`).join(", ")}, n)
     WHERE NOT (${[...rows, atOffset("dead_letter"), atOffset("parked_event")].join(" OR ")}) ORDER BY 1`,
    [
      topic,
      events.map(({ partition }) => partition),
      events.map(({ offset }) => offset),
      ...types.map((_, i) => events.map(({ key }) => key[i])),
    ],
  );
  return found.map(({ n }) => n);
}

/** How far the audit log is the topics' own: entries up to this number may have come from what the topics no longer have. */
export async function entriesBefore(
  connection: Connection,
  gone: readonly { readonly topic: string; readonly low: number }[],
): Promise<number> {
  const [row] = await connection.query<{ entries: number }>(
    `WITH audit AS (SELECT * FROM tradetape.landed_batch WHERE topic = 'audit' OR topic LIKE '%.audit'),
     back AS (SELECT topic, max(seq) AS seq FROM audit WHERE kind = 'rewound' GROUP BY 1),
     gone AS (SELECT a.topic, max(a.seq) AS seq FROM audit a
       LEFT JOIN unnest($1::text[], $2::bigint[]) AS log (topic, low) ON log.topic = a.topic
       LEFT JOIN back ON back.topic = a.topic
       WHERE a.written > 0 AND (a.first_offset < log.low OR a.seq < back.seq) GROUP BY 1)
     SELECT coalesce(sum(a.written), 0)::bigint AS entries FROM audit a WHERE a.landed_at <= (
       SELECT max(coalesce(behind.landed_at, 'infinity')) FROM gone LEFT JOIN LATERAL (
         SELECT landed_at FROM audit b WHERE b.topic = gone.topic AND b.seq > gone.seq AND b.written > 0 ORDER BY b.seq LIMIT 1
       ) behind ON true)`,
    [gone.map(({ topic }) => topic), gone.map(({ low }) => low)],
  );
  return row!.entries;
}
