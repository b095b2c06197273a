import type { LetterReason } from "../../event/letter.ts";
import type { Connection } from "../connection.ts";
import type { CutValue, StoredHeaders } from "../landing/letters.ts";
import { CUT, type LetterFilter, MEANT, valuesOf } from "./dead-letters.ts";

/** Larger than any count of attempts: `attempts < this` is true of every letter. */
export const EVERY_ATTEMPT = 2_147_483_647;

/** The same filter for the letters there are now: an action must not meet the letters that it gives rise to. */
export async function asOfNow(connection: Connection, filter: LetterFilter): Promise<LetterFilter> {
  const [row] = await connection.query<{ until: string }>("SELECT least(now(), $1::timestamptz)::text AS until", [
    filter.until ?? null,
  ]);
  return { ...filter, until: row!.until };
}

/** The letters of one log of a partition: their offsets tell them apart. */
export interface LetterPlace {
  readonly topic: string;
  readonly partition: number;
  /** 0 of the log as it is; else the rewind that found these letters' events gone from it. */
  readonly rewind: number;
}

/** The partitions that have open letters of this filter, with those of logs that were cut since first. */
export function openPlaces(connection: Connection, filter: LetterFilter): Promise<LetterPlace[]> {
  return connection.query<LetterPlace & Record<string, unknown>>(
    `SELECT DISTINCT d.topic, d.partition, d.rewind, d.rewind = 0 AS last FROM tradetape.dead_letter d
     WHERE ${MEANT} AND d.state = 'open' ORDER BY d.topic, d.partition, last, d.rewind`,
    valuesOf(filter),
  );
}

/** The login that a session began with, whatever role it has switched to. */
export async function loginOf(connection: Connection): Promise<string> {
  const [row] = await connection.query<{ name: string }>("SELECT session_user::text AS name");
  return row!.name;
}

/** Where a page of open letters is taken from: one partition, above an offset. */
interface PagePlace extends LetterPlace {
  readonly afterOffset: number;
  readonly rowsMax: number;
  /** Letters that were redriven this often are left out. */
  readonly attemptsMax: number;
  /** Letters of this reason are left out, too. */
  readonly but?: LetterReason;
}

export interface OpenLetter {
  readonly offset: number;
  readonly reason: LetterReason;
  readonly attempts: number;
}

/** Open letters that were looked at, and those of them that this transaction has locked, both in offset order. */
interface LockedPage {
  readonly looked: number;
  /** The last offset that was looked at. */
  readonly lastOffset: number;
  readonly locked: readonly OpenLetter[];
}

/**
 * Locks the next open letters of a partition, for this transaction. Those that somebody else is acting on are passed over:
 * two people who redrive at once send each letter once. Another statement than the one that finds them locks them, because the
 * function that may lock takes no filter.
 */
export async function lockOpenLetters(
  connection: Connection,
  filter: LetterFilter,
  place: PagePlace,
): Promise<LockedPage> {
  const found = await connection.query<{ offset: number }>(
    `SELECT d."offset" FROM tradetape.dead_letter d
     WHERE ${MEANT} AND d.state = 'open' AND d.topic = $5 AND d.partition = $6 AND d.rewind = $7
       AND d."offset" > $8 AND d.attempts < $9 AND d.reason IS DISTINCT FROM $10
     ORDER BY d."offset" LIMIT $11`,
    [
      ...valuesOf(filter),
      ...[place.topic, place.partition, place.rewind, place.afterOffset],
      ...[place.attemptsMax, place.but ?? null, place.rowsMax],
    ],
  );
  if (found.length === 0) return { looked: 0, lastOffset: place.afterOffset, locked: [] };
  const offsets = found.map(({ offset }) => offset);
  const locked = await connection.query<OpenLetter & Record<string, unknown>>(
    `SELECT "offset", reason, attempts FROM tradetape.lock_letters($1, $2, $3, $4::bigint[]) ORDER BY "offset"`,
    [place.topic, place.partition, place.rewind, offsets],
  );
  return { looked: offsets.length, lastOffset: offsets.at(-1)!, locked };
}

/** What is published again of a letter. */
export interface LetterRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Null where `value` is whole. */
  readonly cut: CutValue | null;
  readonly headers: StoredHeaders;
  /** When the broker had it; of a `producer_time`, which doesn't say, when it became a letter. */
  readonly publishedAtMs: number;
}

/** These letters' records, in offset order, up to so many bytes of values; the first one whatever its size. */
export function readLetterRecords(
  connection: Connection,
  { topic, partition, rewind }: LetterPlace,
  offsets: readonly number[],
  bytesMax: number,
): Promise<readonly LetterRecord[]> {
  return connection.query<LetterRecord & Record<string, unknown>>(
    `SELECT "offset", key, value, ${CUT}, headers,
       (extract(epoch FROM coalesce(nullif(published_at, 'epoch'), dead_at)) * 1000)::double precision AS "publishedAtMs"
     FROM (
       SELECT *, sum(size) OVER (ORDER BY "offset") - size AS before FROM (
         SELECT *, coalesce(value_bytes, octet_length(value), 0) + octet_length(headers::text) AS size FROM tradetape.dead_letter
         WHERE topic = $1 AND partition = $2 AND rewind = $5 AND "offset" = ANY($3::bigint[])) sized
     ) measured
     WHERE before < $4 ORDER BY "offset"`,
    [topic, partition, offsets, bytesMax, rewind],
  );
}

/** What a redrive made of a letter. */
export interface RedrivenLetter {
  readonly offset: number;
  readonly redrivenOffset: number;
}

/** Who acts by which command, and on which letters. */
interface LetterAction extends LetterPlace {
  readonly filter: LetterFilter;
  readonly actionId: string;
  readonly osUser: string;
}

/** Marks letters as sent again; their deed and its audit entry come with it. */
export const markRedriven = (
  connection: Connection,
  action: LetterAction,
  letters: readonly RedrivenLetter[],
): Promise<void> =>
  act(connection, action, {
    kind: "REDRIVE",
    offsets: letters.map(({ offset }) => offset),
    redrivenAt: letters.map(({ redrivenOffset }) => redrivenOffset),
    note: null,
  });

/** Gives letters up; their deed and its audit entry come with it. */
export const markDiscarded = (
  connection: Connection,
  action: LetterAction,
  offsets: readonly number[],
  note: string,
): Promise<void> => act(connection, action, { kind: "DISCARD", offsets, redrivenAt: null, note });

interface LetterDeed {
  readonly kind: "REDRIVE" | "DISCARD";
  readonly offsets: readonly number[];
  readonly redrivenAt: readonly number[] | null;
  readonly note: string | null;
}

async function act(
  connection: Connection,
  { topic, partition, rewind, filter, actionId, osUser }: LetterAction,
  { kind, offsets, redrivenAt, note }: LetterDeed,
): Promise<void> {
  await connection.query(
    "SELECT tradetape.act_on_letters($1, $2, $3, $4, $5::bigint[], $6::bigint[], $7, $8::jsonb, $9::uuid, $10)",
    [kind, topic, partition, rewind, offsets, redrivenAt, note, JSON.stringify(filter), actionId, osUser],
  );
}
