import { isDeepStrictEqual } from "node:util";
import { TradetapeError } from "../errors.ts";
import type { SessionEvent } from "../event/events.ts";
import { WORKFLOW_HEADERS } from "../event/workflow.ts";
import type { LandedSession } from "../table/sessions/session-list.ts";
import type { Tape } from "../tradetape/tape.ts";

/** How a session ends that isn't deleted. */
export const ENDINGS = ["completed", "failed"] as const;

/** What a session ends with. */
interface SessionEnd {
  readonly status: (typeof ENDINGS)[number];
  /** Its figures, or why it failed, as JSON text that is valid. */
  readonly result: string | null;
  /** Microseconds since 1970. */
  readonly endedUs: number;
}

/**
 * Publishes a session's end, in the name of whoever ends it. The event is a revision that repeats what is on record of the
 * session, so its row has to have landed.
 * @returns the event; undefined where it has ended so before
 * @throws TradetapeError input_invalid where it has ended otherwise, or was deleted; and as `Tape.publish`
 */
export async function finishSession(
  tape: Pick<Tape, "publish">,
  session: LandedSession,
  { status, result, endedUs }: SessionEnd,
  actor: string,
): Promise<SessionEvent | undefined> {
  if (session.status === status && sameJson(session.result, result)) return undefined;
  if (session.status !== "running" && session.status !== "created") throw hasEnded(session);
  const event: SessionEvent = { ...session, status, result, ended_at: endedUs };
  await tape.publish("sessions", event, { headers: { [WORKFLOW_HEADERS.actor]: actor } });
  return event;
}

/** PostgreSQL writes a JSON text in a form of its own. */
const sameJson = (a: string | null, b: string | null): boolean =>
  isDeepStrictEqual(JSON.parse(a ?? "null"), JSON.parse(b ?? "null"));

function hasEnded({ backtest_session_id, status, ended_at }: LandedSession): TradetapeError {
  const when = ended_at === null ? "" : ` since ${new Date(ended_at / 1000).toISOString()}`;
  const what = status === "deleted" ? "was deleted" : `is ${status}${when}, with what it ended with`;
  return new TradetapeError("input_invalid", `session ${backtest_session_id} ${what}: its record stays`, {
    next: "Begin another session for another run.",
  });
}
