import type { AuditEvent } from "../event/events.ts";
import { ownIdOf } from "./own-entry.ts";

/** Something that somebody did in one transaction, as its audit entry says it. */
export interface Deed {
  readonly kind: string;
  /** One per command: the trail's entries of one command belong together. */
  readonly actionId: string;
  readonly databaseId: string;
  /** Who did it: the login to the database. */
  readonly login: string;
  /** Who that is on the machine that it came from, as the program says. */
  readonly osUser: string;
  /** Microseconds since 1970. */
  readonly doneUs: number;
  /** The full name of the topic that it is about. */
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly session: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A pure function of the deed: whoever publishes its entry, and however often, makes the same bytes. */
export function deedEntry(deed: Deed): AuditEvent {
  const { kind, actionId, databaseId, login, osUser, doneUs, topic, partition, offset, session, facts } = deed;
  const identity = { action_id: actionId, database_id: databaseId, os_user: osUser };
  const said = {
    timestamp: doneUs,
    event_type: kind,
    actor: login,
    payload: JSON.stringify({ ...identity, ...facts }),
    success: true,
    correlation_id: actionId,
    source_topic: topic,
    source_partition: partition,
    source_offset: offset,
    backtest_session_id: session,
  };
  return { log_id: ownIdOf(said), ...said };
}
