/** Runs the statement in a file against DATABASE_URL and prints its rows: a document's SQL must find something. */
import { readFileSync } from "node:fs";
import pg from "pg";

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
try {
  const { rows } = await client.query(readFileSync(process.argv[2]!, "utf8"));
  if (rows.length === 0) throw new Error(`${process.argv[2]} finds no row`);
  process.stdout.write(`${JSON.stringify(rows)}\n`);
} finally {
  await client.end();
}
