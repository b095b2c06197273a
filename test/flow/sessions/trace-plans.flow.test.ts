/** How much of the tables a trace reads, of every kind of id: nothing of it grows with them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Connection } from "../../../src/table/connection.ts";
import { tracesBy } from "../../../src/table/sessions/lineage.ts";
import { barsHolding, findTraced, tracesOf } from "../../../src/table/sessions/traced.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { bigId, fillTape } from "./big-tape.ts";

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly Plan[];
}

/** As `src/table/sessions/traced.ts` and the view `lineage` have it. */
const ROWS_LOOKED_BACK = 5000;

let tape: TestTape;
let connection: Connection;

beforeAll(async () => {
  tape = await openTestTape();
  await fillTape(tape, { ticks: 100_000, minutes: 28_800, indicators: 3, decisions: 10_000 });
  connection = await Connection.open(tape.config.databaseUrl, { name: "trace plans", role: "tradetape_reader" });
  // Tables of this size would be read whole, keys or not.
  await connection.query("SET enable_seqscan = off");
});
afterAll(async () => {
  await connection.close();
  await tape.stop();
});

/** The same session, which notes the plan of each statement that it runs. */
function explaining(plans: Plan[]): Connection {
  const query: Connection["query"] = async (text, values) => {
    const [row] = await connection.query<{ "QUERY PLAN": [{ Plan: Plan }] }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
      values,
    );
    plans.push(row!["QUERY PLAN"][0].Plan);
    return connection.query(text, values);
  };
  return Object.assign(Object.create(connection) as Connection, { query });
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];
const blocks = (plan: Plan) => plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];

/** Tables of a few rows: one per partition of a topic. */
const SMALL = ["landed_offset"];

test.each([
  ["decision", "decision", "5000"],
  ["prediction", "prediction", "5000"],
  ["fill", "fill", "5000 1"],
  ["audit entry", "audit", "5000"],
  ["bar", "bar", "1min 3599"],
  ["bar", "bar", "1d 1440"],
  ["indicator", "indicator", "3 3600"],
  ["tick", "tick", "5000"],
] as const)("the trees of a %s (%s %s) read by keys, and no more than they look back", async (kind, of, n) => {
  const [{ id }] = (await tape.query<{ id: string }>(`SELECT ${bigId(of, n)} AS id`)) as [{ id: string }];
  const finding: Plan[] = [];
  const plans: Plan[] = [];
  const [traced] = await findTraced(explaining(finding), id, id);
  expect(traced).toMatchObject({ kind, id });
  const by = traced!.kind === "tick" ? await barsHolding(explaining(plans), traced as never) : [traced!];
  const ids: string[] = [];
  for (const one of by) ids.push(...(await tracesOf(explaining(plans), one, "infinity", 5)));
  const traces = await tracesBy(explaining(plans), ids.slice(0, 5), "infinity");
  expect(traces.length).toBeGreaterThan(0);
  for (const { steps } of traces) expect(steps.length).toBeGreaterThan(10);
  for (const node of plans.flatMap(nodes)) {
    const relation = node["Relation Name"];
    if (relation === undefined || SMALL.includes(relation)) continue;
    expect(node, `${kind}: ${relation}`).not.toMatchObject({ "Node Type": "Seq Scan" });
    const rows = node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0);
    expect(rows, `${kind}: rows of ${relation}`).toBeLessThanOrEqual(ROWS_LOOKED_BACK);
  }
  // What `row_of` reads isn't in a plan: filters of all pages, and the rows of few. Days of so few ticks have few whole filters.
  if (kind === "tick") return;
  const [size] = await tape.query<{
    pages: number;
  }>(`SELECT sum(pg_relation_size(c.oid)) / 8192 AS pages FROM pg_class c
    WHERE c.relname ~ '^(technical_indicator|market_data_bar)$'`);
  const read = finding.reduce((sum, plan) => sum + blocks(plan), 0);
  expect(read).toBeLessThan(size!.pages / 4);
});
