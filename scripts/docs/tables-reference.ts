import type { Connection } from "../../src/table/connection.ts";
import { LASTING } from "../shape.ts";
import { cell, code, table } from "./markdown.ts";

/** A table, a view, or a function, with what COMMENT ON says of it. */
export interface Commented {
  readonly schema: string;
  readonly name: string;
  readonly kind: "table" | "view" | "function";
  readonly comment: string | null;
}

export interface CommentedColumn {
  readonly relation: string;
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly comment: string | null;
  /** As PRIMARY KEY, UNIQUE, or the table that a foreign key points at. */
  readonly keys: readonly string[];
}

/** Tables and views, the data before the bookkeeping. */
export const commentedRelations = (connection: Connection): Promise<readonly Commented[]> =>
  connection.query<Commented & Record<string, unknown>>(`
    SELECT n.nspname AS schema, c.relname AS name, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
      obj_description(c.oid, 'pg_class') AS comment
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${LASTING} AND c.relkind IN ('r', 'p', 'v') ORDER BY n.nspname, c.relname`);

export const commentedFunctions = (connection: Connection): Promise<readonly Commented[]> =>
  connection.query<Commented & Record<string, unknown>>(`
    SELECT n.nspname AS schema, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS name,
      'function' AS kind, obj_description(p.oid, 'pg_proc') AS comment
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('public', 'tradetape') ORDER BY 1, 2`);

export const commentedColumns = (connection: Connection): Promise<readonly CommentedColumn[]> =>
  connection.query<CommentedColumn & Record<string, unknown>>(`
    SELECT format('%s.%s', n.nspname, c.relname) AS relation, a.attname AS name,
      replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz') AS type,
      NOT a.attnotnull AND c.relkind <> 'v' AS nullable, col_description(c.oid, a.attnum) AS comment,
      array(SELECT CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique'
          ELSE format('to %s', k.confrelid::regclass) END
        FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f') AND a.attnum = ANY (k.conkey)
        ORDER BY k.contype DESC, k.conname) AS keys
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${LASTING} AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY n.nspname, c.relname, a.attnum`);

interface Fact {
  readonly relation: string;
  readonly definition: string;
}

const indexes = (connection: Connection): Promise<readonly Fact[]> =>
  connection.query<Fact & Record<string, unknown>>(`
    SELECT format('%s.%s', n.nspname, c.relname) AS relation,
      regexp_replace(pg_get_indexdef(i.indexrelid),
        '^CREATE (UNIQUE )?INDEX (\\S+) ON (ONLY )?\\S+ USING ', '\\1\\2: ') AS definition
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${LASTING} ORDER BY 1, i.indexrelid::regclass::text COLLATE "C"`);

const checks = (connection: Connection): Promise<readonly Fact[]> =>
  connection.query<Fact & Record<string, unknown>>(`
    SELECT format('%s.%s', n.nspname, c.relname) AS relation,
      regexp_replace(pg_get_constraintdef(k.oid), '^CHECK \\((.*)\\)( NOT VALID)?$', '\\1') AS definition
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${LASTING} AND k.contype = 'c' ORDER BY 1, k.conname COLLATE "C"`);

/** A comment is a sentence or two and, where there is one, the unit in brackets. */
export function unitOf(comment: string): { readonly meaning: string; readonly unit: string } {
  const [, meaning = comment, unit = ""] = /^(.*) \[([^\]]+)\]$/s.exec(comment) ?? [];
  return { meaning, unit };
}

function columnRow({ name, type, nullable, comment, keys }: CommentedColumn): string[] {
  const { meaning, unit } = unitOf(comment ?? "");
  return [code(name), type, unit, nullable ? "null" : "", keys.join(", "), cell(meaning)];
}

/** The text of docs/tables.md, of a migrated database. */
export async function tablesReference(connection: Connection): Promise<string> {
  const columns = Map.groupBy(await commentedColumns(connection), ({ relation }) => relation);
  const checked = Map.groupBy(await checks(connection), ({ relation }) => relation);
  const indexed = Map.groupBy(await indexes(connection), ({ relation }) => relation);
  const relations = (await commentedRelations(connection)).map(({ schema, name, kind, comment }) => {
    const own = `${schema}.${name}`;
    const facts = (title: string, found: readonly Fact[] = []) =>
      found.length === 0 ? [] : [`${title}: ${found.map((fact) => code(fact.definition)).join(", ")}.`];
    const head = ["column", "type", "unit", "null", "key", "meaning"];
    return [
      `### ${kind} \`${own}\``,
      comment ?? "",
      table(head, (columns.get(own) ?? []).map(columnRow)),
      ...facts("Checks", checked.get(own)),
      ...facts("Indexes", indexed.get(own)),
    ].join("\n\n");
  });
  const functions = await commentedFunctions(connection);
  const calls = functions.map(({ schema, name, comment }) => [code(`${schema}.${name}`), cell(comment ?? "")]);
  return [...relations, "### Functions", table(["function", "meaning"], calls)].join("\n\n");
}
