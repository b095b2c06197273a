import { isoOf, literal } from "../sql.ts";

/** SQL; an id that a payload has, null where it is none: an entry that somebody altered must not fail the statement. */
const idIn = (field: string): string => `(SELECT CASE WHEN given ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      THEN given::uuid END FROM lower(a.payload -> 'event' ->> ${literal(field)}) given)`;

/** SQL; how far partitions have landed, and where they had begun and how far they had come before they were rewound. */
const REACHED = `SELECT o.topic, o.partition, o.next_offset, least(o.origin, w.lowest) AS lowest,
    greatest(o.next_offset, w.highest) AS reached
  FROM tradetape.landed_offset o LEFT JOIN LATERAL (
    SELECT min(next_offset) AS lowest, max(first_offset) AS highest FROM tradetape.landed_batch b
    WHERE b.topic = o.topic AND b.partition = o.partition AND b.kind = 'rewound') w ON true`;

/** SQL; whether what waits or was set aside at an entry's offset is its event: that of a log that was cut lay there, too. */
const isOfEntry = (row: string): string =>
  `encode(sha256(coalesce(${row}.value, '')), 'hex') = a.payload ->> 'value_sha256'`;

/**
 * SQL; the entries `a` of events that landed in this database and became no letter. Those of another database alone lie
 * before this one's beginning, or are still to come or parked here; of a partition that was rewound, those that are still to
 * come are `ahead`, and can't be told from those of the log before. $1 are the topics, $2 is the entries' type.
 */
export const landedEntries = (id: string): string => `SELECT a.*, ${idIn(id)} AS id,
    coalesce(a.payload -> 'event' ->> 'revised_at', ${isoOf(`a."timestamp"`)}) AS revised,
    (a.source_topic, a.source_partition, a.source_offset) IN (SELECT topic, partition, redriven_offset
      FROM tradetape.dead_letter WHERE redriven_offset IS NOT NULL) AS redriven,
    a.source_offset >= o.next_offset AS ahead
  FROM public.audit_log a JOIN (${REACHED}) o ON o.topic = a.source_topic AND o.partition = a.source_partition
    AND a.source_offset >= o.lowest AND a.source_offset < o.reached
  WHERE a.source_topic = ANY($1::text[]) AND a.event_type = $2
    AND NOT EXISTS (SELECT FROM tradetape.parked_event p
      WHERE p.topic = a.source_topic AND p.partition = a.source_partition AND p."offset" = a.source_offset
        AND ${isOfEntry("p")})
    AND NOT EXISTS (SELECT FROM tradetape.dead_letter d
      WHERE d.topic = a.source_topic AND d.partition = a.source_partition AND d."offset" = a.source_offset
        AND (${isOfEntry("d")} OR encode(d.value_sha256, 'hex') = a.payload ->> 'value_sha256'))`;
