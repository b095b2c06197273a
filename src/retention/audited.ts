import type { Ops } from "../dead-letter/ops.ts";
import { encodeEvent } from "../event/codec.ts";
import type { AuditEvent } from "../event/events.ts";
import { eventId } from "../event/identity.ts";
import { insertOutbox } from "../table/landing/outbox.ts";

/** One day that was dropped. */
export interface DayDrop {
  /** One per command: the trail's entries of one command belong together. */
  readonly actionId: string;
  readonly topic: string;
  readonly table: string;
  readonly day: string;
  readonly rows: number;
  readonly horizon: string;
}

/** Puts the audit entry of a drop into the outbox, in the transaction that drops. The ticks' group publishes it. */
export function recordDrop(ops: Ops, drop: DayDrop, nowMs = Date.now()): Promise<void> {
  const value = encodeEvent("audit", ops.auditSchemaId, dropEntry(ops, drop, nowMs));
  const message = { topic: ops.auditTopicName, key: null, value, headers: {} };
  return insertOutbox(ops.connection, drop.topic, [{ partition: 0, message }]);
}

function dropEntry(ops: Ops, { actionId, topic, table, day, rows, horizon }: DayDrop, nowMs: number): AuditEvent {
  return {
    log_id: eventId("audit", ["PARTITION_DROP", ops.databaseId, actionId, table, day]),
    timestamp: nowMs * 1000,
    event_type: "PARTITION_DROP",
    actor: ops.actor,
    payload: JSON.stringify({
      action_id: actionId,
      database_id: ops.databaseId,
      database_user: ops.databaseUser,
      table,
      day,
      rows,
      horizon,
    }),
    success: true,
    correlation_id: actionId,
    source_topic: topic,
  };
}
