import { TradetapeError } from "../../errors.ts";
import type { Connection } from "../connection.ts";
import type { FieldWriter } from "./copy-buffer.ts";
import { type LandingTable, landingColumns, revisionTable, tablesOf } from "./landing-table.ts";

/** A column as the live table has it, with the writer of its type. */
export interface CheckedColumn {
  readonly name: string;
  readonly from: "event" | "record";
  readonly write: FieldWriter;
}

interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  readonly not_null: boolean;
  readonly has_default: boolean;
}

/** Columns that a landing fills without being told: the chain's are computed, the rest has a default. */
const CHAIN_COLUMNS = new Set(["seq", "prev_hash", "hash"]);

/**
 * Holds an event's fields, its table's key and its declared days against the live table before the first row goes there.
 * @param dayColumn by whose UTC day the table is declared to be partitioned
 * @returns the columns to COPY, each with the writer that fits the live type
 * @throws TradetapeError catalog_mismatch naming table and column or key, for every mismatch at once
 */
export async function checkCatalog(
  connection: Connection,
  table: LandingTable,
  dayColumn: string | undefined,
): Promise<readonly CheckedColumn[]> {
  const live = await connection.query<CatalogColumn & Record<string, unknown>>(
    `SELECT a.attname AS name, t.typname AS type, a.attnotnull AS not_null,
       a.atthasdef OR a.attidentity <> '' AS has_default
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`,
    [`public.${table.table}`],
  );
  const byName = new Map<string, CatalogColumn>(live.map((column) => [column.name, column]));
  const problems: string[] = live.length === 0 ? [`table ${table.table} doesn't exist`] : [];
  const columns: CheckedColumn[] = [];
  for (const wanted of landingColumns(table)) {
    const found = byName.get(wanted.name);
    const write = found && wanted.fits[found.type];
    const ours = Object.keys(wanted.fits).join(" or ");
    if (live.length > 0 && !found)
      problems.push(`${table.table}.${wanted.name}: the event has ${ours}, no such column`);
    else if (found && !write) {
      problems.push(`${table.table}.${wanted.name}: the event has ${ours}, the table has ${found.type}`);
    } else if (found && write) {
      if (wanted.nullable && found.not_null)
        problems.push(`${table.table}.${wanted.name}: the event's may be null, the table's not`);
      columns.push({ name: wanted.name, from: wanted.from, write });
    }
  }
  const known = new Set(columns.map((column) => column.name));
  for (const column of live) {
    if (!column.not_null || column.has_default || known.has(column.name)) continue;
    if (table.chained && CHAIN_COLUMNS.has(column.name)) continue;
    problems.push(`${table.table}.${column.name}: the table wants ${column.type}, the event has no such field`);
  }
  if (live.length > 0) {
    problems.push(
      ...(await keyProblems(connection, table)),
      ...(await dayProblems(connection, table.table, dayColumn)),
      ...(await revisionProblems(connection, table)),
    );
  }
  problems.push(...(await hiddenRows(connection, table)));
  if (problems.length > 0) {
    throw new TradetapeError("catalog_mismatch", problems.join("\n"), {
      next:
        "Run `tradetape migrate`; a changed schema needs a migration of its own (schemas/sql). What somebody changed in the " +
        "database by hand, `migrate` leaves as it is: make it again as its migration does.",
    });
  }
  return columns;
}

/**
 * Whether the table lacks a unique index over the declared key. A landing tells repeats by what this index refuses, so
 * without one each repeat is a row more, and the ledger counts it as written. An index that is partial or not yet valid
 * lets repeats in; a deferrable one refuses them too late, and can't be the target of ON CONFLICT.
 */
async function keyProblems(connection: Connection, { table, key }: LandingTable): Promise<string[]> {
  const indexes = await connection.query<{ columns: string[] }>(
    `SELECT ARRAY(SELECT a.attname::text FROM pg_attribute a
       WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])) AS columns
     FROM pg_index i
     WHERE i.indrelid = to_regclass('public.' || quote_ident($1)) AND i.indisunique AND i.indisvalid AND i.indimmediate
       AND i.indpred IS NULL AND i.indexprs IS NULL`,
    [table],
  );
  const hasKey = indexes.some(
    ({ columns }) => columns.length === key.length && columns.every((column) => key.includes(column)),
  );
  return hasKey ? [] : [`${table}: no unique index on (${key.join(", ")}), so repeats would land as rows of their own`];
}

/**
 * Tables of which a row security policy hides rows from whoever lands: COPY doesn't go there, and a parent that can't be seen
 * would pass for one that has not landed.
 */
async function hiddenRows(connection: Connection, table: LandingTable): Promise<string[]> {
  const names = [...tablesOf(table), ...table.parents.map((parent) => parent.table)];
  const hidden = await connection.query<{ name: string; role: string }>(
    `SELECT c.oid::regclass::text AS name, current_user AS role FROM pg_class c
     WHERE (c.relnamespace = to_regnamespace('tradetape') OR c.oid = ANY (SELECT to_regclass('public.' || quote_ident(n))
         FROM unnest($1::text[]) AS n))
       AND c.relkind IN ('r', 'p') AND c.relrowsecurity AND row_security_active(c.oid) ORDER BY 1`,
    [names],
  );
  return hidden.map(
    ({ name, role }) => `${name}: row security filters it for ${role}: disable it, or ALTER ROLE ${role} BYPASSRLS`,
  );
}

/** Columns that the table's revisions lack, whose values a revision would lose. */
async function revisionProblems(connection: Connection, table: LandingTable): Promise<string[]> {
  if (table.repeats === "first") return [];
  const missing = await connection.query<{ name: string }>(
    `SELECT r.attname AS name FROM pg_attribute r
     WHERE r.attrelid = to_regclass($1) AND r.attnum > 0 AND NOT r.attisdropped AND NOT EXISTS (
       SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass($2) AND a.attname = r.attname AND NOT a.attisdropped)
     ORDER BY r.attnum`,
    [`public.${table.table}`, `public.${revisionTable(table)}`],
  );
  return missing.map(({ name }) => `${revisionTable(table)}.${name}: ${table.table} has it, and its revisions lack it`);
}

/**
 * How declaration, `day_table` and the table itself differ about its days: make_day serves tables that `day_table` names,
 * and a group asks it for those that are declared. Where only one of the two knows, every row is refused.
 */
async function dayProblems(connection: Connection, table: string, dayColumn: string | undefined): Promise<string[]> {
  const [live] = await connection.query<{ key: string | null; isNamed: boolean }>(
    `SELECT pg_get_partkeydef(to_regclass('public.' || quote_ident($1))) AS key,
       EXISTS (SELECT FROM tradetape.day_table WHERE table_name = $1) AS "isNamed"`,
    [table],
  );
  const { key, isNamed } = live!;
  if (dayColumn === undefined) {
    return isNamed ? [`${table}: tradetape.day_table names it, and its consumer isn't declared partitionedByDay`] : [];
  }
  const wanted = `RANGE (${dayColumn})`;
  return [
    ...(isNamed
      ? []
      : [`${table}: its consumer is declared partitionedByDay, and tradetape.day_table doesn't name it`]),
    ...(key?.replaceAll('"', "") === wanted ? [] : [`${table}: partitioned by ${key ?? "nothing"}, not by ${wanted}`]),
  ];
}
