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

/** Why somebody allows letters, or no longer does, and by which command. Who it is, the database knows. */
interface AllowingAction {
  readonly note: string;
  readonly actionId: string;
  readonly osUser: string;
}

/** Offsets of a partition that are allowed. */
interface AllowedRange {
  readonly partition: number;
  readonly fromOffset: number;
  readonly nextOffset: number;
}

/** The deed and its audit entry come with it, as with all that follows. */
export async function allowOffsets(
  connection: Connection,
  topic: string,
  { partition, fromOffset, nextOffset }: AllowedRange,
  { note, actionId, osUser }: AllowingAction,
): Promise<void> {
  const values = [topic, partition, fromOffset, nextOffset, note, actionId, osUser];
  await connection.query("SELECT tradetape.set_aside($1, $2, $3, $4, $5, $6::uuid, $7)", values);
}

/** The offsets that are allowed and have not all landed. */
export function heldOffsets(
  connection: Connection,
  topic: string,
): Promise<(AllowedRange & { readonly allowedId: number })[]> {
  return connection.query<AllowedRange & { readonly allowedId: number } & Record<string, unknown>>(
    `SELECT allowed_id AS "allowedId", partition, from_offset AS "fromOffset", next_offset AS "nextOffset"
     FROM tradetape.allowed_letters a WHERE topic = $1 AND schema_id IS NULL AND ${HOLDS} ORDER BY allowed_id`,
    [topic],
  );
}

/** @returns whether it was not allowed before */
export async function allowSchema(
  connection: Connection,
  topic: string,
  { schemaId, everyWriter }: { readonly schemaId: number; readonly everyWriter: boolean },
  { note, actionId, osUser }: AllowingAction,
): Promise<boolean> {
  const [row] = await connection.query<{ isNew: boolean }>(
    `SELECT tradetape.skip_schema($1, $2, $3, $4, $5::uuid, $6) AS "isNew"`,
    [topic, schemaId, everyWriter, note, actionId, osUser],
  );
  return row!.isNew;
}

/** The allowance of a schema that nobody has taken back. */
export async function heldSchema(connection: Connection, topic: string, schemaId: number): Promise<number | undefined> {
  const [row] = await connection.query<{ allowedId: number }>(
    `SELECT allowed_id AS "allowedId" FROM tradetape.allowed_letters
     WHERE topic = $1 AND schema_id = $2 AND ended_at IS NULL`,
    [topic, schemaId],
  );
  return row?.allowedId;
}

/** Takes an allowance back. @returns false where somebody else has */
export async function endAllowance(
  connection: Connection,
  allowedId: number,
  { note, actionId, osUser }: AllowingAction,
): Promise<boolean> {
  const [row] = await connection.query<{ isEnded: boolean }>(
    `SELECT tradetape.end_allowance($1, $2, $3::uuid, $4) AS "isEnded"`,
    [allowedId, note, actionId, osUser],
  );
  return row!.isEnded;
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
