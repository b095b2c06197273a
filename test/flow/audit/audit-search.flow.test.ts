/** How much of the audit log a search of it reads: by keys, whatever it asks for, and no more with a log that grows. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Connection } from "../../../src/table/connection.ts";
import { findEntries } from "../../../src/table/desk/audit-entries.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const ENTRIES = 200_000;
/** One in so many is of the rare type, all of them old: the newest entries hold none. */
const RARE = 4000;
const OLD = ENTRIES / 2;

interface Plan {
  readonly "Node Type": string;
  readonly "Index Name"?: string;
  readonly "Actual Rows": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly Plan[];
}

let tape: TestTape;
let connection: Connection;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.query(`INSERT INTO audit_log (log_id, "timestamp", event_type, actor, payload, success, correlation_id,
      source_topic, source_partition, source_offset, seq, prev_hash, hash)
    SELECT md5('audit ' || n)::uuid, now(), CASE WHEN n < ${OLD} AND n % ${RARE} = 0 THEN 'RISK_CHECK' ELSE 'TRADE_DECISION' END,
      'big', '{}', true, 'workflow ' || n / 10, 'decisions', 0, n, n, sha256('none'), sha256('none')
    FROM generate_series(1, ${ENTRIES}) n`);
  await tape.query("VACUUM ANALYZE audit_log");
  connection = await Connection.open(tape.config.databaseUrl, { name: "audit search", role: "tradetape_reader" });
});
afterAll(async () => {
  await connection.close();
  await tape.stop();
});

/** The plan of what the search asks, and what it answers. */
async function searched(asked: Partial<Parameters<typeof findEntries>[1]>) {
  const plans: Plan[] = [];
  const query: Connection["query"] = async (text, values) => {
    const [row] = await connection.query<{ "QUERY PLAN": [{ Plan: Plan }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
      values,
    );
    plans.push(row!["QUERY PLAN"][0].Plan);
    return connection.query(text, values);
  };
  const explaining = Object.assign(Object.create(connection) as Connection, { query });
  const entries = await findEntries(explaining, {
    id: null,
    type: null,
    correlation: null,
    before: null,
    most: 50,
    ...asked,
  });
  return { entries, nodes: plans.flatMap(nodesOf) };
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

const rare = Array.from({ length: OLD / RARE - 1 }, (_, n) => (n + 1) * RARE).toReversed();
const down = (from: number, most: number) => Array.from({ length: most }, (_, n) => from - n);

test.each<[string, Parameters<typeof searched>[0], string, readonly number[]]>([
  ["all", {}, "audit_log_seq_key", down(ENTRIES, 50)],
  ["a rare type", { type: "RISK_CHECK" }, "audit_log_type", rare],
  ["a rare type, further back", { type: "RISK_CHECK", before: 20_000 }, "audit_log_type", [16_000, 12_000, 8000, 4000]],
  ["a type that there isn't", { type: "NONE" }, "audit_log_type", []],
  ["a correlation", { correlation: "workflow 700" }, "audit_log_correlation", down(7009, 10)],
  [
    "a correlation, further back",
    { correlation: "workflow 700", before: 7003 },
    "audit_log_correlation",
    [7002, 7001, 7000],
  ],
  ["a rare type of a correlation", { type: "RISK_CHECK", correlation: "workflow 800" }, "audit_log_", [8000]],
  ["what lies further back", { before: 1000 }, "audit_log_seq_key", down(999, 50)],
  ["an id that there isn't", { id: "00000000-0000-4000-8000-000000000000" }, "audit_log_pkey", []],
])("a search of %s reads by an index, and little beside what it finds", async (_, asked, index, found) => {
  const { entries, nodes } = await searched(asked);
  expect(entries.map(({ seq }) => seq)).toEqual(found);
  const indexes = nodes.flatMap((node) => node["Index Name"] ?? []);
  expect(
    indexes.filter((name) => name.startsWith(index)),
    JSON.stringify(nodes),
  ).not.toEqual([]);
  for (const node of nodes) {
    expect(node["Node Type"]).not.toBe("Seq Scan");
    expect(node["Rows Removed by Filter"] ?? 0, JSON.stringify(node)).toBeLessThanOrEqual(100);
  }
});

test("a common type, the newest first, reads as many as it shows", async () => {
  const { entries, nodes } = await searched({ type: "TRADE_DECISION" });
  expect(entries.map(({ seq }) => seq)).toEqual(down(ENTRIES, 50));
  for (const node of nodes) expect(node["Actual Rows"]).toBeLessThanOrEqual(50);
});
