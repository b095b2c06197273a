import { createHash } from "node:crypto";
import pg from "pg";
import { expect, inject } from "vitest";
import "./flow-setup.ts";

const PREFIX = "tradetape_test";

/** What a test file has to itself within the run's services. */
export interface Isolation {
  /** An empty database, made new by this call. */
  readonly databaseUrl: string;
  /** Put before every topic; differs from run to run, because the environment's broker keeps the topics of the last. */
  readonly namespace: string;
  readonly kafkaBrokers: string;
  readonly schemaRegistryUrl: string;
}

/**
 * A fresh database and a topic namespace for the test file that calls it (in `beforeAll`). The database bears a name
 * made from the file's whole path (two checkouts may share a server) and stays until the same file runs again, so that
 * a failure can be looked into.
 * @param part tells several databases of one file apart, such as a replay's target.
 * @param original URL of a database of which this one is a copy, where it isn't to be empty; its sessions are ended
 */
export async function isolate(part = "", original?: string): Promise<Isolation> {
  const { databaseUrl, kafkaBrokers, schemaRegistryUrl } = inject("stack");
  const file = expect.getState().testPath ?? "";
  const hash = createHash("sha256").update(`${file} ${part}`).digest("hex").slice(0, 10);
  const database = `${PREFIX}_${hash}`;
  await recreateDatabase(databaseUrl, database, original && new URL(original).pathname.slice(1));
  const url = new URL(databaseUrl);
  url.pathname = `/${database}`;
  return {
    databaseUrl: url.href,
    namespace: `t${hash}-${Date.now().toString(36)}`,
    kafkaBrokers,
    schemaRegistryUrl,
  };
}

/** Drops and makes a database, which must be one of the tests'. */
async function recreateDatabase(adminUrl: string, database: string, original?: string): Promise<void> {
  if (!/^tradetape_test_[0-9a-f]{10}$/.test(database)) throw new Error(`${database} is not a test's database`);
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const name = client.escapeIdentifier(database);
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    if (original === undefined) await client.query(`CREATE DATABASE ${name}`);
    else {
      // PostgreSQL copies what nobody uses, and a session that is ended is there for a moment longer.
      const end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'";
      while ((await client.query(end, [original])).rowCount !== 0);
      await client.query(`CREATE DATABASE ${name} TEMPLATE ${client.escapeIdentifier(original)}`);
    }
  } finally {
    await client.end();
  }
}

/**
 * Must be called by whatever in a test empties, drops or alters what it didn't make.
 * @throws Error unless the database that this URL really leads to is one of the tests'.
 */
export async function assertTestDatabase(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>("SELECT current_database() AS name");
    const name = rows[0]?.name ?? "";
    if (!name.startsWith(PREFIX)) throw new Error(`refused: ${name} is not a test's database`);
  } finally {
    await client.end();
  }
}
