import type { LetterReason } from "../../event/letter.ts";
import type { Connection } from "../connection.ts";
import type { StoredHeaders } from "../landing/letters.ts";
import { type LetterFilter, MEANT, valuesOf } from "./dead-letters.ts";

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

/**
 * Locks the next open letters of a partition, in offset order, for this transaction. Those that somebody else is acting
 * on are passed over: two people who redrive at once send each letter once.
 */
export function lockOpenLetters(
  connection: Connection,
  filter: LetterFilter,
  place: PagePlace,
): Promise<readonly OpenLetter[]> {
  return connection.query<OpenLetter & Record<string, unknown>>(
    `SELECT d."offset", d.reason, d.attempts FROM tradetape.dead_letter d
     WHERE ${MEANT} AND d.state = 'open' AND d.topic = $5 AND d.partition = $6 AND d.rewind = $7
       AND d."offset" > $8 AND d.attempts < $9 AND d.reason IS DISTINCT FROM $10
     ORDER BY d."offset" LIMIT $11 FOR UPDATE SKIP LOCKED`,
    [
      ...valuesOf(filter),
      ...[place.topic, place.partition, place.rewind, place.afterOffset],
      ...[place.attemptsMax, place.but ?? null, place.rowsMax],
    ],
  );
}

/** What is published again of a letter. */
export interface LetterRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
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
    `SELECT "offset", key, value, headers,
       (extract(epoch FROM coalesce(nullif(published_at, 'epoch'), dead_at)) * 1000)::double precision AS "publishedAtMs"
     FROM (
       SELECT *, sum(size) OVER (ORDER BY "offset") - size AS before FROM (
         SELECT *, coalesce(octet_length(value), 0) + octet_length(headers::text) AS size FROM tradetape.dead_letter
         WHERE topic = $1 AND partition = $2 AND rewind = $5 AND "offset" = ANY($3::bigint[])) sized
     ) measured
     WHERE before < $4 ORDER BY "offset"`,
    [topic, partition, offsets, bytesMax, rewind],
  );
}

/** What a redrive made of a letter. */
export interface RedrivenLetter {
  readonly offset: number;
  readonly attempts: number;
  readonly redrivenOffset: number;
}

/**
 * Marks letters as sent again. The offsets stand twice in its statement: joined alone, they make a planner without
 * statistics read all open letters for each of them.
 */
export async function markRedriven(
  connection: Connection,
  place: LetterPlace,
  letters: readonly RedrivenLetter[],
  actor: string,
): Promise<void> {
  const changed = await connection.run(
    `UPDATE tradetape.dead_letter d
     SET state = 'redriven', attempts = r.attempts, redriven_offset = r.at, acted_at = now(), acted_by = $3
     FROM unnest($4::bigint[], $5::int[], $6::bigint[]) AS r (o, attempts, at)
     WHERE d.topic = $1 AND d.partition = $2 AND d.rewind = $7 AND d."offset" = ANY($4::bigint[]) AND d."offset" = r.o
       AND d.state = 'open'`,
    [
      place.topic,
      place.partition,
      actor,
      letters.map((letter) => letter.offset),
      letters.map((letter) => letter.attempts),
      letters.map((letter) => letter.redrivenOffset),
      place.rewind,
    ],
  );
  if (changed !== letters.length) throw new Error("a letter changed its state under our lock");
}

export async function markDiscarded(
  connection: Connection,
  place: LetterPlace,
  offsets: readonly number[],
  actor: string,
  note: string,
): Promise<void> {
  const changed = await connection.run(
    `UPDATE tradetape.dead_letter SET state = 'discarded', acted_at = now(), acted_by = $3, note = $4
     WHERE topic = $1 AND partition = $2 AND rewind = $6 AND "offset" = ANY($5::bigint[]) AND state = 'open'`,
    [place.topic, place.partition, actor, note, offsets, place.rewind],
  );
  if (changed !== offsets.length) throw new Error("a letter changed its state under our lock");
}
