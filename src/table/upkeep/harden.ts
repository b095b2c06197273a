import { TradetapeError } from "../../errors.ts";
import { ROLES } from "../../settings/role-names.ts";
import { committed } from "../committed.ts";
import { Connection } from "../connection.ts";
import { serverOf } from "../database-url.ts";

/** A right by which somebody gets in whom no role of this database lets in. */
interface Open {
  readonly says: string;
  readonly sql: string;
}

/**
 * Takes from everybody the right to connect, to make temporary tables and to make things in `public`, and from the roles of
 * other tradetape databases, such as those that this one had before its roles got a prefix, whatever they have here.
 * @returns what was taken, each as a sentence; nothing the second time
 * @throws TradetapeError permission_denied, where the login user owns neither the database nor what others have rights on
 */
export async function hardenDatabase(databaseUrl: string): Promise<readonly string[]> {
  const connection = await Connection.open(databaseUrl, { name: "harden" });
  try {
    return await committed(connection, async () => {
      const open = await openOf(connection);
      for (const { sql } of open) await connection.query(sql);
      const still = await openOf(connection);
      if (still.length > 0) throw notClosed(connection, databaseUrl, still);
      return open.map(({ says }) => says);
    });
  } finally {
    await connection.close();
  }
}

/** PostgreSQL only warns of a REVOKE that takes nothing. */
function notClosed(connection: Connection, databaseUrl: string, still: readonly Open[]): TradetapeError {
  const statements = still.map(({ sql }) => sql);
  const message = `${serverOf(databaseUrl)}: ${connection.user} may not take what is not its own: ${still[0]!.says}`;
  return new TradetapeError("permission_denied", message, {
    next: `Let a superuser run this once, in this database:\n${statements.map((sql) => `${sql};`).join("\n")}`,
    facts: { statements },
  });
}

const openOf = (connection: Connection): Promise<Open[]> =>
  connection.query<Open & Record<string, unknown>>(OPEN, [ROLES.map((role) => connection.named(role))]);

/** SQL; $1 are this database's roles. A REVOKE from a relation takes what its columns give as well. */
const OPEN = `
  WITH other AS (
    SELECT oid, rolname FROM pg_roles WHERE rolname ~ 'tradetape_(owner|lander|reader|ops)$' AND rolname <> ALL ($1::text[])
  ), thing (place, name, acl, everybodys) AS (
    SELECT 'DATABASE', format('%I', datname), coalesce(datacl, acldefault('d', datdba)), '{CONNECT,TEMPORARY,CREATE}'::text[]
    FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'SCHEMA', format('%I', nspname), nspacl, '{CREATE}'
    FROM pg_namespace WHERE nspname IN ('public', 'tradetape')
    UNION ALL SELECT 'TABLE', format('%I.%I', n.nspname, c.relname), a.acl, '{}'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL (
      SELECT c.relacl UNION ALL SELECT attacl FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL) a (acl)
    WHERE n.nspname IN ('public', 'tradetape') AND c.relkind IN ('r', 'p', 'v', 'S')
    UNION ALL SELECT 'FUNCTION', format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
      p.proacl, '{}'
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('public', 'tradetape')
  )
  SELECT format('%s %s: %s had %s', lower(place), name, who, string_agg(DISTINCT privilege, ', ')) AS says,
    format('REVOKE %s ON %s %s FROM %s', CASE who WHEN 'everybody' THEN string_agg(DISTINCT privilege, ', ') ELSE 'ALL' END,
      place, name, CASE who WHEN 'everybody' THEN 'PUBLIC' ELSE who END) AS sql
  FROM (
    SELECT place, name, 'everybody' AS who, x.privilege_type AS privilege FROM thing, aclexplode(acl) x
    WHERE x.grantee = 0 AND x.privilege_type = ANY (everybodys)
    UNION ALL
    SELECT place, name, format('%I', other.rolname), x.privilege_type
    FROM thing, aclexplode(acl) x JOIN other ON other.oid = x.grantee
  ) one GROUP BY place, name, who ORDER BY 1`;
