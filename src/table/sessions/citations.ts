import type { Connection } from "../connection.ts";

/** Where a row came from, and what the audit log says of it: `trace`, `tail` and `audit prove` lead from it to the log. */
interface Citation {
  readonly kind: "prediction" | "decision" | "fill" | "call";
  readonly id: string;
  /** The topic's full name. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The audit entry of the event; null while it is on its way. */
  readonly entry: { readonly id: string; readonly seq: number } | null;
}

const KINDS = [
  ["prediction", "predictions", "model_prediction", "prediction_id"],
  ["decision", "decisions", "trade_decision", "decision_id"],
  ["fill", "fills", "trade_execution", "execution_id"],
  ["call", "calls", "agent_call", "call_id"],
] as const;

const ROWS = KINDS.map(
  ([
    kind,
    topic,
    table,
    key,
  ]) => `SELECT '${kind}' AS kind, '${topic}' AS topic, ${key} AS id, source_partition AS partition,
    source_offset AS at FROM public.${table} WHERE ${key} = ANY($1::uuid[])`,
).join(" UNION ALL ");

/** Of the rows with these ids that are predictions, decisions, fills or calls; of several entries of an event the first. */
export function citationsOf(connection: Connection, ids: readonly string[]): Promise<Citation[]> {
  return connection.query<Citation & Record<string, unknown>>(
    `SELECT r.kind, r.id, o.topic, r.partition, r.at AS "offset", a.entry FROM (${ROWS}) r
     JOIN tradetape.landed_offset o ON o.partition = r.partition AND (o.topic = r.topic OR o.topic LIKE '%.' || r.topic)
     LEFT JOIN LATERAL (
       -- OFFSET 0: a join would be planned with the table's statistics, and without any it reads all entries of a topic.
       SELECT jsonb_build_object('id', l.log_id, 'seq', l.seq) AS entry FROM public.audit_log l
       WHERE l.source_topic = o.topic AND l.source_partition = r.partition AND l.source_offset = r.at
         AND l.payload -> 'event' ->> (CASE r.kind WHEN 'fill' THEN 'execution_id' ELSE r.kind || '_id' END) = r.id::text
       ORDER BY l.seq LIMIT 1 OFFSET 0
     ) a ON true ORDER BY r.kind, r.id`,
    [ids],
  );
}
