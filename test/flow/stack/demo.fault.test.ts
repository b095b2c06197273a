import pg from "pg";
import { expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { isolate } from "../../support/services/isolation.ts";
import { demonstrateOn } from "./demonstrate.ts";

const TABLES = CONSUMERS.filter(({ landing }) => !landing.chained).map(({ landing }) => landing.table);

/** How many rows each table has, and a digest of their content; revised_at may rise. Of the audit log, all but receipts. */
async function contents(databaseUrl: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const digest = (table: string, where: string) =>
      `SELECT '${table}' AS name, count(*), sum(hashtextextended((to_jsonb(t) - 'revised_at' - 'published_at'
         - 'landed_at' - 'source_offset')::text, 0)) AS digest FROM ${table} t ${where}`;
    const all = TABLES.map((table) => digest(table, "")).concat(
      digest("audit_log", "WHERE event_type NOT IN ('RECEIPT', 'STRATEGY_PERFORMANCE', 'SYMBOL', 'SESSION')"),
    );
    return (await client.query(`${all.join(" UNION ALL ")} ORDER BY 1`)).rows;
  } finally {
    await client.end();
  }
}

test("the demo run again on the same services adds no row and changes none", async () => {
  const own = await isolate();
  expect((await demonstrateOn(own)).ok).toBe(true);
  const before = await contents(own.databaseUrl);
  const { ok, topics } = await demonstrateOn(own);
  expect(ok).toBe(true);
  expect(topics.filter(({ topic, landed: rows }) => topic !== "audit" && rows > 0)).toEqual([]);
  expect(await contents(own.databaseUrl)).toEqual(before);
});
