import { pause } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import type { SessionEvent } from "../event/events.ts";
import { WORKFLOW_HEADERS } from "../event/workflow.ts";
import type { Connection } from "../table/connection.ts";
import { type LandedSession, readSession } from "../table/sessions/session-list.ts";
import type { Tape } from "../tradetape/tape.ts";

const POLL_MS = 250;

/**
 * The event by which a session ends for good. On the topic, where every database reads it: a replay filters the
 * session's events instead of bringing them back. Its row says so when the event has landed, as any row does: marked in
 * the table, this database would know of a session what its topic doesn't.
 */
const deletedEvent = (session: LandedSession): SessionEvent => ({ ...session, status: "deleted" });

/** Publishes a session's end, in the name of whoever ends it. @throws TradetapeError as `Tape.publish` */
export const publishDeleted = (tape: Tape, session: LandedSession, actor: string): Promise<void> =>
  tape.publish("sessions", deletedEvent(session), { headers: { [WORKFLOW_HEADERS.actor]: actor } });

/**
 * Waits until this database has landed a session's end.
 * @returns false when it was stopped
 * @throws TradetapeError not_caught_up, canRetry, when that takes too long
 */
export async function deletionLanded(
  connection: Connection,
  id: string,
  { waitMs, stop }: { readonly waitMs: number; readonly stop: AbortSignal },
): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    if ((await readSession(connection, id))?.status === "deleted") return true;
    if (stop.aborted) return false;
    if (performance.now() >= deadline) break;
    await pause(POLL_MS, stop);
  }
  throw new TradetapeError("not_caught_up", `session ${id}: its end is published and hasn't landed in this database`, {
    canRetry: true,
    next: "Run `tradetape consume sessions --until-caught-up`, then the same command again.",
  });
}
