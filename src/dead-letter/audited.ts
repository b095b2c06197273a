import { encodeEvent } from "../event/codec.ts";
import type { AuditEvent } from "../event/events.ts";
import { eventId } from "../event/identity.ts";
import { insertOutbox } from "../table/landing/outbox.ts";
import type { LetterFilter } from "../table/letters/dead-letters.ts";
import type { Ops } from "./ops.ts";

/** One page of letters of one partition that somebody acted on. */
export interface ActedPage {
  readonly kind: "REDRIVE" | "DISCARD";
  /** One per command: the trail's entries of one command belong together. */
  readonly actionId: string;
  readonly filter: LetterFilter;
  readonly topic: string;
  readonly partition: number;
  readonly letters: readonly { readonly offset: number; readonly reason: string }[];
  /** Why they were discarded. */
  readonly note?: string;
}

/**
 * Puts the audit entry of a page into the outbox. Called in the transaction that changes the letters' state: neither is
 * ever there without the other. The group of the letters' topic publishes it.
 */
export function recordAction(ops: Ops, page: ActedPage, nowMs = Date.now()): Promise<void> {
  const value = encodeEvent("audit", ops.auditSchemaId, actionEntry(ops, page, nowMs));
  const message = { topic: ops.auditTopicName, key: null, value, headers: {} };
  return insertOutbox(ops.connection, page.topic, [{ partition: page.partition, message }]);
}

export function actionEntry(
  ops: Pick<Ops, "databaseId" | "databaseUser" | "actor">,
  page: ActedPage,
  nowMs: number,
): AuditEvent {
  const { kind, actionId, filter, topic, partition, letters, note } = page;
  const offsets = letters.map(({ offset }) => offset);
  const reasons: Record<string, number> = {};
  for (const { reason } of letters) reasons[reason] = (reasons[reason] ?? 0) + 1;
  return {
    log_id: eventId("audit", [kind, ops.databaseId, actionId, topic, String(partition), String(offsets[0])]),
    timestamp: nowMs * 1000,
    event_type: kind,
    actor: ops.actor,
    payload: JSON.stringify({
      action_id: actionId,
      database_id: ops.databaseId,
      database_user: ops.databaseUser,
      filter,
      letters: letters.length,
      reasons,
      offsets,
      note,
    }),
    success: true,
    correlation_id: actionId,
    source_topic: topic,
    source_partition: partition,
    source_offset: offsets[0]!,
  };
}
