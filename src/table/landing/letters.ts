import type { LetterReason } from "../../event/letter.ts";
import type { Connection } from "../connection.ts";
import { portions } from "./portions.ts";
import { refuseSwallowed } from "./swallowed.ts";

/** Header values as JSON can hold them: base64, null without a value, a list where a name repeats. */
export type StoredHeaders = Readonly<Record<string, string | null | readonly (string | null)[]>>;

/** What is known of a value of which only the beginning is kept: the log has the rest. */
export interface CutValue {
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

export interface LetterRow {
  readonly offset: number;
  readonly reason: LetterReason;
  readonly detail: string;
  readonly column: string | null;
  readonly sqlstate: string | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Null where `value` is whole. */
  readonly cut: CutValue | null;
  readonly headers: StoredHeaders;
  /** Broker time, milliseconds since 1970. */
  readonly publishedAtMs: number;
  /** How many times the event had been redriven before it became this letter. */
  readonly attempts: number;
}

export interface ParkedRow {
  readonly offset: number;
  readonly eventId: string;
  readonly missing: Readonly<Record<string, string>>;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: StoredHeaders;
  readonly publishedAtMs: number;
}

export async function insertLetters(
  connection: Connection,
  topic: string,
  partition: number,
  letters: readonly LetterRow[],
): Promise<void> {
  for (const portion of portions(letters, (letter) => letter))
    await insertPortion(connection, topic, partition, portion);
}

async function insertPortion(
  connection: Connection,
  topic: string,
  partition: number,
  letters: readonly LetterRow[],
): Promise<void> {
  const taken = await connection.run(
    `INSERT INTO tradetape.dead_letter (topic, partition, "offset", reason, detail, column_name, sqlstate, key, value,
       headers, published_at, attempts, value_bytes, value_sha256)
     SELECT $1, $2, l.o, l.reason, l.detail, l.column_name, l.sqlstate, l.key, l.value, l.headers,
       to_timestamp(l.ms / 1000.0), l.attempts, l.value_bytes, l.value_sha256
     FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::jsonb[],
       $11::double precision[], $12::int[], $13::bigint[], $14::bytea[])
       AS l (o, reason, detail, column_name, sqlstate, key, value, headers, ms, attempts, value_bytes, value_sha256)`,
    [
      topic,
      partition,
      letters.map((l) => l.offset),
      letters.map((l) => l.reason),
      letters.map((l) => l.detail),
      letters.map((l) => l.column),
      letters.map((l) => l.sqlstate),
      letters.map((l) => l.key),
      letters.map((l) => l.value),
      letters.map((l) => JSON.stringify(l.headers)),
      letters.map((l) => l.publishedAtMs),
      letters.map((l) => l.attempts),
      letters.map((l) => l.cut?.bytes ?? null),
      letters.map((l) => l.cut && Buffer.from(l.cut.sha256, "hex")),
    ],
  );
  refuseSwallowed("tradetape.dead_letter", letters.length - taken);
}

export async function insertParked(
  connection: Connection,
  topic: string,
  partition: number,
  parked: readonly ParkedRow[],
): Promise<void> {
  for (const portion of portions(parked, (row) => row))
    await insertParkedPortion(connection, topic, partition, portion);
}

async function insertParkedPortion(
  connection: Connection,
  topic: string,
  partition: number,
  parked: readonly ParkedRow[],
): Promise<void> {
  const taken = await connection.run(
    `INSERT INTO tradetape.parked_event (topic, partition, "offset", event_id, missing, key, value, headers,
       published_at)
     SELECT $1, $2, p.o, p.id, p.missing, p.key, p.value, p.headers, to_timestamp(p.ms / 1000.0)
     FROM unnest($3::bigint[], $4::uuid[], $5::jsonb[], $6::bytea[], $7::bytea[], $8::jsonb[], $9::double precision[])
       AS p (o, id, missing, key, value, headers, ms)`,
    [
      topic,
      partition,
      parked.map((p) => p.offset),
      parked.map((p) => p.eventId),
      parked.map((p) => JSON.stringify(p.missing)),
      parked.map((p) => p.key),
      parked.map((p) => p.value),
      parked.map((p) => JSON.stringify(p.headers)),
      parked.map((p) => p.publishedAtMs),
    ],
  );
  refuseSwallowed("tradetape.parked_event", parked.length - taken);
}
