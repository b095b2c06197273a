import type { Connection } from "../connection.ts";

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

/** What holds now of a topic, by its full name. */
export function allowedLetters(connection: Connection, topic: string): Promise<AllowedLetters[]> {
  return connection.query<AllowedLetters & Record<string, unknown>>(
    `SELECT partition, from_offset AS "fromOffset", next_offset AS "nextOffset", schema_id AS "schemaId"
     FROM tradetape.allowed_letters WHERE topic = $1 AND ended_at IS NULL`,
    [topic],
  );
}

/** Why letters are allowed, and by whom. */
interface Allowance {
  readonly note: string;
  readonly actor: string;
}

export async function allowOffsets(
  connection: Connection,
  topic: string,
  ranges: readonly { readonly partition: number; readonly fromOffset: number; readonly nextOffset: number }[],
  { note, actor }: Allowance,
): Promise<void> {
  await connection.run(
    `INSERT INTO tradetape.allowed_letters (topic, partition, from_offset, next_offset, note, allowed_by)
     SELECT $1, partition, "fromOffset", "nextOffset", $3, $4
     FROM jsonb_to_recordset($2::jsonb) AS range (partition integer, "fromOffset" bigint, "nextOffset" bigint)`,
    [topic, JSON.stringify(ranges), note, actor],
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
