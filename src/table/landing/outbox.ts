import type { Connection } from "../connection.ts";
import type { StoredHeaders } from "./letters.ts";
import { portions } from "./portions.ts";
import { refuseSwallowed } from "./swallowed.ts";

/** A message that a committed batch owes to the audit or the dead-letters topic, byte for byte. */
export interface OutboxMessage {
  /** The topic's full name. */
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: StoredHeaders;
}

export interface StoredOutboxMessage extends OutboxMessage {
  readonly outboxId: number;
  /** Whose audit entry is the message's value; null where the message has its value. */
  readonly deed: StoredDeed | null;
}

/** What an operator did, as the database noted it (0037_deeds.sql). */
export interface StoredDeed {
  readonly kind: string;
  /** One per command: the trail's entries of one command belong together. */
  readonly actionId: string;
  readonly databaseId: string;
  /** Who did it: the login to the database. */
  readonly login: string;
  /** Who that is on the machine that it came from, as the program says. */
  readonly osUser: string;
  /** Microseconds since 1970. */
  readonly doneUs: number;
  /** The full name of the topic that it is about. */
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** SQL; a `StoredDeed` of the row `d`. */
export const DEED = `jsonb_build_object('kind', d.kind, 'actionId', d.action_id, 'login', d.login, 'osUser', d.os_user,
  'databaseId', (SELECT database_id FROM tradetape.database_id),
  'doneUs', (extract(epoch FROM d.done_at) * 1000000)::bigint, 'topic', d.topic, 'partition', d.partition, 'offset', d."offset",
  'facts', d.facts || CASE WHEN d.offsets IS NULL THEN '{}' ELSE jsonb_build_object('offsets', d.offsets) END)`;

/** A message and the partition whose batch owes it. */
export interface Owed {
  readonly partition: number;
  readonly message: OutboxMessage;
}

export async function insertOutbox(connection: Connection, sourceTopic: string, owed: readonly Owed[]): Promise<void> {
  for (const portion of portions(owed, ({ message }) => message)) await insertPortion(connection, sourceTopic, portion);
}

async function insertPortion(connection: Connection, sourceTopic: string, owed: readonly Owed[]): Promise<void> {
  const taken = await connection.run(
    `INSERT INTO tradetape.outbox (source_topic, source_partition, topic, key, value, headers)
     SELECT $1, m.partition, m.topic, m.key, m.value, m.headers
     FROM unnest($2::int[], $3::text[], $4::bytea[], $5::bytea[], $6::jsonb[]) WITH ORDINALITY
       AS m (partition, topic, key, value, headers, n)
     ORDER BY m.n`,
    [
      sourceTopic,
      owed.map(({ partition }) => partition),
      owed.map(({ message }) => message.topic),
      owed.map(({ message }) => message.key),
      owed.map(({ message }) => message.value),
      owed.map(({ message }) => JSON.stringify(message.headers)),
    ],
  );
  refuseSwallowed("tradetape.outbox", owed.length - taken);
}

/** Which of these topics have messages in the outbox. */
export async function owingTopics(
  connection: Connection,
  sourceTopics: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await connection.query<{ topic: string }>(
    `SELECT topic FROM unnest($1::text[]) AS asked (topic)
     WHERE EXISTS (SELECT FROM tradetape.outbox WHERE source_topic = asked.topic)`,
    [sourceTopics],
  );
  return new Set(rows.map(({ topic }) => topic));
}

/** A page is bounded by bytes, because letters carry events of up to a megabyte; it has one message at least. */
const PAGE_MESSAGES_MAX = 500;
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** The oldest unpublished messages of these partitions, in the order they were committed. */
export async function nextOutboxPage(
  connection: Connection,
  sourceTopic: string,
  sourcePartitions: readonly number[],
): Promise<readonly StoredOutboxMessage[]> {
  return connection.query<StoredOutboxMessage & Record<string, unknown>>(
    `SELECT "outboxId", m.topic, key, value, headers, CASE WHEN d.deed_id IS NOT NULL THEN ${DEED} END AS deed FROM (
       SELECT outbox_id AS "outboxId", topic, key, value, headers, deed_id,
         sum(coalesce(octet_length(value), 0)) OVER (ORDER BY outbox_id) - coalesce(octet_length(value), 0) AS before
       FROM (SELECT * FROM tradetape.outbox WHERE source_topic = $1 AND source_partition = ANY($2::int[])
             ORDER BY outbox_id LIMIT $3) page
     ) m LEFT JOIN tradetape.deed d USING (deed_id) WHERE before < $4 ORDER BY "outboxId"`,
    [sourceTopic, sourcePartitions, PAGE_MESSAGES_MAX, PAGE_BYTES_MAX],
  );
}

/** Deletes messages that the broker has acknowledged; another owner that published them, too, may have deleted them before. */
export async function forgetOutbox(connection: Connection, outboxIds: readonly number[]): Promise<void> {
  await connection.run("DELETE FROM tradetape.outbox WHERE outbox_id = ANY($1::bigint[])", [outboxIds]);
}
