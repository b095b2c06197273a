import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { TradetapeError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { addressOf, serverOf } from "./database-url.ts";
import { GIVE_BACK } from "./permission.ts";

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

const folder = new URL("../../schemas/sql/", import.meta.url);

/** The numbered files of schemas/sql, in order. */
export function readMigrations(): readonly Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return names.sort().map((name, index) => {
    const sql = readFileSync(new URL(name, folder), "utf8");
    const number = Number.parseInt(name, 10);
    if (number !== index + 1) throw new Error(`schemas/sql: ${name} should have the number ${index + 1}`);
    return { number, name, sql, sha256: createHash("sha256").update(sql).digest("hex") };
  });
}

/**
 * What a database lacks of this program's migrations, and how many it has.
 * @throws TradetapeError database_newer; not_migrated where a file has changed since it was applied: the shape would be a lie;
 * permission_denied
 */
export async function pendingMigrations(
  connection: Connection,
  databaseUrl: string,
): Promise<{ readonly pending: readonly Migration[]; readonly done: number }> {
  const done = await appliedMigrations(connection, databaseUrl);
  const known = readMigrations();
  const newest = Math.max(0, ...done.keys());
  if (newest > known.length) {
    const what = `has migration ${newest}, this program knows ${known.length}`;
    throw new TradetapeError("database_newer", `${addressOf(databaseUrl)} ${what}`, {
      next: "Use the version of the program that migrated the database, or a later one.",
    });
  }
  const other = known.find(({ number, sha256 }) => done.has(number) && done.get(number) !== sha256);
  if (other !== undefined) {
    throw new TradetapeError("not_migrated", `${addressOf(databaseUrl)} was migrated with another ${other.name}`, {
      next: "Migrations never change once applied: use the program's version that made this database, or a fresh one.",
    });
  }
  return { pending: known.filter(({ number }) => !done.has(number)), done: done.size };
}

/** The files that a database was made by, each with its digest. */
export async function migrationsOf(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const rows = await connection.query<{ name: string; sha256: string }>("SELECT name, sha256 FROM tradetape.migration");
  return new Map(rows.map((row) => [row.name, row.sha256]));
}

async function appliedMigrations(connection: Connection, databaseUrl: string): Promise<ReadonlyMap<number, string>> {
  const [found] = await connection.query<{ readable: boolean; role: string; owner: string }>(
    `SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
       current_user::text AS role, pg_get_userbyid(c.relowner)::text AS owner
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'tradetape' AND c.relname = 'migration'`,
  );
  if (found === undefined) return new Map();
  if (!found.readable) {
    const what = `${found.role} may not read tradetape.migration, which belongs to ${found.owner}`;
    throw new TradetapeError("permission_denied", `${serverOf(databaseUrl)}: ${what}`, {
      canRetry: true,
      next: GIVE_BACK,
    });
  }
  const rows = await connection.query<{ number: number; sha256: string }>(
    "SELECT number, sha256 FROM tradetape.migration ORDER BY number",
  );
  return new Map(rows.map((row) => [row.number, row.sha256]));
}

/** Applies a file in a transaction of its own. @throws TradetapeError not_migrated, with the transaction rolled back */
export async function apply(connection: Connection, migration: Migration): Promise<void> {
  await connection.query("BEGIN");
  await applyWithin(connection, migration);
  await connection.commit();
}

/** @throws TradetapeError not_migrated, with the transaction rolled back */
export async function applyWithin(connection: Connection, migration: Migration): Promise<void> {
  try {
    await connection.query(migration.sql);
    // The first file makes the roles and the schema, before there is a table to note it in.
    if (migration.number > 1) await note(connection, migration);
    if (migration.number === 2) await note(connection, readMigrations()[0]!);
  } catch (cause) {
    await connection.query("ROLLBACK");
    if (cause instanceof TradetapeError && cause.code === "permission_denied") throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TradetapeError("not_migrated", `${migration.name} failed and was rolled back: ${reason}`, {
      cause,
      next: "Run it as a user that may create roles and tables; a database of its own is best.",
    });
  }
}

const note = (connection: Connection, migration: Migration) =>
  connection.query("INSERT INTO tradetape.migration (number, name, sha256) VALUES ($1, $2, $3)", [
    migration.number,
    migration.name,
    migration.sha256,
  ]);
