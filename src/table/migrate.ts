import { TradetapeError } from "../errors.ts";
import { OWNER, ROLES } from "../settings/role-names.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { addressOf, serverOf } from "./database-url.ts";
import { driftOf, type Lost } from "./drift.ts";
import { FACT_KINDS, readFacts } from "./established.ts";
import type { Ahead } from "./login/needs.ts";
import { applyPending, applyWithin, type Migration, pendingMigrations } from "./migrations.ts";
import { requireMayMigrate, requireRights } from "./rights.ts";
import { quoted } from "./sql.ts";
import { requireOwnPlace, settleWhose, type Whose } from "./whose-database.ts";

export interface MigrationReport {
  readonly database: string;
  readonly applied: readonly string[];
  readonly already: number;
  /** How far the database is ahead of this program, which then left rights and the like alone: a newer one gave them. */
  readonly ahead?: Ahead | undefined;
  /** What the caller said the database is, if it said so. */
  readonly whose?: Whose | undefined;
  /** Roles, owners, rights and settings that the migrations gave and that are gone, each as a sentence. */
  readonly lost: readonly string[];
}

/**
 * Brings a database to the newest shape: forward only, each file in a transaction of its own, one migrator at a time.
 * @param whose what the database is, where it lies elsewhere than its id says
 * @throws TradetapeError not_migrated, permission_denied, database_newer, encoding_unfit, database_copied
 */
export async function migrate(databaseUrl: string, whose?: Whose): Promise<MigrationReport> {
  const connection = await Connection.open(databaseUrl, { name: "migrate" });
  try {
    await requireUtf8(connection, databaseUrl);
    const { pending, done, ahead } = await pendingMigrations(connection, databaseUrl);
    if (pending.length > 0) await requireMayMigrate(connection, databaseUrl, rolesFor(pending));
    const applied = (await applyPending(connection, databaseUrl)).map(({ name }) => name);
    const seen = ahead ? [] : await regranted(connection);
    const lost = seen.filter((one) => isNeeded(one, connection.named("tradetape_reader")));
    if (whose && lost.some(({ what }) => what === "role" || what === "owner"))
      throw repairFirst(
        databaseUrl,
        whose,
        lost.map(({ says }) => says),
      );
    if (whose) await settleWhose(connection, whose);
    await requireOwnPlace(connection, databaseUrl);
    const says = lost.map((one) => one.says);
    return { database: addressOf(databaseUrl), applied, already: done, ahead, whose, lost: says };
  } finally {
    await connection.close();
  }
}

/** The files that make roles make who runs them a member; all others only switch to the owner. */
const rolesFor = (pending: readonly Migration[]): readonly string[] =>
  pending.some(({ sql }) => sql.includes("CREATE ROLE")) ? ROLES : [OWNER];

/**
 * What is lost, but for rights on the database itself where the login user owns it: they are in no dump of it, and in no copy by
 * TEMPLATE, and are granted again as the first migration granted them.
 */
async function regranted(connection: Connection): Promise<readonly Lost[]> {
  const { lost } = await lostOf(connection, false);
  const isOfDatabase = ({ kind }: Lost) => kind === "database";
  const [row] = await connection.query<{ isOwn: boolean }>(
    `SELECT pg_has_role(datdba, 'USAGE') AS "isOwn" FROM pg_database WHERE datname = current_database()`,
  );
  if (!row!.isOwn || lost.some(({ what }) => what === "role")) return lost;
  for (const { sql } of lost.filter(isOfDatabase)) {
    // Another migrator that grants the same at this moment has it fail once.
    await connection.query(sql).catch(() => connection.query(sql));
  }
  return lost.filter((one) => !isOfDatabase(one));
}

/** `--as` writes as tradetape_owner, so that role and what belongs to it have to be there before. */
const repairFirst = (databaseUrl: string, whose: Whose, lost: readonly string[]): TradetapeError =>
  new TradetapeError("permission_denied", `${serverOf(databaseUrl)}: ${firstOf(lost)}`, {
    next: `Run \`tradetape migrate --repair --as ${whose}\` as a superuser, or as whoever owns the tables.`,
    facts: { lost },
  });

/** The first of some sentences, and how many there are besides. */
export const firstOf = ([first, ...rest]: readonly string[]): string =>
  rest.length === 0 ? first! : `${first}, and ${rest.length} more`;

/** How the database differs from what the migrations established. @param isOlder whether migrations are still to come */
export async function lostOf(connection: Connection, isOlder: boolean): Promise<ReturnType<typeof driftOf>> {
  const [row] = await connection.query<{ name: string }>("SELECT current_database()::text AS name");
  return driftOf(await readFacts(connection, FACT_KINDS), quoted(row!.name), isOlder, connection.rolePrefix);
}

/** What no work goes without. A reader's rights an administrator may have taken for a reason of his own. */
const isNeeded = ({ what, says }: Lost, reader: string): boolean =>
  what !== "comment" && !says.includes(`: ${reader} lacks `);

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
    const { pending, done } = await pendingMigrations(connection, databaseUrl);
    if (pending.length > 0) await requireMayMigrate(connection, databaseUrl, rolesFor(pending));
    if (done > 0) return false;
    await connection.query("BEGIN");
    for (const migration of pending) {
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
 * A session of a database that this program, and the session's role, can work with.
 * @throws TradetapeError what `Connection.open` and `requireMigrated` throw
 */
export async function openMigrated(databaseUrl: string, as: ConnectionOptions): Promise<Connection> {
  const connection = await Connection.open(databaseUrl, as);
  try {
    await requireMigrated(connection, databaseUrl);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * Refuses a database that this program, or the session's role, can't work with.
 * @throws TradetapeError not_migrated unless every migration that this program knows has been applied; database_newer
 * where one that it doesn't know needs a newer program; encoding_unfit, database_copied, permission_denied
 * @returns how far the database is ahead of this program; undefined where it isn't
 */
export async function requireMigrated(connection: Connection, databaseUrl: string): Promise<Ahead | undefined> {
  await requireUtf8(connection, databaseUrl);
  const { pending, ahead } = await pendingMigrations(connection, databaseUrl);
  if (pending.length > 0) {
    const missing = pending.map(({ name }) => name).join(", ");
    throw new TradetapeError("not_migrated", `${addressOf(databaseUrl)} lacks ${missing}`, {
      next: "Run `tradetape migrate` as a user that may create roles and tables.",
    });
  }
  await requireRights(connection, databaseUrl);
  await requireOwnPlace(connection, databaseUrl);
  return ahead;
}

export async function requireUtf8(connection: Connection, databaseUrl: string): Promise<void> {
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
