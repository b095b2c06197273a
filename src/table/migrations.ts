import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { TradetapeError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { addressOf, serverOf } from "./database-url.ts";
import { type Ahead, type AppliedMigration, howFarAhead, neededBy } from "./login/needs.ts";
import { GIVE_BACK, otherPrefix } from "./permission.ts";
import { isDatabaseFault } from "./sqlstate.ts";

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
 * What a database lacks of this program's migrations, how many it has, and how far it is ahead of this program.
 * @throws TradetapeError database_newer where a migration that it has needs a newer program;
 * not_migrated where a file has changed since it was applied: the shape would be a lie;
 * permission_denied
 */
export async function pendingMigrations(
  connection: Connection,
  databaseUrl: string,
): Promise<{ readonly pending: readonly Migration[]; readonly done: number; readonly ahead: Ahead | undefined }> {
  const applied = await appliedMigrations(connection, databaseUrl);
  const done = new Map(applied.map(({ number, sha256 }) => [number, sha256]));
  const known = readMigrations();
  const ahead = howFarAhead(applied, known.length, addressOf(databaseUrl));
  const other = known.find(({ number, sha256 }) => done.has(number) && done.get(number) !== sha256);
  if (other !== undefined) {
    throw new TradetapeError("not_migrated", `${addressOf(databaseUrl)} was migrated with another ${other.name}`, {
      next: "Migrations never change once applied: use the program's version that made this database, or a fresh one.",
    });
  }
  return { pending: known.filter(({ number }) => !done.has(number)), done: done.size, ahead };
}

/** The files that a database was made by, each with its digest. */
export async function migrationsOf(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const rows = await connection.query<{ name: string; sha256: string }>("SELECT name, sha256 FROM tradetape.migration");
  return new Map(rows.map((row) => [row.name, row.sha256]));
}

async function appliedMigrations(connection: Connection, databaseUrl: string): Promise<readonly AppliedMigration[]> {
  const [found] = await connection.query<{ readable: boolean; role: string; owner: string; ofSchema: string }>(
    `SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
       current_user::text AS role, pg_get_userbyid(c.relowner)::text AS owner,
       pg_get_userbyid(n.nspowner)::text AS "ofSchema"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'tradetape' AND c.relname = 'migration'`,
  );
  if (found === undefined) return [];
  const other = otherPrefix(found.ofSchema, connection.rolePrefix, serverOf(databaseUrl));
  if (other) throw other;
  if (!found.readable) {
    const what = `${found.role} may not read tradetape.migration, which belongs to ${found.owner}`;
    throw new TradetapeError("permission_denied", `${serverOf(databaseUrl)}: ${what}`, {
      canRetry: true,
      next: GIVE_BACK,
    });
  }
  // By way of JSON, because a database that is still to be migrated may lack the column.
  return connection.query<{ number: number; sha256: string; needs: number }>(
    `SELECT number, sha256, coalesce((to_jsonb(m) ->> 'needs')::integer, 0) AS needs FROM tradetape.migration m
     ORDER BY number`,
  );
}

/**
 * Makes this transaction the only one that migrates or repairs, as soon as there is a table to lock for it. An advisory lock
 * would serve from the beginning, but any login may take one. Call it first.
 * @returns whether there is
 */
export async function lockMigrations(connection: Connection): Promise<boolean> {
  const [row] = await connection.query<{ there: boolean }>(
    "SELECT to_regclass('tradetape.migration') IS NOT NULL AS there",
  );
  if (row!.there) await connection.query("LOCK TABLE tradetape.migration IN SHARE ROW EXCLUSIVE MODE");
  return row!.there;
}

/**
 * Applies the files that a database lacks, each in a transaction of its own, and passes over those that another migrator has
 * applied meanwhile. Before there is a table to lock, two migrators collide in making the same roles, schema and tables: who
 * comes second waits within its statement for the first one's commit, fails, and looks again.
 * @returns those that this one applied
 * @throws TradetapeError not_migrated, database_newer, permission_denied
 */
export async function applyPending(connection: Connection, databaseUrl: string): Promise<readonly Migration[]> {
  for (let collisions = 0; ; collisions++) {
    const { pending, done } = await pendingMigrations(connection, databaseUrl);
    try {
      const applied: Migration[] = [];
      for (const migration of pending) if (await apply(connection, migration)) applied.push(migration);
      // The first file is noted by whoever applies the second.
      const isFirstOurs = applied.some(({ number }) => number === 2);
      return applied.filter(({ number }) => number > 1 || isFirstOurs);
    } catch (error) {
      if (done > 0 || collisions === COLLISIONS_MAX || !isCollision(error)) throw error;
    }
  }
}

/** The first two files make what nothing locks yet, and each may collide with both of the other migrator's. */
const COLLISIONS_MAX = 4;
/** What two transactions that make the same thing meet: it is there, it is being changed, or each waits for the other. */
const COLLIDING = new Set(["23505", "42710", "42P06", "42P07", "XX000", "40P01"]);

const isCollision = (error: unknown): boolean =>
  error instanceof TradetapeError && isDatabaseFault(error.cause) && COLLIDING.has(error.cause.code);

/** @returns false where another migrator has applied it */
async function apply(connection: Connection, migration: Migration): Promise<boolean> {
  await connection.query("BEGIN");
  const isLocked = await lockMigrations(connection);
  if (isLocked && (await isApplied(connection, migration))) {
    await connection.query("ROLLBACK");
    return false;
  }
  await applyWithin(connection, migration);
  await connection.commit();
  return true;
}

async function isApplied(connection: Connection, { number }: Migration): Promise<boolean> {
  const rows = await connection.query("SELECT FROM tradetape.migration WHERE number = $1", [number]);
  return rows.length > 0;
}

/** @throws TradetapeError not_migrated, with the transaction rolled back */
export async function applyWithin(connection: Connection, migration: Migration): Promise<void> {
  try {
    await connection.query(connection.named(migration.sql));
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

async function note(connection: Connection, { number, name, sha256, sql }: Migration): Promise<void> {
  const values = [number, name, sha256];
  await connection.query("INSERT INTO tradetape.migration (number, name, sha256) VALUES ($1, $2, $3)", values);
  const needs = neededBy(sql);
  // The first files that only add are noted before there is the column.
  if (needs === 0) return;
  await connection.query("UPDATE tradetape.migration SET needs = $2 WHERE number = $1", [number, needs]);
}
