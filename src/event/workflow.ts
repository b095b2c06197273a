/** Kafka headers by their names. */
export type Headers = Readonly<Record<string, string | Buffer>>;

/**
 * Kafka headers that say how an event came about. Tables don't hold them; the audit log does.
 * - correlation: the workflow, the same for a prediction, the decision that rests on it and that decision's fills
 * - causation: the id of the event that led to this one directly
 * - actor: the program or person that published it
 */
export const WORKFLOW_HEADERS = {
  correlation: "correlation-id",
  causation: "causation-id",
  actor: "actor",
} as const;

/**
 * Kafka headers by which tracing programs join what one does to what came of it, as W3C's Trace Context has them. The audit log's
 * table doesn't hold them: the record of an event's audit entry carries them on.
 */
export const TRACE_HEADERS = { parent: "traceparent" } as const;
