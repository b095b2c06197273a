import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";

/** Letters of one reason, with examples of them. */
export interface LetterKind {
  readonly reason: string;
  readonly letters: number;
  /** The schemas that most of them say they are written with, most letters first. */
  readonly schemas: readonly SchemaLetters[];
  readonly examples: readonly LetterExample[];
}

/** How many letters say that they are written with a schema. */
export interface SchemaLetters {
  /** The registry's id; null for those that say none. */
  readonly schemaId: number | null;
  readonly letters: number;
}

interface LetterExample {
  /** topic/partition/offset. */
  readonly at: string;
  readonly column: string | null;
  readonly detail: string;
}

/** What a process tells of one group. Times are ISO 8601. */
export interface ToldState {
  /** The topic's full name. */
  readonly topic: string;
  readonly state: "running" | "waiting" | "stopped" | "ended";
  readonly since: string | null;
  readonly code: string | null;
  readonly reason: string | null;
  readonly next: string | null;
  readonly retryAt: string | null;
  /** When the process's run ended; null while it goes on. */
  readonly endedAt: string | null;
  /** Those that stopped it, where they did. */
  readonly letters: readonly LetterKind[] | null;
}

/** How often a process tells its groups' states, and how long after the last time another one takes it for gone. */
export const TELL_MS = 10_000;
const SILENT_AFTER_MS = 4 * TELL_MS;

/** Tells what this process's groups do, and forgets what others told of the same topics that are silent or have ended. */
export async function tellStates(connection: Connection, process: string, states: readonly ToldState[]): Promise<void> {
  await connection.inOneTrip(() => [
    connection.run(TELL, [process, JSON.stringify(states)]),
    connection.run(
      `DELETE FROM tradetape.group_state WHERE topic = ANY($1::text[]) AND process <> $3
         AND (ended_at IS NOT NULL OR seen_at < now() - make_interval(secs => $2::float8 / 1000))`,
      [states.map(({ topic }) => topic), SILENT_AFTER_MS, process],
    ),
  ]);
}

const TELL = `
INSERT INTO tradetape.group_state (topic, process, state, since, code, reason, next_step, retry_at, ended_at, letters)
SELECT topic, $1, state, since, code, reason, next, "retryAt", "endedAt", letters
FROM jsonb_to_recordset($2::jsonb) AS told (topic text, state text, since timestamptz, code text, reason text, next text,
  "retryAt" timestamptz, "endedAt" timestamptz, letters jsonb)
ON CONFLICT (topic, process) DO UPDATE SET state = excluded.state, since = excluded.since, code = excluded.code,
  reason = excluded.reason, next_step = excluded.next_step, retry_at = excluded.retry_at, ended_at = excluded.ended_at,
  letters = excluded.letters, seen_at = now()`;

/** What a process told of a group, and whether it tells still. */
export interface HeardState extends ToldState {
  readonly process: string;
  readonly seenAt: string;
  /** Whether the process has been silent for so long that it was killed, or can't reach the database. */
  readonly isSilent: boolean;
}

/** What processes told of their groups, the worst of each topic first. */
export async function readStates(connection: Connection): Promise<HeardState[]> {
  const states = await connection.query<StoredState & Record<string, unknown>>(
    `SELECT topic, process, state, ${isoOf("since")} AS since, code, reason, next_step AS next,
       ${isoOf("retry_at")} AS "retryAt", ${isoOf("ended_at")} AS "endedAt", letters, ${isoOf("seen_at")} AS "seenAt",
       ended_at IS NULL AND seen_at < now() - make_interval(secs => $1::float8 / 1000) AS "isSilent"
     FROM tradetape.group_state
     ORDER BY topic, array_position(ARRAY['stopped', 'waiting', 'running', 'ended'], state), process`,
    [SILENT_AFTER_MS],
  );
  return states.map((state) => ({ ...state, letters: state.letters?.map(withSchemas) ?? null }));
}

/** A process of an earlier version told no schemas. */
type StoredKind = Omit<LetterKind, "schemas"> & Partial<Pick<LetterKind, "schemas">>;
type StoredState = Omit<HeardState, "letters"> & { readonly letters: readonly StoredKind[] | null };

const withSchemas = (kind: StoredKind): LetterKind => ({ ...kind, schemas: kind.schemas ?? [] });
