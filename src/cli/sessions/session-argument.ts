import { TradetapeError } from "../../errors.ts";
import type { Connection } from "../../table/connection.ts";
import { type LandedSession, readSession } from "../../table/sessions/session-list.ts";
import { uuidOf } from "../flags.ts";

/** @throws TradetapeError input_invalid unless it is a session's id, whole */
export function sessionArgument(text: string | undefined): string {
  return uuidOf("session", text, "a whole id, as `tradetape sessions list` shows them");
}

/** @throws TradetapeError input_invalid when none of this id has landed */
export async function requireSession(connection: Connection, id: string): Promise<LandedSession> {
  const session = await readSession(connection, id);
  if (session !== undefined) return session;
  throw new TradetapeError("input_invalid", `no session ${id} has landed in this database`, {
    next: "`tradetape sessions list --all` shows those that have; `tradetape status` shows whether some are on their way.",
  });
}
