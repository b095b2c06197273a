import { CONSUMERS } from "../../consumers/all.ts";
import { Connection } from "../../src/table/connection.ts";
import { type Comparison, compareDatabases } from "../../src/verify/against.ts";
import type { TestTape } from "./tape.ts";

/** No test of what is found waits so long in vain. */
const WAIT_MS = 600_000;

/** What `tradetape verify --against` compares, within this process. */
export async function compareTapes(here: TestTape, there: TestTape): Promise<Comparison> {
  const open = ({ config }: TestTape) =>
    Connection.open(config.databaseUrl, { name: "verify", role: "tradetape_reader" });
  const pair = { here: await open(here), there: await open(there) };
  try {
    return (await compareDatabases(pair, CONSUMERS, { waitMs: WAIT_MS, stop: new AbortController().signal }))!;
  } finally {
    await pair.here.close();
    await pair.there.close();
  }
}

/** The rows that differ: table, partition, hour and row. */
export const rowsOf = (found: Comparison) =>
  found.tables.flatMap((t) =>
    t.hours.flatMap((h) => h.rows.map((row) => [t.table, h.partition, h.hour, row] as const)),
  );
