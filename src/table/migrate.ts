import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { TradetapeError } from "../errors.ts";
import { Connection } from "./connection.ts";
import { addressOf } from "./database-url.ts";
import { requireOwnPlace, settleWhose, type Whose } from "./whose-database.ts";

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

export interface MigrationReport {
  readonly database: string;
  readonly applied: readonly string[];
  readonly already: number;
  /** What the caller said the database is, if it said so. */
  readonly whose?: Whose | undefined;
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
 * Brings a database to the newest shape: forward only, each file in a transaction of its own, one migrator at a time
 * (session advisory lock). A file that was applied and has changed since is refused: the shape would be a lie.
 * @param whose what the database is, where it lies elsewhere than its id says
 * @throws TradetapeError also database_newer, encoding_unfit, database_copied
 */
export async function migrate(databaseUrl: string, whose?: Whose): Promise<MigrationReport> {
  const connection = await Connection.open(databaseUrl, { name: "migrate" });
  try {
    await connection.query("SELECT pg_advisory_lock(hashtextextended('tradetape.migrate', 0))");
    await requireUtf8(connection, databaseUrl);
    const done = await appliedMigrations(connection);
    refuseNewer(done, databaseUrl);
    const applied: string[] = [];
    for (const migration of readMigrations()) {
      const before = done.get(migration.number);
      if (before === undefined) {
        await apply(connection, migration);
        applied.push(migration.name);
      } else if (before !== migration.sha256) {
        throw changed(databaseUrl, migration);
      }
    }
    if (whose) await settleWhose(connection, whose);
    await requireOwnPlace(connection, databaseUrl);
    return { database: addressOf(databaseUrl), applied, already: done.size, whose };
  } finally {
    await connection.close();
  }
}

/**
 * Tries the migrations on a database that has none yet, and takes them back: they are one transaction here. A database
 * of an older shape is only looked at, since its tables would be locked meanwhile.
 * @returns whether it has none yet
 * @throws TradetapeError what `migrate` would throw of it
 */
export async function couldBeMade(databaseUrl: string): Promise<boolean> {
  const connection = await Connection.open(databaseUrl, { name: "migrate" });
  try {
    await requireUtf8(connection, databaseUrl);
    const done = await appliedMigrations(connection);
    refuseNewer(done, databaseUrl);
    const migrations = readMigrations();
    const other = migrations.find(({ number, sha256 }) => done.has(number) && done.get(number) !== sha256);
    if (other !== undefined) throw changed(databaseUrl, other);
    if (done.size > 0) return false;
    await connection.query("BEGIN");
    for (const migration of migrations) {
      await applyWithin(connection, migration);
      // What a file sets for its own transaction ends here with the file, too.
      await connection.query("RESET ROLE; RESET ALL");
    }
    await connection.query("ROLLBACK");
    return true;
  } finally {
    await connection.close();
  }
}

/**
 * Refuses a database that this program can't work with.
 * @throws TradetapeError not_migrated unless every migration that this program knows has been applied; database_newer,
 * encoding_unfit, database_copied
 */
export async function requireMigrated(connection: Connection, databaseUrl: string): Promise<void> {
  await requireUtf8(connection, databaseUrl);
  const done = await appliedMigrations(connection);
  refuseNewer(done, databaseUrl);
  const missing = readMigrations().filter((migration) => !done.has(migration.number));
  if (missing.length === 0) return requireOwnPlace(connection, databaseUrl);
  throw new TradetapeError("not_migrated", `${addressOf(databaseUrl)} lacks ${missing.map((m) => m.name).join(", ")}`, {
    next: "Run `tradetape migrate` as a user that may create roles and tables.",
  });
}

/** A newer version may have changed what this one relies on. */
function refuseNewer(done: ReadonlyMap<number, string>, databaseUrl: string): void {
  const known = readMigrations().length;
  const newest = Math.max(0, ...done.keys());
  if (newest <= known) return;
  throw new TradetapeError(
    "database_newer",
    `${addressOf(databaseUrl)} has migration ${newest}, this program knows ${known}`,
    {
      next: "Use the version of the program that migrated the database, or a later one.",
    },
  );
}

async function requireUtf8(connection: Connection, databaseUrl: string): Promise<void> {
  const [found] = await connection.query<{ encoding: string }>("SELECT current_setting('server_encoding') AS encoding");
  if (found!.encoding === "UTF8") return;
  throw new TradetapeError(
    "encoding_unfit",
    `${addressOf(databaseUrl)} has the encoding ${found!.encoding}, not UTF8`,
    {
      next: "Make a database by CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, and fill it from the topics.",
    },
  );
}

/** The files that a database was made by, each with its digest. */
export async function migrationsOf(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const rows = await connection.query<{ name: string; sha256: string }>("SELECT name, sha256 FROM tradetape.migration");
  return new Map(rows.map((row) => [row.name, row.sha256]));
}

async function appliedMigrations(connection: Connection): Promise<Map<number, string>> {
  const [found] = await connection.query<{ there: boolean }>(
    "SELECT to_regclass('tradetape.migration') IS NOT NULL AS there",
  );
  if (!found?.there) return new Map();
  const rows = await connection.query<{ number: number; sha256: string }>(
    "SELECT number, sha256 FROM tradetape.migration ORDER BY number",
  );
  return new Map(rows.map((row) => [row.number, row.sha256]));
}

async function apply(connection: Connection, migration: Migration): Promise<void> {
  await connection.query("BEGIN");
  await applyWithin(connection, migration);
  await connection.commit();
}

/** @throws TradetapeError not_migrated, with the transaction rolled back */
async function applyWithin(connection: Connection, migration: Migration): Promise<void> {
  try {
    await connection.query(migration.sql);
    // The first file makes the roles and the schema, before there is a table to note it in.
    if (migration.number > 1) await note(connection, migration);
    if (migration.number === 2) await note(connection, readMigrations()[0]!);
  } catch (cause) {
    await connection.query("ROLLBACK");
    if (cause instanceof TradetapeError) throw cause;
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

const changed = (databaseUrl: string, migration: Migration) =>
  new TradetapeError("not_migrated", `${addressOf(databaseUrl)} was migrated with another ${migration.name}`, {
    next: "Migrations never change once applied: use the program's version that made this database, or a fresh one.",
  });
