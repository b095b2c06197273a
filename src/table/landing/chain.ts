import type { Connection } from "../connection.ts";
import { OFFSET_COLUMN } from "../sql.ts";
import type { StageStatements } from "./stage.ts";

/**
 * An audit entry's content as the chain hashes it, as `link_entries` does (0040_kept_rules.sql): payload as jsonb's own text,
 * which is the same for the same value, time as whole microseconds.
 */
const CHAIN_COLUMNS = [
  "log_id::text",
  `CASE WHEN isfinite("timestamp") THEN (extract(epoch FROM "timestamp") * 1000000)::bigint END::text`,
  "event_type",
  "actor",
  "payload::text",
  "success::text",
  "backtest_session_id::text",
  "correlation_id",
  "source_topic",
  "source_partition::text",
  "source_offset::text",
  "signed_by",
];
/** What `link_entries` takes of each entry, in its order. */
const LINKED_COLUMNS = [
  ...["log_id", '"timestamp"', "event_type", "actor", "payload", "success", "backtest_session_id", "correlation_id"],
  ...["source_topic", "source_partition", "source_offset", "signed_by"],
];
const CHAIN_FIELDS = `ARRAY[${CHAIN_COLUMNS.join(", ")}]`;

/** What the audit log made of staged entries. */
interface Linked {
  /** Those that it didn't have. */
  readonly fresh: number;
  /** Those of them that went in. */
  readonly linked: number;
}

/**
 * Links the staged entries that the log doesn't have yet, each id once, in the topic's order. It waits its turn: two writers on
 * one head would fork the chain.
 */
export async function linkStaged(connection: Connection, stage: StageStatements): Promise<Linked> {
  const lists = LINKED_COLUMNS.map((column) => `array_agg(${column}) AS ${column}`);
  const given = LINKED_COLUMNS.map((column) => `s.${column}`);
  const [row] = await connection.query<Linked & Record<string, unknown>>(
    `SELECT l.fresh, l.linked FROM (
       SELECT ${lists.join(", ")} FROM (SELECT * FROM ${stage.relation} ORDER BY ${OFFSET_COLUMN}) staged
     ) s, tradetape.link_entries(${given.join(", ")}) l`,
    [],
  );
  return row!;
}

export interface ChainEntry {
  readonly seq: number;
  readonly id: string;
  readonly fields: readonly (string | null)[];
  readonly previous: Buffer;
  readonly hash: Buffer;
}

interface StoredEntry {
  readonly [field: `f${number}`]: string | null;
  readonly seq: number;
  readonly prev_hash: Buffer;
  readonly hash: Buffer;
}

/** Column by column: an array of texts is parsed character by character, which is most of the time of a long log. */
function entryFrom(row: StoredEntry): ChainEntry {
  const fields = CHAIN_COLUMNS.map((_, i) => row[`f${i}`] ?? null);
  return { seq: row.seq, id: fields[0]!, fields, previous: row.prev_hash, hash: row.hash };
}

/** An entry has up to a megabyte of payload, so a page of these is what bounds the memory of reading a long log. */
const PAGE_ENTRIES = 250;

/**
 * The chain's entries with these numbers, in order, as they are stored, page by page. For use in a transaction. Numbers
 * that somebody made up are returned, too: one beyond 2^53 comes rounded, so that it doesn't end a check; and a range from
 * 1 on includes numbers below 1, or a check would pass over entries that every other reader of the log sees.
 */
export async function* chainPages(connection: Connection, from = 1, to?: number): AsyncGenerator<ChainEntry[]> {
  await connection.query(
    `DECLARE chain_reader NO SCROLL CURSOR FOR
     SELECT seq::double precision AS seq, prev_hash, hash, ${CHAIN_COLUMNS.map((column, i) => `${column} AS f${i}`).join(", ")}
     FROM public.audit_log WHERE ($1::bigint = 1 OR seq >= $1) AND ($2::bigint IS NULL OR seq <= $2) ORDER BY audit_log.seq`,
    [from, to ?? null],
  );
  try {
    for (;;) {
      const page = await connection.query<StoredEntry>(`FETCH ${PAGE_ENTRIES} FROM chain_reader`);
      if (page.length > 0) yield page.map(entryFrom);
      if (page.length < PAGE_ENTRIES) break;
    }
  } finally {
    await connection.query("CLOSE chain_reader");
  }
}

/** Those of these entries that the log has. */
export async function entriesOf(connection: Connection, logIds: readonly string[]): Promise<readonly ChainEntry[]> {
  return connection.query<ChainEntry & Record<string, unknown>>(
    `SELECT seq, log_id AS id, ${CHAIN_FIELDS} AS fields, prev_hash AS previous, hash FROM public.audit_log
     WHERE log_id = ANY($1::uuid[])`,
    [logIds],
  );
}

/** One entry by its id. */
export const entryOf = async (connection: Connection, logId: string): Promise<ChainEntry | undefined> =>
  (await entriesOf(connection, [logId]))[0];

/** The hash of one entry. */
export async function hashAt(connection: Connection, seq: number): Promise<Buffer | undefined> {
  const rows = await connection.query<{ hash: Buffer }>("SELECT hash FROM public.audit_log WHERE seq = $1", [seq]);
  return rows[0]?.hash;
}

/** The stored hashes of entries 1 to `to`, 32 bytes each: 32 MB for a million entries. */
export async function storedHashes(connection: Connection, to: number): Promise<Buffer> {
  const [row] = await connection.query<{ hashes: Buffer | null }>(
    "SELECT string_agg(hash, ''::bytea ORDER BY seq) AS hashes FROM public.audit_log WHERE seq BETWEEN 1 AND $1",
    [to],
  );
  return row!.hashes ?? Buffer.alloc(0);
}

/** The payloads of the log's own checkpoint entries. */
export function checkpointEntries(connection: Connection): Promise<{ id: string; payload: unknown }[]> {
  return connection.query(
    "SELECT log_id AS id, payload FROM public.audit_log WHERE event_type = 'CHECKPOINT' ORDER BY audit_log.seq",
  );
}

/** How many entries the ledger says have landed here. A database may hold the audit topics of several namespaces. */
export async function ledgerEntries(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ written: number }>(
    `SELECT coalesce(sum(written), 0)::bigint AS written FROM tradetape.landed_batch
     WHERE topic = 'audit' OR topic LIKE '%.audit'`,
  );
  return row!.written;
}
