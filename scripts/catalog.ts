/**
 * Writes what is made from a migrated database, shape.txt and established.jsonl of schemas/catalog/ and docs/tables.md, with the
 * server of DATABASE_URL: run it when a migration was added. `test/flow/commands/shape.flow.test.ts` compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { readConfig, requireServices } from "../src/config.ts";
import { Connection } from "../src/table/connection.ts";
import { FACT_KINDS, factLines, readFacts } from "../src/table/established.ts";
import { migrate } from "../src/table/migrate.ts";
import { withTable } from "./docs/doc-tables.ts";
import { tablesReference } from "./docs/tables-reference.ts";
import { databaseShape } from "./shape.ts";

const SHAPE = new URL("../schemas/catalog/shape.txt", import.meta.url);
const FACTS = new URL("../schemas/catalog/established.jsonl", import.meta.url);
const TABLES = new URL("../docs/tables.md", import.meta.url);

/** docs/tables.md as it should be. @param text as it is */
export const withCatalog = async (connection: Connection, text: string): Promise<string> =>
  withTable("docs/tables.md", text, "tables", await tablesReference(connection));

/** Migrates a database made for it, lets it be read, and drops it. */
async function withFreshDatabase(serverUrl: string, read: (connection: Connection) => Promise<void>): Promise<void> {
  const name = `tradetape_catalog_${process.pid}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const server = await Connection.open(serverUrl, { name: "tradetape catalog" });
  try {
    await server.query(`CREATE DATABASE ${name}`);
    await migrate(url.href);
    const connection = await Connection.open(url.href, { name: "tradetape catalog" });
    await read(connection);
    await connection.close();
  } finally {
    await server.query(`DROP DATABASE IF EXISTS ${name}`);
    await server.close();
  }
}

if (import.meta.main) {
  const { databaseUrl } = requireServices(readConfig(), "databaseUrl");
  await withFreshDatabase(databaseUrl, async (connection) => {
    writeFileSync(SHAPE, await databaseShape(connection));
    writeFileSync(FACTS, factLines(await readFacts(connection, FACT_KINDS)));
    writeFileSync(TABLES, await withCatalog(connection, readFileSync(TABLES, "utf8")));
  });
}
