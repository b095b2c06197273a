/** What a migrated database looks like: `scripts/catalog.ts` writes it to schemas/catalog/shape.txt. */
import type { Connection } from "../src/table/connection.ts";

/** The relations that a migration makes: day partitions come and go with the data. */
export const LASTING = `n.nspname IN ('public', 'tradetape')
      AND NOT EXISTS (SELECT FROM tradetape.day_table d WHERE c.relname ~ ('^' || d.table_name || '_[0-9]{8}'))`;

/**
 * One line of text per fact, in an order of its own. Texts are PostgreSQL's, so a new major version may word them anew:
 * the file says which one made it.
 */
const FACTS: Readonly<Record<string, string>> = {
  relations: `
    SELECT format('%s %I.%I%s%s owned by %s', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
      WHEN 'v' THEN 'view' ELSE 'relation ' || c.relkind::text END, n.nspname, c.relname,
      coalesce(' by ' || pg_get_partkeydef(c.oid), ''),
      coalesce(' partition ' || pg_get_expr(c.relpartbound, c.oid), ''), c.relowner::regrole)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${LASTING} AND c.relkind IN ('r', 'p', 'v')`,
  columns: `
    SELECT format('%I.%I.%I %s %s%s%s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END, coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''),
      CASE a.attidentity WHEN 'a' THEN ' identity always' WHEN 'd' THEN ' identity by default' ELSE '' END)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE ${LASTING} AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped`,
  constraints: `
    SELECT format('%s %I: %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${LASTING} AND k.contype <> 'n'`,
  indexes: `
    SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${LASTING}`,
  views: `
    SELECT format('%I.%I: %s', n.nspname, c.relname, regexp_replace(pg_get_viewdef(c.oid), '\\s+', ' ', 'g'))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${LASTING} AND c.relkind = 'v'`,
  functions: `
    SELECT format('%s returns %s, %s, %s, owned by %s, body %s', p.oid::regprocedure, p.prorettype::regtype,
      CASE WHEN p.prosecdef THEN 'security definer' ELSE 'security invoker' END,
      coalesce(array_to_string(p.proconfig, '; '), 'no settings'), p.proowner::regrole, md5(p.prosrc))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('public', 'tradetape')`,
  triggers: `
    SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${LASTING} AND NOT t.tgisinternal`,
  rights: `
    SELECT format('%s %s: %s', kind, name, string_agg(privilege, ', ' ORDER BY privilege) || ' to ' || grantee) FROM (
      SELECT 'relation' AS kind, format('%I.%I', n.nspname, c.relname) AS name, x.privilege_type AS privilege,
        CASE x.grantee WHEN 0 THEN 'public' ELSE x.grantee::regrole::text END AS grantee
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x WHERE ${LASTING}
      UNION ALL
      SELECT 'function', p.oid::regprocedure::text, x.privilege_type,
        CASE x.grantee WHEN 0 THEN 'public' ELSE x.grantee::regrole::text END
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
      WHERE n.nspname IN ('public', 'tradetape')
      UNION ALL
      SELECT 'schema', n.nspname, x.privilege_type, CASE x.grantee WHEN 0 THEN 'public' ELSE x.grantee::regrole::text END
      FROM pg_namespace n, aclexplode(n.nspacl) x WHERE n.nspname IN ('public', 'tradetape')
    ) granted WHERE grantee ~ '^(tradetape_|public$)' GROUP BY kind, name, grantee`,
  roles: `
    SELECT format('%I%s', rolname, concat(CASE WHEN rolsuper THEN ' superuser' END, CASE WHEN rolcanlogin THEN ' login' END,
      CASE WHEN rolcreaterole THEN ' createrole' END, CASE WHEN rolcreatedb THEN ' createdb' END,
      CASE WHEN rolbypassrls THEN ' bypassrls' END, CASE WHEN rolinherit THEN ' inherit' END))
    FROM pg_roles WHERE rolname IN ('tradetape_owner', 'tradetape_lander', 'tradetape_reader', 'tradetape_ops')`,
};

/** The shape of a database as stable text: everything in it that a migration makes. */
export async function databaseShape(connection: Connection): Promise<string> {
  const lines = ["Made by scripts/catalog.ts from a freshly migrated database; a migration changes it, nothing else."];
  for (const [title, sql] of Object.entries(FACTS)) {
    const facts = await connection.query<{ fact: string }>(
      `SELECT fact FROM (${sql}) AS f (fact) ORDER BY fact COLLATE "C"`,
    );
    lines.push("", `${title}:`, ...facts.map(({ fact }) => `  ${fact}`));
  }
  return `${lines.join("\n")}\n`;
}
