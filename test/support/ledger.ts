import { CONSUMERS } from "../../consumers/all.ts";
import { chainHash } from "../../src/audit/chain.ts";
import type { TestTape as WholeTape } from "./tape.ts";

/** What the oracle needs to look: also what is no test has it. */
type TestTape = Pick<WholeTape, "query" | "admin" | "name">;

interface PartitionSums {
  readonly [column: string]: unknown;
  readonly topic: string;
  readonly partition: number;
  readonly origin: number;
  readonly next_offset: number;
  readonly dead: number;
  readonly parked: number;
}

/**
 * What the ledger of a database gets wrong, each as a sentence; empty when every promise of it holds: ranges contiguous
 * from origin to next_offset, every offset and record accounted for, tables, letters and parked events as counted, the
 * log itself as long as the ledger says, the audit chain whole. The oracle of the landing tests.
 */
export async function ledgerFaults(tape: TestTape): Promise<readonly string[]> {
  const faults = [
    ...(await rangeFaults(tape)),
    ...(await countFaults(tape)),
    ...(await tableFaults(tape)),
    ...(await chainFaults(tape)),
  ];
  const left = await tape.query<{ n: number }>("SELECT count(*) AS n FROM tradetape.outbox");
  if (left[0]!.n !== 0) faults.push(`${left[0]!.n} messages are left in the outbox`);
  return faults;
}

async function rangeFaults(tape: TestTape): Promise<string[]> {
  const faults = await tape.query<{ fault: string }>(`
    WITH ledger AS (
      SELECT *, lag(next_offset) OVER w AS before, lag(seq) OVER w AS seq_before
      FROM tradetape.landed_batch WINDOW w AS (PARTITION BY topic, partition ORDER BY seq)
    )
    SELECT format('%s/%s seq %s begins at %s, not at %s', topic, partition, seq, first_offset, before) AS fault
      FROM ledger JOIN tradetape.landed_offset o USING (topic, partition)
      WHERE first_offset <> coalesce(before, o.origin)
    UNION ALL SELECT format('%s/%s seq %s follows %s', topic, partition, seq, seq_before) FROM ledger
      WHERE seq <> coalesce(seq_before, 0) + 1
    UNION ALL SELECT format('%s/%s seq %s: %s..%s isn''t read %s + holes %s + lost %s', topic, partition, seq,
        first_offset, next_offset, read, holes, lost) FROM ledger
      WHERE kind <> 'rewound' AND next_offset - first_offset <> read + holes + lost
    UNION ALL SELECT format('%s/%s seq %s: read %s isn''t the sum', topic, partition, seq, read) FROM ledger
      WHERE read <> written + duplicate + replaced + dead + parked + filtered
    UNION ALL SELECT format('%s/%s ends at %s, next_offset is %s', o.topic, o.partition, l.next_offset, o.next_offset)
      FROM tradetape.landed_offset o LEFT JOIN LATERAL (
        SELECT l.next_offset FROM ledger l WHERE l.topic = o.topic AND l.partition = o.partition ORDER BY seq DESC LIMIT 1
      ) l ON true
      WHERE coalesce(l.next_offset, o.origin) <> o.next_offset`);
  return faults.map(({ fault }) => fault);
}

async function countFaults(tape: TestTape): Promise<string[]> {
  const sums = await tape.query<PartitionSums>(`
    SELECT o.topic, o.partition, o.origin, o.next_offset, coalesce(sum(dead), 0)::bigint AS dead,
      coalesce(sum(parked), 0)::bigint AS parked
    FROM tradetape.landed_offset o LEFT JOIN tradetape.landed_batch b USING (topic, partition)
    GROUP BY o.topic, o.partition ORDER BY 1, 2`);
  const faults: string[] = [];
  for (const { topic, partition, next_offset, dead, parked } of sums) {
    const place = [topic, partition];
    const found = await tape.query<{ dead: number; parked: number }>(
      `SELECT (SELECT count(*) FROM tradetape.dead_letter WHERE topic = $1 AND partition = $2) AS dead,
        (SELECT count(*) FROM tradetape.parked_event WHERE topic = $1 AND partition = $2) AS parked`,
      place,
    );
    if (found[0]!.dead !== dead) faults.push(`${place.join("/")}: ${found[0]!.dead} letters, the ledger says ${dead}`);
    if (found[0]!.parked !== parked)
      faults.push(`${place.join("/")}: ${found[0]!.parked} parked, the ledger says ${parked}`);
    const offsets = await tape.admin((admin) => admin.fetchTopicOffsets(topic));
    const high = Number(offsets.find((o) => o.partition === partition)?.high ?? Number.POSITIVE_INFINITY);
    if (high < next_offset) faults.push(`${place.join("/")}: landed up to ${next_offset}, the log ends at ${high}`);
  }
  return faults;
}

async function tableFaults(tape: TestTape): Promise<string[]> {
  const faults: string[] = [];
  const places = CONSUMERS.flatMap(({ topic, landing }) => [
    { topic, table: landing.table, counted: "written" },
    ...(landing.repeats === "revised" ? [{ topic, table: `${landing.table}_revision`, counted: "superseded" }] : []),
  ]);
  for (const { topic, table, counted } of places) {
    const [found] = await tape.query<{ rows: number; written: number }>(
      `SELECT (SELECT count(*) FROM public.${table}) AS rows,
        (SELECT coalesce(sum(${counted}), 0)::bigint FROM tradetape.landed_batch
         WHERE topic = $1) - (SELECT coalesce(sum(removed), 0)::bigint FROM tradetape.landed_batch
         WHERE topic = $1 AND detail ->> 'table' = $2) AS written`,
      [tape.name(topic), table],
    );
    if (found!.rows !== found!.written) {
      faults.push(`${table} has ${found!.rows} rows, the ledger of ${topic} says ${found!.written}`);
    }
  }
  return faults;
}

/** Computed anew from the rows, by the statement's own words: nothing here trusts what the landing read. */
async function chainFaults(tape: TestTape): Promise<string[]> {
  const rows = await tape.query<{ seq: number; prev_hash: Buffer; hash: Buffer; fields: (string | null)[] }>(
    `SELECT seq, prev_hash, hash, ARRAY[log_id::text, (extract(epoch FROM "timestamp") * 1000000)::bigint::text,
       event_type, actor, payload::text, success::text, backtest_session_id::text, correlation_id, source_topic,
       source_partition::text, source_offset::text, signed_by] AS fields FROM public.audit_log ORDER BY seq`,
  );
  const faults: string[] = [];
  let previous: Buffer = Buffer.alloc(32);
  for (const [index, row] of rows.entries()) {
    if (row.seq !== index + 1) faults.push(`audit_log: link ${index + 1} has seq ${row.seq}`);
    if (!row.prev_hash.equals(previous)) faults.push(`audit_log: link ${row.seq} doesn't follow the one before`);
    if (!row.hash.equals(chainHash(row.prev_hash, row.fields))) faults.push(`audit_log: link ${row.seq} was altered`);
    previous = row.hash;
  }
  return faults;
}
