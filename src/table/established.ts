import { readFileSync } from "node:fs";
import { namedBy, ROLES } from "../settings/role-names.ts";
import type { Connection } from "./connection.ts";

/** One thing of a database's catalog that a migration made, as `schemas/catalog/established.jsonl` states it, or as it is. */
export interface Fact {
  readonly kind: FactKind;
  /** As a statement names it. */
  readonly name: string;
  /** The relation that it is a part of. */
  readonly of: string | null;
  /** What it is, in words of PostgreSQL that are the same in every version. */
  readonly is: string;
  readonly owner: string | null;
  /** By role, in the alphabet's order; of functions by `public`, too. The owner's own are left out. */
  readonly rights: Readonly<Record<string, readonly string[]>> | null;
  /** A function's, as ALTER FUNCTION takes them. */
  readonly settings: string | null;
  readonly comment: string | null;
}

export type FactKind = keyof typeof SQL;

/** The relations that a migration makes: day partitions come and go with the data. */
const LASTING = `n.nspname IN ('public', 'tradetape') AND c.relkind IN ('r', 'p', 'v') AND c.relname !~ '_[0-9]{8}$'`;

/** SQL; by role what an ACL grants to others than the owner. $1 are the roles that count. */
const rightsOf = (acl: string, owner: string) => `(
  SELECT jsonb_object_agg(grantee, privileges) FROM (
    SELECT CASE x.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(x.grantee)::text END AS grantee,
      jsonb_agg(DISTINCT x.privilege_type) AS privileges
    FROM aclexplode(${acl}) x WHERE x.grantee <> ${owner} GROUP BY 1) granted
  WHERE grantee = ANY ($1::text[]))`;

const NAME_OF_RELATION = "format('%I.%I', n.nspname, c.relname)";

const fact = (columns: Partial<Record<Exclude<keyof Fact, "kind" | "name">, string>>, name: string, from: string) => `
  SELECT ${name} AS name, ${columns.of ?? "NULL::text"} AS "of", ${columns.is ?? "''"} AS "is",
    ${columns.owner ?? "NULL::text"} AS owner, ${columns.rights ?? "NULL::jsonb"} AS rights,
    ${columns.settings ?? "NULL::text"} AS settings, ${columns.comment ?? "NULL::text"} AS comment FROM ${from}`;

/** SQL; what there is of each kind. */
const SQL = {
  role: fact({}, "r.rolname::text", "pg_roles r WHERE r.rolname = ANY ($1::text[])"),
  database: fact(
    { rights: rightsOf("d.datacl", "d.datdba") },
    "'DATABASE'",
    "pg_database d WHERE d.datname = current_database()",
  ),
  schema: fact(
    {
      // The schema `public` belongs to whom the server or its administrator says.
      owner: "CASE n.nspname WHEN 'tradetape' THEN pg_get_userbyid(n.nspowner)::text END",
      rights: rightsOf("n.nspacl", "n.nspowner"),
    },
    "format('%I', n.nspname)",
    "pg_namespace n WHERE n.nspname IN ('public', 'tradetape')",
  ),
  relation: fact(
    {
      is: `concat(CASE c.relpersistence WHEN 'u' THEN 'unlogged ' END,
        CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, ' by ' || pg_get_partkeydef(c.oid),
        ' partition ' || pg_get_expr(c.relpartbound, c.oid))`,
      owner: "pg_get_userbyid(c.relowner)::text",
      rights: rightsOf("c.relacl", "c.relowner"),
      comment: "obj_description(c.oid, 'pg_class')",
    },
    NAME_OF_RELATION,
    `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${LASTING}`,
  ),
  column: fact(
    {
      of: NAME_OF_RELATION,
      is: "concat(format_type(a.atttypid, a.atttypmod), CASE a.attidentity WHEN '' THEN '' ELSE ' identity' END)",
      rights: rightsOf("a.attacl", "c.relowner"),
      comment: "col_description(c.oid, a.attnum)",
    },
    "format('%I.%I.%I', n.nspname, c.relname, a.attname)",
    `pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${LASTING} AND a.attnum > 0 AND NOT a.attisdropped`,
  ),
  constraint: fact(
    // NOT VALID is left out, because a constraint that somebody has validated is still the one that a migration made.
    { of: NAME_OF_RELATION, is: "replace(pg_get_constraintdef(k.oid), ' NOT VALID', '')" },
    "format('%I.%I.%I', n.nspname, c.relname, k.conname)",
    `pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${LASTING} AND k.contype IN ('c', 'p', 'u', 'f')`,
  ),
  index: fact(
    {
      of: NAME_OF_RELATION,
      is: "concat(pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN ' (invalid)' END)",
    },
    "format('%I.%I', n.nspname, x.relname)",
    `pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${LASTING}`,
  ),
  trigger: fact(
    {
      of: NAME_OF_RELATION,
      is: "concat(pg_get_triggerdef(t.oid), CASE t.tgenabled WHEN 'O' THEN '' ELSE ' (not enabled)' END)",
    },
    "format('%I.%I.%I', n.nspname, c.relname, t.tgname)",
    `pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${LASTING} AND NOT t.tgisinternal`,
  ),
  function: fact(
    {
      is: `concat(pg_get_function_result(p.oid), ' ', l.lanname, ' ', p.provolatile, p.proparallel, ' ',
        md5(replace(p.prosrc, $2 || 'tradetape_', 'tradetape_')))`,
      owner: "pg_get_userbyid(p.proowner)::text",
      rights: rightsOf("coalesce(p.proacl, acldefault('f', p.proowner))", "p.proowner"),
      // pg_get_functiondef quotes each setting as SET takes it; behind AS stands the body.
      settings: `concat(CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' ELSE 'SECURITY INVOKER' END, (
        SELECT string_agg(' ' || trim(line), '' ORDER BY n)
        FROM regexp_split_to_table(split_part(pg_get_functiondef(p.oid), E'\\nAS ', 1), E'\\n') WITH ORDINALITY AS d (line, n)
        WHERE line ~ '^ SET '))`,
      comment: "obj_description(p.oid, 'pg_proc')",
    },
    "format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))",
    `pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
     WHERE n.nspname IN ('public', 'tradetape') AND p.prokind = 'f'`,
  ),
} as const;

export const FACT_KINDS = Object.keys(SQL) as readonly FactKind[];

/** What counts among an ACL's grantees: of what else is public, PostgreSQL and its administrator decide. */
const granteesOf = (kind: FactKind, roles: readonly string[]) => (kind === "function" ? [...roles, "public"] : roles);

/** How many a statement has. */
const parametersOf = (sql: string): number => ["$1", "$2"].filter((one) => sql.includes(one)).length;

type Found = Omit<Fact, "kind"> & Record<string, unknown>;

/**
 * What a database holds of these kinds, ours and anybody else's, in an order of its own. Asks the catalog alone, which every
 * role may.
 */
export async function readFacts(connection: Connection, kinds: readonly FactKind[]): Promise<readonly Fact[]> {
  const roles = ROLES.map((role) => connection.named(role));
  const found = await connection.inOneTrip(() =>
    kinds.map((kind) => {
      const values = [granteesOf(kind, roles), connection.rolePrefix];
      return connection.query<Found>(SQL[kind], values.slice(0, parametersOf(SQL[kind])));
    }),
  );
  return kinds.flatMap((kind, n) => found[n]!.map((one) => ({ kind, ...one }))).sort(byKindAndName);
}

const rank = ({ kind }: Fact) => FACT_KINDS.indexOf(kind);
const byKindAndName = (a: Fact, b: Fact) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1);

/** A line a fact, without what it lacks. */
export const factLines = (facts: readonly Fact[]): string =>
  facts.map((one) => `${JSON.stringify(one, (_key, value) => value ?? undefined)}\n`).join("");

const EMPTY = { of: null, owner: null, rights: null, settings: null, comment: null };

const TEXT = readFileSync(new URL("../../schemas/catalog/established.jsonl", import.meta.url), "utf8").trimEnd();

const read = new Map<string, readonly Fact[]>();

/** What the migrations of this program establish in a database whose roles have this prefix. */
export function establishedBy(rolePrefix: string): readonly Fact[] {
  const known = read.get(rolePrefix);
  if (known !== undefined) return known;
  const lines = namedBy(rolePrefix, TEXT).split("\n");
  const facts = lines.map((line) => ({ ...EMPTY, ...(JSON.parse(line) as Fact) }));
  read.set(rolePrefix, facts);
  return facts;
}

/** The same where the roles have none, and of things that aren't about roles anywhere. */
export const ESTABLISHED: readonly Fact[] = establishedBy("");
