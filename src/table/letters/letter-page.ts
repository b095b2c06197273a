import type { LetterReason } from "../../event/letter.ts";
import type { Connection } from "../connection.ts";

/** One letter in a list. `deadAt` is ISO 8601. */
interface LetterLine {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** 0: the log has its event at this offset. Else the rewind that found it gone. */
  readonly rewind: number;
  readonly reason: LetterReason;
  readonly detail: string;
  readonly state: "open" | "redriven" | "discarded";
  readonly attempts: number;
  readonly deadAt: string;
}

interface PageAsked {
  /** Its full name. */
  readonly topic: string;
  readonly reason: LetterReason;
  /** Letters of every state, not only those that nobody has acted on. */
  readonly all: boolean;
  /** How many newer ones come before, and how many are asked for. */
  readonly skip: number;
  readonly most: number;
}

/** The letters of a topic and reason, the newest first. */
export const readLetterPage = (connection: Connection, asked: PageAsked): Promise<LetterLine[]> =>
  connection.query<LetterLine & Record<string, unknown>>(
    `SELECT topic, partition, "offset", rewind, reason, left(detail, 500) AS detail, state, attempts,
       to_char(dead_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "deadAt"
     FROM tradetape.dead_letter WHERE topic = $1 AND reason = $2 AND ($3 OR state = 'open')
     ORDER BY dead_at DESC, partition, "offset" DESC, rewind LIMIT $5 OFFSET $4`,
    [asked.topic, asked.reason, asked.all, asked.skip, asked.most],
  );
