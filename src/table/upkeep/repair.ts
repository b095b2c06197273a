import { TradetapeError } from "../../errors.ts";
import { OWNER, ROLES } from "../../settings/role-names.ts";
import { committed } from "../committed.ts";
import type { Connection } from "../connection.ts";
import { addressOf, serverOf } from "../database-url.ts";
import { givenAway, type Lost } from "../drift.ts";
import { ESTABLISHED } from "../established.ts";
import { refuseAhead } from "../login/needs.ts";
import { lostOf, requireUtf8 } from "../migrate.ts";
import { applyPending, lockMigrations, pendingMigrations } from "../migrations.ts";
import { requireMayMigrate } from "../rights.ts";
import { quoted } from "../sql.ts";

export interface RepairReport {
  readonly database: string;
  readonly dryRun: boolean;
  /** Migrations that were applied, or would be. */
  readonly applied: readonly string[];
  /** What was given back, or would be. */
  readonly lost: readonly Lost[];
  /** What nobody can make again from the migrations alone. */
  readonly gone: readonly string[];
  /** What differs and was left as it is. */
  readonly left: readonly string[];
}

/** Called in the transaction that gives these back. */
type RecordGiven = (given: readonly Lost[]) => Promise<void>;

/** What one transaction gives to the owner: each takes several locks of the server's, of which there are some thousands. */
const PARTITIONS_MAX = 100;

/**
 * Gives back what the migrations establish and a dump doesn't hold, or hasn't been let restore: roles, owners, rights,
 * settings of functions, comments. All of it is one transaction, but for day partitions, of which a hundred are. What is gone
 * or became something else is named and not touched.
 * @param connection a superuser's, or of the user who owns what is to be given back
 * @throws TradetapeError not_migrated, database_newer, encoding_unfit, permission_denied
 */
export async function repairDatabase(
  connection: Connection,
  databaseUrl: string,
  record: RecordGiven,
): Promise<RepairReport> {
  await requireUtf8(connection, databaseUrl);
  const { pending, done, ahead } = await pendingMigrations(connection, databaseUrl);
  refuseAhead(ahead, addressOf(databaseUrl));
  await requireMayMigrate(connection, databaseUrl, done > 0 ? [OWNER] : ROLES);
  const lost: Lost[] = [];
  if (done > 0) lost.push(...(await giveBack(connection, databaseUrl, pending.length > 0, record)));
  const applied = (await applyPending(connection, databaseUrl)).map(({ name }) => name);
  if (pending.length > 0) lost.push(...(await giveBack(connection, databaseUrl, false, record)));
  for (;;) {
    const partitions = await foreignTables(connection, IS_PARTITION, PARTITIONS_MAX);
    if (partitions.length === 0) break;
    await requireOwners(connection, databaseUrl, partitions);
    await committed(connection, async () => {
      await runAll(connection, partitions);
      await asOwner(connection, () => record(partitions));
    });
    lost.push(...partitions);
  }
  const { gone, left: more } = await lostOf(connection, false);
  const left = [...more, ...(await looseText(connection))];
  return { database: addressOf(databaseUrl), dryRun: false, applied, lost, gone, left };
}

/** What `repairDatabase` would do; nothing is locked or changed. */
export async function rehearseRepair(connection: Connection, databaseUrl: string): Promise<RepairReport> {
  await requireUtf8(connection, databaseUrl);
  const { pending, ahead } = await pendingMigrations(connection, databaseUrl);
  refuseAhead(ahead, addressOf(databaseUrl));
  const { lost, gone, left: more } = await lostOf(connection, pending.length > 0);
  const left = [...more, ...(await looseText(connection))];
  const partitions = await foreignTables(connection, IS_PARTITION, null);
  const applied = pending.map(({ name }) => name);
  return { database: addressOf(databaseUrl), dryRun: true, applied, lost: [...lost, ...partitions], gone, left };
}

async function giveBack(
  connection: Connection,
  databaseUrl: string,
  isOlder: boolean,
  record: RecordGiven,
): Promise<readonly Lost[]> {
  const seen = (await lostOf(connection, isOlder)).lost;
  if (seen.length === 0) return [];
  await requireOwners(connection, databaseUrl, seen);
  return committed(connection, async () => {
    await lockMigrations(connection);
    // Somebody else may have given it back meanwhile, and told of it.
    const { lost } = await lostOf(connection, isOlder);
    if (lost.length === 0) return [];
    const roles = lost.filter(({ what }) => what === "role");
    const rest = lost.filter(({ what }) => what !== "role");
    await runAll(connection, roles);
    await joinRoles(connection, [connection.named(OWNER), ...roles.flatMap(({ role }) => role ?? [])]);
    await runAll(
      connection,
      rest.filter(({ by }) => by === "login"),
    );
    await asOwner(connection, async () => {
      await runAll(
        connection,
        rest.filter(({ by }) => by === "owner"),
      );
      await record(lost);
    });
    const still = (await lostOf(connection, isOlder)).lost;
    if (still.length > 0) throw notGiven(connection, databaseUrl, still);
    return lost;
  });
}

async function runAll(connection: Connection, statements: readonly Lost[]): Promise<void> {
  for (const { sql } of statements) await connection.query(sql);
}

async function asOwner(connection: Connection, work: () => Promise<void>): Promise<void> {
  await connection.query(`SET LOCAL ROLE ${connection.named(OWNER)}`);
  await work();
  await connection.query("RESET ROLE");
}

/** Who made a role and is no superuser has to make itself a member, as 0001_roles.sql does. */
async function joinRoles(connection: Connection, roles: readonly string[]): Promise<void> {
  const closed = await connection.query<{ role: string }>(
    "SELECT DISTINCT role FROM unnest($1::text[]) AS role WHERE NOT pg_has_role(role::name, 'USAGE')",
    [roles],
  );
  for (const { role } of closed) await connection.query(`GRANT ${role} TO ${quoted(connection.user)}`);
}

/** @throws TradetapeError permission_denied where what is to be given away is somebody's whose rights the login user hasn't */
async function requireOwners(connection: Connection, databaseUrl: string, lost: readonly Lost[]): Promise<void> {
  const owners = [...new Set(lost.flatMap(({ from }) => from ?? []))];
  const others = await connection.query<{ owner: string }>(
    "SELECT owner FROM unnest($1::text[]) AS owner WHERE NOT pg_has_role(owner::name, 'USAGE')",
    [owners],
  );
  if (others.length === 0) return;
  const names = others.map(({ owner }) => owner).join(", ");
  const first = lost.find(({ from }) => from === others[0]!.owner)!.says;
  const message = `${serverOf(databaseUrl)}: ${connection.user} may not give away what belongs to ${names}: ${first}`;
  throw new TradetapeError("permission_denied", message, {
    next:
      `Run \`tradetape migrate --repair\` as a superuser, or as ${names}; or let one run what ` +
      "`tradetape migrate --repair --dry-run` prints.",
  });
}

/** PostgreSQL only warns of a GRANT that gives nothing. */
function notGiven(connection: Connection, databaseUrl: string, still: readonly Lost[]): TradetapeError {
  const statements = still.map(({ sql }) => sql);
  const message = `${serverOf(databaseUrl)}: ${connection.user} may not give everything back: ${still[0]!.says}`;
  return new TradetapeError("permission_denied", message, {
    next: `Let a superuser run this once, in this database:\n${statements.map((sql) => `${sql};`).join("\n")}`,
    facts: { statements },
  });
}

/** SQL; whether a table is a partition of one of the tables $2. */
const IS_PARTITION = `EXISTS (
  SELECT FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
  WHERE i.inhrelid = c.oid AND format('%I.%I', pn.nspname, p.relname) = ANY ($2::text[]))`;

/** SQL; whether a table has the name of one, and is none. */
const IS_LOOSE = `NOT ${IS_PARTITION} AND right(c.relname, 9) ~ '^_[0-9]{8}$'
  AND format('%I.%I', n.nspname, left(c.relname, -9)) = ANY ($2::text[])`;

/** Tables, each with who owns it, that aren't the owner's. @param most null is all */
async function foreignTables(connection: Connection, which: string, most: number | null): Promise<readonly Lost[]> {
  const own = connection.named(OWNER);
  const byDay = ESTABLISHED.filter(({ kind, is }) => kind === "relation" && is.includes(" by RANGE "));
  const found = await connection.query<{ name: string; owner: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, pg_get_userbyid(c.relowner)::text AS owner
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND pg_get_userbyid(c.relowner) <> $1 AND ${which} ORDER BY 1 LIMIT $3`,
    [own, byDay.map(({ name }) => name), most],
  );
  return found.map(({ name, owner }) => givenAway("relation", name, `TABLE ${name}`, { from: owner, owner: own }));
}

/** Somebody's tables that have the name of a day: each may be a day that was detached, or anything else. */
async function looseText(connection: Connection): Promise<readonly string[]> {
  const loose = await foreignTables(connection, IS_LOOSE, null);
  return loose.map(({ says, sql }) => `${says}, and is attached to nothing; if it is a day that was detached: ${sql}`);
}
