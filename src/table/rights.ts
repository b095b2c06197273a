import { TradetapeError } from "../errors.ts";
import { OWNER, ROLES } from "../settings/role-names.ts";
import type { Connection } from "./connection.ts";
import { serverOf } from "./database-url.ts";
import { establishedBy, type Fact } from "./established.ts";
import { GIVE_BACK } from "./permission.ts";
import { quoted } from "./sql.ts";

/** A right that a migration gave to the session's role; of its owner, that the thing is its own. */
interface Wanted {
  readonly kind: string;
  readonly schema: string;
  readonly thing: string;
  readonly column: string;
  readonly privilege: string;
}

/**
 * Refuses a session whose role lacks what the migrations gave it, so that a start says it and not the first row that needs it.
 * A reader is asked for nothing here: what it isn't to see an administrator may decide.
 * @param relations what is asked about; without them the database, its schemas and the bookkeeping, of the owner everything
 * @throws TradetapeError permission_denied, canRetry
 */
export async function requireRights(
  connection: Connection,
  databaseUrl: string,
  relations?: readonly string[],
): Promise<void> {
  if (connection.role === undefined || connection.role === "tradetape_reader") return;
  const [role, isOwner] = [connection.named(connection.role), connection.role === OWNER];
  const isAsked = ({ name, of }: Fact) => relations?.includes(of ?? name) ?? (isOwner || !name.startsWith("public."));
  const established = establishedBy(connection.rolePrefix);
  const wanted = established.filter(isAsked).flatMap((one) => rightsOf(one, role, isOwner));
  const lacking = await connection.query<{ name: string; lacks: string }>(LACKING, [JSON.stringify(wanted)]);
  if (lacking.length === 0) return;
  const shown = lacking.slice(0, SHOWN_MAX).map(({ name, lacks }) => `${lacks} of ${name}`);
  const more = lacking.length > SHOWN_MAX ? ` and what ${lacking.length - SHOWN_MAX} others need` : "";
  throw new TradetapeError("permission_denied", `${serverOf(databaseUrl)}: ${role} lacks ${shown.join(", ")}${more}`, {
    canRetry: true,
    next: GIVE_BACK,
    facts: { lacking },
  });
}

const SHOWN_MAX = 5;

function rightsOf({ kind, name, of, owner, rights }: Fact, role: string, isOwner: boolean): Wanted[] {
  const [schema, inSchema] = cut(name);
  const [thing, column] = of === null ? [inSchema, ""] : cut(inSchema);
  const privileges = isOwner && owner !== null ? ["OWNERSHIP"] : (rights?.[role] ?? []);
  return privileges.map((privilege) => ({ kind, schema, thing, column, privilege }));
}

/** What stands before a name's first dot and behind it. */
function cut(name: string): readonly [string, string] {
  const at = name.indexOf(".");
  return at < 0 ? [name, ""] : [name.slice(0, at), name.slice(at + 1)];
}

/** SQL; what of $1 the session's role lacks. What isn't there at all is none of it. */
const LACKING = `
  SELECT concat_ws('.', nullif(w.schema, 'DATABASE'), nullif(w.thing, ''), nullif(w."column", '')) AS name,
    string_agg(lower(w.privilege), ', ' ORDER BY w.privilege) AS lacks
  FROM jsonb_to_recordset($1::jsonb) AS w (kind text, "schema" text, thing text, "column" text, privilege text)
  LEFT JOIN pg_namespace n ON n.nspname = w.schema
  LEFT JOIN pg_class c ON w.kind IN ('relation', 'column') AND c.relnamespace = n.oid AND c.relname = w.thing
  LEFT JOIN pg_attribute a ON w.kind = 'column' AND a.attrelid = c.oid AND a.attname = w."column"
  LEFT JOIN pg_proc p ON w.kind = 'function' AND p.pronamespace = n.oid
    AND format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) = w.thing
  LEFT JOIN pg_database d ON w.kind = 'database' AND d.datname = current_database()
  WHERE NOT CASE
    WHEN w.privilege = 'OWNERSHIP' THEN pg_has_role(coalesce(c.relowner, p.proowner, n.nspowner), 'USAGE')
    WHEN w.kind = 'database' THEN has_database_privilege(d.oid, w.privilege)
    WHEN w.kind = 'schema' THEN has_schema_privilege(n.oid, w.privilege)
    WHEN w.kind = 'relation' THEN has_table_privilege(c.oid, w.privilege)
    WHEN w.kind = 'column' THEN has_column_privilege(c.oid, a.attnum, w.privilege)
    WHEN w.kind = 'function' THEN has_function_privilege(p.oid, w.privilege) END
  GROUP BY w.schema, w.thing, w."column" ORDER BY 1`;

interface RoleState {
  readonly role: string;
  /** Whether there is such a role. */
  readonly there: boolean;
  /** Whether the login user has its rights and may switch to it. */
  readonly usable: boolean;
  /** Whether the login user is to make itself a member, as 0001_roles.sql has it do, and may. */
  readonly grantable: boolean;
}

interface Login {
  readonly user: string;
  readonly database: string;
  /** Whether CREATE ROLE is the login user's. */
  readonly makesRoles: boolean;
  /** Since PostgreSQL 16 each membership says by itself what it is good for. */
  readonly isSince16: boolean;
  readonly inherits: boolean;
  readonly ownsDatabase: boolean;
  /** Whether the login user may make the schema `tradetape`, or it is there. */
  readonly hasSchema: boolean;
  /** Whether the login user may let others into the schema `public`, or they are in. */
  readonly opensPublic: boolean;
}

/**
 * The roles belong to the whole cluster. A login user that neither is a superuser nor made them can't become a member by
 * itself, and that of another database can't give rights on this one.
 * @param needed the roles that the login user has to be a member of, by their names without a prefix
 * @throws TradetapeError permission_denied with the statements that a superuser has to run once
 */
export async function requireMayMigrate(
  connection: Connection,
  databaseUrl: string,
  needed: readonly string[],
): Promise<void> {
  const statements = await statementsForSuperuser(connection, needed);
  if (statements.length === 0) return;
  const what = `${connection.user} may not do what migrating takes`;
  throw new TradetapeError("permission_denied", `${serverOf(databaseUrl)}: ${what}`, {
    next: `Let a superuser run this once, in this database:\n${statements.map((one) => `${one};`).join("\n")}`,
    facts: { statements },
  });
}

async function statementsForSuperuser(connection: Connection, without: readonly string[]): Promise<readonly string[]> {
  const named = (role: string) => connection.named(role);
  const needed = without.map(named);
  const [login] = await connection.query<Login & Record<string, unknown>>(LOGIN, [named(OWNER)]);
  const roles = await connection.query<RoleState & Record<string, unknown>>(ROLE_STATES, [ROLES.map(named)]);
  const { makesRoles, isSince16, inherits, ownsDatabase, hasSchema, opensPublic } = login!;
  const [user, database] = [quoted(login!.user), quoted(login!.database)];
  const absent = makesRoles ? [] : roles.filter(({ there }) => !there);
  const closed = roles.filter(
    ({ role, there, usable, grantable }) => needed.includes(role) && (there ? !usable && !grantable : !makesRoles),
  );
  const how = isSince16 ? " WITH INHERIT TRUE, SET TRUE" : "";
  return [
    ...absent.map(({ role }) => `CREATE ROLE ${role} NOLOGIN`),
    ...(closed.length > 0 ? [`GRANT ${closed.map(({ role }) => role).join(", ")} TO ${user}${how}`] : []),
    ...(closed.length > 0 && !isSince16 && !inherits ? [`ALTER ROLE ${user} INHERIT`] : []),
    ...(ownsDatabase || hasSchema ? [] : [`ALTER DATABASE ${database} OWNER TO ${user}`]),
    ...(opensPublic ? [] : ["ALTER SCHEMA public OWNER TO pg_database_owner"]),
  ];
}

/** SQL; $1 is the tables' owner. */
const LOGIN = `
  SELECT current_user::text AS user, d.datname::text AS database, r.rolsuper OR r.rolcreaterole AS "makesRoles",
    r.rolinherit AS inherits, v.since16 AS "isSince16", pg_has_role(d.datdba, 'USAGE') AS "ownsDatabase",
    EXISTS (SELECT FROM pg_namespace WHERE nspname = 'tradetape')
      OR has_database_privilege(d.oid, 'CREATE') AS "hasSchema",
    EXISTS (SELECT FROM pg_namespace p WHERE p.nspname = 'public' AND (pg_has_role(p.nspowner, 'USAGE')
      OR (SELECT has_schema_privilege(o.oid, p.oid, 'CREATE') FROM pg_roles o WHERE o.rolname = $1))) AS "opensPublic"
  FROM pg_database d, pg_roles r, (SELECT current_setting('server_version_num')::int >= 160000 AS since16) v
  WHERE d.datname = current_database() AND r.rolname = current_user`;

/**
 * SQL; $1 are the roles. Up to PostgreSQL 15 who may make roles may make members, and every member may switch; since then it
 * takes the membership's own options.
 */
const ROLE_STATES = `
  SELECT wanted.role, r.oid IS NOT NULL AS there,
    coalesce(pg_has_role(r.oid, 'USAGE')
      AND pg_has_role(r.oid, CASE WHEN v.since16 THEN 'SET' ELSE 'MEMBER' END), false) AS usable,
    coalesce(NOT pg_has_role(r.oid, 'USAGE')
      AND (pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') OR (NOT v.since16 AND me.rolcreaterole)), false) AS grantable
  FROM unnest($1::text[]) WITH ORDINALITY AS wanted (role, n) LEFT JOIN pg_roles r ON r.rolname = wanted.role,
    pg_roles me, (SELECT current_setting('server_version_num')::int >= 160000 AS since16) v
  WHERE me.rolname = current_user ORDER BY wanted.n`;
