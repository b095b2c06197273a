import type pg from "pg";
import { CONSUMERS } from "../../consumers/all.ts";

const RECEIPTED = CONSUMERS.filter(({ audit }) => audit === "receipt").map(({ topic }) => topic);

/**
 * What is wrong with the audit log of a database at rest, each as a sentence: every entry that the rows, letters and
 * ledger rows promise is there once, and none beside. Audit entries of symbols and sessions are told by their number:
 * their tables don't say which record made a row.
 */
export async function auditFaults(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ fault: string }>(
    `WITH promised AS (
      SELECT 'MODEL_RUN' AS event_type, 'predictions' AS topic, source_partition AS partition, source_offset AS "offset"
        FROM public.model_prediction
      UNION ALL SELECT 'TRADE_DECISION', 'decisions', source_partition, source_offset FROM public.trade_decision
      UNION ALL SELECT 'TRADE_SUBMIT', 'decisions', source_partition, source_offset FROM public.trade_decision
        WHERE approved
      UNION ALL SELECT 'TRADE_EXECUTION', 'fills', source_partition, source_offset FROM public.trade_execution
      UNION ALL SELECT 'RECEIPT', topic, partition, first_offset FROM tradetape.landed_batch
        WHERE topic = ANY($1::text[])
      UNION ALL SELECT 'DEAD_LETTER', topic, partition, "offset" FROM tradetape.dead_letter
        WHERE topic <> ALL($1::text[]) AND topic <> 'audit'
      UNION ALL SELECT 'SET_ASIDE', topic, partition, from_offset FROM tradetape.allowed_letters
    ), told AS (
      SELECT event_type, source_topic AS topic, source_partition AS partition, source_offset AS "offset"
        FROM public.audit_log WHERE source_topic NOT IN ('symbols', 'sessions')
    ), counted AS (
      SELECT event_type, topic, partition, "offset", count(*) FILTER (WHERE is_told) AS told,
        count(*) FILTER (WHERE NOT is_told) AS promised
      FROM (SELECT *, true AS is_told FROM told UNION ALL SELECT *, false FROM promised) AS both_sides
      GROUP BY 1, 2, 3, 4
    )
    SELECT format('%s of %s/%s/%s: %s entries, %s promised', event_type, topic, partition, "offset", told, promised)
        AS fault FROM counted WHERE told <> promised
    UNION ALL
    SELECT format('%s: %s entries, the ledger counts %s rows', topic, told, written) FROM (
      SELECT topic, sum(written) AS written,
        (SELECT count(*) FROM public.audit_log WHERE source_topic = topic AND event_type <> 'DEAD_LETTER') AS told
      FROM tradetape.landed_batch WHERE topic IN ('symbols', 'sessions') GROUP BY topic
    ) AS small WHERE told <> written
    UNION ALL
    SELECT format('%s entries tell of nothing', count(*)) FROM public.audit_log WHERE source_topic IS NULL
      HAVING count(*) > 0`,
    [RECEIPTED],
  );
  return rows.map(({ fault }) => fault);
}
