import type { AuditEvent } from "../event/events.ts";
import type { StoredDeed } from "../table/landing/outbox.ts";
import { ownIdOf } from "./own-entry.ts";

/** Something that somebody did in one transaction, as its audit entry says it. */
export interface Deed extends StoredDeed {
  readonly session: string | null;
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
