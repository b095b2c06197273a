import type { Ops } from "../dead-letter/ops.ts";
import { encodeEvent } from "../event/codec.ts";
import type { AuditEvent } from "../event/events.ts";
import { eventId } from "../event/identity.ts";
import { insertOutbox } from "../table/landing/outbox.ts";

/** What one transaction took of a session. */
export interface RemovedPart {
  /** One per command: the trail's entries of one command belong together. */
  readonly actionId: string;
  readonly session: string;
  readonly topic: string;
  readonly table: string;
  /** The table or its partition, and the block that the part begins with. */
  readonly heap: string;
  readonly fromBlock: number;
  readonly rows: number;
}

/** Puts the audit entry into the outbox, in the transaction that removes. The group of the table's topic publishes it. */
export function recordRemoval(ops: Ops, part: RemovedPart, nowMs = Date.now()): Promise<void> {
  const value = encodeEvent("audit", ops.auditSchemaId, removalEntry(ops, part, nowMs));
  const message = { topic: ops.auditTopicName, key: null, value, headers: {} };
  return insertOutbox(ops.connection, part.topic, [{ partition: 0, message }]);
}

function removalEntry(ops: Ops, part: RemovedPart, nowMs: number): AuditEvent {
  const { actionId, session, topic, table, heap, fromBlock, rows } = part;
  return {
    log_id: eventId("audit", ["SESSION_DELETE", ops.databaseId, actionId, heap, String(fromBlock)]),
    timestamp: nowMs * 1000,
    event_type: "SESSION_DELETE",
    actor: ops.actor,
    payload: JSON.stringify({
      action_id: actionId,
      database_id: ops.databaseId,
      database_user: ops.databaseUser,
      session,
      table,
      rows,
    }),
    success: true,
    correlation_id: actionId,
    source_topic: topic,
    backtest_session_id: session,
  };
}
