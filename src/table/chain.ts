import type { Connection } from "./connection.ts";
import { OFFSET_COLUMN, type StageStatements } from "./stage.ts";

/**
 * An audit entry's content as the chain hashes it, from the audit log or its stage alike: payload as jsonb's own text,
 * which is the same for the same value, time as whole microseconds.
 */
const CHAIN_FIELDS = `ARRAY[log_id::text, (extract(epoch FROM "timestamp") * 1000000)::bigint::text, event_type, actor,
  payload::text, success::text, backtest_session_id::text, correlation_id, source_topic, source_partition::text,
  source_offset::text]`;

export interface ChainHead {
  readonly seq: number;
  readonly hash: Buffer;
}

export interface StagedEntry {
  readonly offset: number;
  readonly fields: readonly (string | null)[];
}

/**
 * Makes this transaction the chain's only writer. The partition's lock is not enough: the audit topics of two namespaces
 * land in one log.
 */
export async function lockChain(connection: Connection): Promise<void> {
  await connection.run("SELECT pg_advisory_xact_lock(hashtextextended('tradetape.audit_chain', 0))");
}

/** The newest link, or undefined in an empty log. Read under the chain's lock: two heads would fork it. */
export async function chainHead(connection: Connection): Promise<ChainHead | undefined> {
  const rows = await connection.query<ChainHead & Record<string, unknown>>(
    "SELECT seq, hash FROM public.audit_log ORDER BY seq DESC LIMIT 1",
  );
  return rows[0];
}

/** The staged entries that the log doesn't have yet, each id once, in the topic's order. */
export function newEntries(connection: Connection, stage: StageStatements): Promise<readonly StagedEntry[]> {
  return connection.query<StagedEntry & Record<string, unknown>>(
    `SELECT ${OFFSET_COLUMN} AS "offset", ${CHAIN_FIELDS} AS fields FROM (
       SELECT DISTINCT ON (log_id) * FROM ${stage.relation} s
       WHERE NOT EXISTS (SELECT FROM public.audit_log a WHERE a.log_id = s.log_id) ORDER BY log_id, ${OFFSET_COLUMN}
     ) fresh ORDER BY ${OFFSET_COLUMN}`,
  );
}

export interface Link {
  readonly offset: number;
  readonly seq: number;
  readonly previous: Buffer;
  readonly hash: Buffer;
}

/** Inserts staged entries with their links. No ON CONFLICT: under the lock a known id here is a bug. */
export async function insertLinked(
  connection: Connection,
  stage: StageStatements,
  links: readonly Link[],
): Promise<number> {
  return connection.run(
    `INSERT INTO public.audit_log (log_id, "timestamp", event_type, actor, payload, success, backtest_session_id,
       correlation_id, source_topic, source_partition, source_offset, seq, prev_hash, hash)
     SELECT s.log_id, s."timestamp", s.event_type, s.actor, s.payload, s.success, s.backtest_session_id,
       s.correlation_id,
       s.source_topic, s.source_partition, s.source_offset, l.seq, l.previous, l.hash
     FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[]) AS l (o, seq, previous, hash)
     JOIN ${stage.relation} s ON s.${OFFSET_COLUMN} = l.o ORDER BY l.seq`,
    [links.map((l) => l.offset), links.map((l) => l.seq), links.map((l) => l.previous), links.map((l) => l.hash)],
  );
}

export interface ChainEntry {
  readonly seq: number;
  readonly id: string;
  readonly fields: readonly (string | null)[];
  readonly previous: Buffer;
  readonly hash: Buffer;
}

/** The chain's entries behind `afterSeq`, in order, as they are stored. */
export function chainPage(connection: Connection, afterSeq: number, entriesMax: number): Promise<ChainEntry[]> {
  return connection.query<ChainEntry & Record<string, unknown>>(
    `SELECT seq, log_id AS id, ${CHAIN_FIELDS} AS fields, prev_hash AS previous, hash FROM public.audit_log
     WHERE seq > $1 ORDER BY seq LIMIT $2`,
    [afterSeq, entriesMax],
  );
}
