import type { LetterReason } from "../../event/letter.ts";
import type { Connection } from "../connection.ts";
import type { LetterRow } from "../landing/letters.ts";

type LetterState = "open" | "redriven" | "discarded";

/** Which letters are meant. Times are of when they became letters, ISO 8601; what is null or absent doesn't narrow. */
export interface LetterFilter {
  /** Full names. */
  readonly topics: readonly string[];
  readonly reason?: LetterReason | undefined;
  readonly since?: string | undefined;
  /** Letters of this very moment are not meant any more. */
  readonly until?: string | undefined;
}

/** $1 to $4 of every statement that takes a filter. */
export const MEANT = `d.topic = ANY($1::text[]) AND ($2::text IS NULL OR d.reason = $2)
  AND ($3::timestamptz IS NULL OR d.dead_at >= $3) AND ($4::timestamptz IS NULL OR d.dead_at < $4)`;

export const valuesOf = ({ topics, reason, since, until }: LetterFilter) => [
  topics,
  reason ?? null,
  since ?? null,
  until ?? null,
];

const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Letters of one topic and reason. Times are ISO 8601. */
export interface LetterGroup {
  readonly topic: string;
  readonly reason: LetterReason;
  readonly letters: number;
  readonly open: number;
  readonly redriven: number;
  readonly discarded: number;
  readonly firstAt: string;
  readonly lastAt: string;
  /** The newest of them: where it is (topic/partition/offset), and its detail. */
  readonly example: string;
  readonly detail: string;
}

/** @param all letters of every state, not only those that nobody has acted on */
export function listLetters(connection: Connection, filter: LetterFilter, all: boolean): Promise<LetterGroup[]> {
  return connection.query<LetterGroup & Record<string, unknown>>(
    `SELECT g.topic, g.reason, g.letters, g.open, g.redriven, g.discarded, ${iso("g.first")} AS "firstAt",
       ${iso("g.last")} AS "lastAt", format('%s/%s/%s', e.topic, e.partition, e."offset") AS example, e.detail
     FROM (SELECT d.topic, d.reason, count(*) AS letters, count(*) FILTER (WHERE d.state = 'open') AS open,
             count(*) FILTER (WHERE d.state = 'redriven') AS redriven,
             count(*) FILTER (WHERE d.state = 'discarded') AS discarded, min(d.dead_at) AS first, max(d.dead_at) AS last
           FROM tradetape.dead_letter d WHERE ${MEANT} AND ($5 OR d.state = 'open') GROUP BY 1, 2) g
     CROSS JOIN LATERAL (
       SELECT * FROM tradetape.dead_letter d WHERE d.topic = g.topic AND d.reason = g.reason AND d.dead_at = g.last
         AND ($5 OR d.state = 'open') ORDER BY d.partition, d."offset" LIMIT 1) e
     ORDER BY g.letters DESC, g.topic, g.reason`,
    [...valuesOf(filter), all],
  );
}

/** SQL; a letter's `CutValue`. */
export const CUT = `CASE WHEN value_bytes IS NOT NULL
  THEN jsonb_build_object('bytes', value_bytes, 'sha256', encode(value_sha256, 'hex')) END AS cut`;

/** One letter, as far as it is kept. Times are ISO 8601. */
export interface StoredLetter extends Omit<LetterRow, "publishedAtMs"> {
  readonly topic: string;
  readonly partition: number;
  readonly publishedAt: string;
  readonly deadAt: string;
  readonly state: LetterState;
  readonly actedAt: string | null;
  readonly actedBy: string | null;
  readonly note: string | null;
  readonly redrivenOffset: number | null;
  /** 0: the log has its event at this offset. Else the rewind that found it gone. */
  readonly rewind: number;
}

/** The letters at an offset: that of the log as it is, then those of logs that were cut, the last one first. */
export function readLetters(
  connection: Connection,
  topic: string,
  partition: number,
  offset: number,
): Promise<StoredLetter[]> {
  return connection.query<StoredLetter & Record<string, unknown>>(
    `SELECT topic, partition, "offset", reason, detail, column_name AS "column", sqlstate, key, value, ${CUT}, headers,
       ${iso("published_at")} AS "publishedAt", ${iso("dead_at")} AS "deadAt", state, attempts,
       ${iso("acted_at")} AS "actedAt", acted_by AS "actedBy", note, redriven_offset AS "redrivenOffset",
       rewind
     FROM tradetape.dead_letter WHERE topic = $1 AND partition = $2 AND "offset" = $3 ORDER BY rewind > 0, rewind DESC`,
    [topic, partition, offset],
  );
}

/** Open letters that a filter means, counted. */
export interface LetterCount {
  readonly topic: string;
  readonly partition: number;
  readonly reason: LetterReason;
  readonly letters: number;
  /** Of these, how many have been redriven as often as the limit says, or more. */
  readonly worn: number;
}

/** @param attemptsMax redrives after which a letter counts as worn */
export function countOpenLetters(
  connection: Connection,
  filter: LetterFilter,
  attemptsMax: number,
): Promise<LetterCount[]> {
  return connection.query<LetterCount & Record<string, unknown>>(
    `SELECT d.topic, d.partition, d.reason, count(*) AS letters, count(*) FILTER (WHERE d.attempts >= $5) AS worn
     FROM tradetape.dead_letter d WHERE ${MEANT} AND d.state = 'open' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    [...valuesOf(filter), attemptsMax],
  );
}
