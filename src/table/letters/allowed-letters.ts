import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";

/** Events that may become letters without stopping their group: offsets of a partition, or those written with a schema. */
export type AllowedLetters =
  | {
      readonly schemaId: null;
      readonly partition: number;
      readonly fromOffset: number;
      /** Behind the last one. */
      readonly nextOffset: number;
    }
  | { readonly schemaId: number };

/**
 * What nobody has taken back of a topic, by its full name. Offsets that have landed are among it: who counts the letters
 * of the last events has to know which of them were allowed.
 */
export function allowedLetters(connection: Connection, topic: string): Promise<AllowedLetters[]> {
  return connection.query<AllowedLetters & Record<string, unknown>>(
    `SELECT partition, from_offset AS "fromOffset", next_offset AS "nextOffset", schema_id AS "schemaId"
     FROM tradetape.allowed_letters WHERE topic = $1 AND ended_at IS NULL`,
    [topic],
  );
}

/** SQL: the schema that a value says it is written with, as `schemaIdOf` finds it; of a long value only its head is read. */
function schemaIdIn(value: string): string {
  const head = `substring(${value} FROM 1 FOR 5)`;
  return `CASE WHEN octet_length(${value}) >= 5 AND get_byte(${head}, 0) = 0 AND get_byte(${head}, 1) < 128
     THEN ('x' || encode(substring(${value} FROM 2 FOR 4), 'hex'))::bit(32)::integer END`;
}

/** SQL: whether an event may yet come that is allowed by row `a`: of offsets, only until they have landed, parked ones too. */
const HOLDS = `a.ended_at IS NULL AND (a.schema_id IS NOT NULL
  OR NOT EXISTS (SELECT FROM tradetape.landed_offset l
    WHERE l.topic = a.topic AND l.partition = a.partition AND l.next_offset >= a.next_offset)
  OR EXISTS (SELECT FROM tradetape.parked_event p WHERE p.topic = a.topic AND p.partition = a.partition
    AND p."offset" >= a.from_offset AND p."offset" < a.next_offset))`;

/** What somebody has allowed, as long as an event may yet come that is meant by it. */
export type HeldAllowance = AllowedLetters & {
  /** The topic's full name. */
  readonly topic: string;
  readonly note: string;
  readonly by: string;
  /** ISO 8601. */
  readonly since: string;
};

/** All that holds, by topic. It reads no letters, because a probe asks this every few seconds. */
export function heldAllowances(connection: Connection): Promise<HeldAllowance[]> {
  return connection.query<HeldAllowance & Record<string, unknown>>(`SELECT ${HELD} ${HELD_BY_TOPIC}`);
}

export type CountedAllowance = HeldAllowance & {
  /** How many events that are meant by it have become letters since. */
  readonly letters: number;
};

/** All that holds, by topic, with what has come of it: this reads every letter of the topic since. */
export function countedAllowances(connection: Connection): Promise<CountedAllowance[]> {
  return connection.query<CountedAllowance & Record<string, unknown>>(
    `SELECT ${HELD}, (
         SELECT count(*) FROM tradetape.dead_letter d
         WHERE d.topic = a.topic AND d.dead_at >= a.allowed_at AND d.reason <> 'conflicting_duplicate'
           AND CASE WHEN a.schema_id IS NULL
             THEN d.partition = a.partition AND d."offset" >= a.from_offset AND d."offset" < a.next_offset
             ELSE ${schemaIdIn("d.value")} = a.schema_id END) AS letters
     ${HELD_BY_TOPIC}`,
  );
}

const HELD = `topic, partition, from_offset AS "fromOffset", next_offset AS "nextOffset", schema_id AS "schemaId", note,
       allowed_by AS by, ${isoOf("allowed_at")} AS since`;
const HELD_BY_TOPIC = `FROM tradetape.allowed_letters a WHERE ${HOLDS}
     ORDER BY topic, schema_id NULLS FIRST, partition, from_offset`;

/** Why letters are allowed, and by whom. */
interface Allowance {
  readonly note: string;
  readonly actor: string;
}

/** Offsets of a partition that are allowed. */
interface AllowedRange {
  readonly partition: number;
  readonly fromOffset: number;
  readonly nextOffset: number;
}

export async function allowOffsets(
  connection: Connection,
  topic: string,
  ranges: readonly AllowedRange[],
  { note, actor }: Allowance,
): Promise<void> {
  await connection.run(
    `INSERT INTO tradetape.allowed_letters (topic, partition, from_offset, next_offset, note, allowed_by)
     SELECT $1, partition, "fromOffset", "nextOffset", $3, $4
     FROM jsonb_to_recordset($2::jsonb) AS range (partition integer, "fromOffset" bigint, "nextOffset" bigint)`,
    [topic, JSON.stringify(ranges), note, actor],
  );
}

/** @returns the offsets that were allowed and had not all landed */
export function endOffsets(connection: Connection, topic: string): Promise<AllowedRange[]> {
  return connection.query<AllowedRange & Record<string, unknown>>(
    `UPDATE tradetape.allowed_letters a SET ended_at = now() WHERE topic = $1 AND schema_id IS NULL AND ${HOLDS}
     RETURNING partition, from_offset AS "fromOffset", next_offset AS "nextOffset"`,
    [topic],
  );
}

/** @returns whether it was not allowed before */
export async function allowSchema(
  connection: Connection,
  topic: string,
  schemaId: number,
  { note, actor }: Allowance,
): Promise<boolean> {
  const added = await connection.run(
    `INSERT INTO tradetape.allowed_letters (topic, schema_id, note, allowed_by) SELECT $1, $2, $3, $4
     WHERE NOT EXISTS (
       SELECT FROM tradetape.allowed_letters WHERE topic = $1 AND schema_id = $2 AND ended_at IS NULL)`,
    [topic, schemaId, note, actor],
  );
  return added > 0;
}

/** @returns whether it was allowed before */
export async function endSchema(connection: Connection, topic: string, schemaId: number): Promise<boolean> {
  const ended = await connection.run(
    `UPDATE tradetape.allowed_letters SET ended_at = now() WHERE topic = $1 AND schema_id = $2 AND ended_at IS NULL`,
    [topic, schemaId],
  );
  return ended > 0;
}

/** The lowest offset of each partition whose event is parked. */
export async function firstParked(connection: Connection, topic: string): Promise<ReadonlyMap<number, number>> {
  const rows = await connection.query<{ partition: number; first: number }>(
    `SELECT partition, min("offset") AS first FROM tradetape.parked_event WHERE topic = $1 GROUP BY 1`,
    [topic],
  );
  return new Map(rows.map(({ partition, first }) => [partition, first]));
}

/** How many parked events say that they are written with a schema. */
export interface ParkedSchema {
  readonly schemaId: number | null;
  readonly events: number;
}

/** The schemas of a topic's parked events, most first. */
export function parkedSchemas(connection: Connection, topic: string): Promise<ParkedSchema[]> {
  return connection.query<ParkedSchema & Record<string, unknown>>(
    `SELECT ${schemaIdIn("value")} AS "schemaId", count(*) AS events FROM tradetape.parked_event
     WHERE topic = $1 GROUP BY 1 ORDER BY 2 DESC`,
    [topic],
  );
}
